"""The comment of a pull request on the platform, one for each stack, kept up to date.

    COMMENT=… python3 -m stacks.pull_request_comment --stack acme --pull-request 7

The command writes what another job hands on that has run the code of the pull request, so its text is anybody's. It is
run from main and takes Python alone: the job that may write comments installs nothing, and uses no action.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from slipway_release import workflow
from slipway_release.errors import ReleaseError
from slipway_release.github import GitHub
from slipway_release.output import ended

OUTPUT = "comment"
"""The output by which a job hands its text on."""
HANDED_BYTES = 100_000
"""A variable of a process may have 131,072 on Linux."""
LIMIT = 60_000
"""GitHub takes 65,536 characters; some are left for what surrounds them."""
_NOTE = (
    "> **Written by the code of this pull request**, with the dependencies that it brings, and only put here by main's."
    " Believe it as far as you believe them.\n\n"
)


class Api(Protocol):
    """What is asked of GitHub."""

    def pages(self, path: str) -> Iterator[Any]:
        """All items of a list."""
        ...

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Makes something."""
        ...

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Changes something."""
        ...


def mark(stack: str) -> str:
    """What a stack's comment begins with, and is found by."""
    return f"<!-- slipway: preview of {stack} -->"


def hand_on(text: str) -> None:
    """Gives a comment to the job that may write it."""
    workflow.output(OUTPUT, text.encode()[:HANDED_BYTES].decode(errors="ignore"))


def of_others(text: str, stack: str) -> str:
    """A comment with somebody else's text: it says so at its top, calls people by no name, and hides nothing."""
    shown = text.removeprefix(mark(stack)).lstrip()
    # GitHub finds names after it has read entities.
    shown = re.sub(r"@|&(?=#|commat)|<(?=!--)", lambda found: f"{found[0]}\u200b", shown)
    return f"{mark(stack)}\n{_NOTE}{shown}"[:LIMIT]


def publish(api: Api, repository: str, number: int, stack: str, text: str) -> str:
    """Writes the comment, or brings the one of an earlier run up to date; returns its address.

    Raises:
        GitHubError, ReleaseError: GitHub refuses it.
    """
    at = f"/repos/{repository}/issues"
    for found in api.pages(f"{at}/{number}/comments"):
        # Somebody else's comment cannot be changed, and may quote ours.
        if str(found["body"]).startswith(mark(stack)) and found["user"]["type"] == "Bot":
            return str(api.patch(f"{at}/comments/{found['id']}", {"body": text})["html_url"])
    return str(api.post(f"{at}/{number}/comments", {"body": text})["html_url"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Publishes the text in COMMENT."""
    parser = argparse.ArgumentParser(prog="python3 -m stacks.pull_request_comment", description=__doc__)
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--pull-request", type=int, required=True, help="its number")
    given = parser.parse_args(arguments)
    try:
        github = GitHub(workflow.variable("GITHUB_API_URL"), workflow.variable("GITHUB_TOKEN"))
        text = of_others(workflow.variable("COMMENT"), given.stack)
        print(publish(github, workflow.variable("GITHUB_REPOSITORY"), given.pull_request, given.stack, text))
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
