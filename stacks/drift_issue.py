"""One issue about what was changed by hand, from `pulumi preview --json --refresh`.

    pulumi preview --json --refresh --stack acme > preview.json
    python -m stacks.drift_issue preview.json --stack acme

It is opened when there is drift, kept up to date while there is, and closed when there is none any more.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from slipway_release.output import ended
from stacks.preview_changes import Preview, PreviewError, read_preview
from stacks.preview_comment import comment, teams_of
from stacks.pull_request_comment import LIMIT
from stacks.workflow_run import add_to_summary, github_of_run

DRIFTED = 3
_MARK = "<!-- slipway: drift of {} -->"
_FOUND = """\
Somebody changed the platform by hand, or changed settings were not applied. `pulumi up --refresh` would do this.
To keep a change, write it into the settings; to undo it, run `pulumi up --refresh`. Each night brings this up to date.
"""
_GONE = "The platform is as its settings say. A change by hand opens an issue again.\n"


def issue_text(preview: Preview, stack: str) -> str:
    """The issue as Markdown, within GitHub's limit."""
    head = f"{_MARK.format(stack)}\n{_FOUND}\n"
    return head + comment(preview, stack, teams_of(stack), limit=LIMIT - len(head))


def keep_issue(api: GitHubApi, repository: str, stack: str, preview: Preview) -> str:
    """Opens, changes or closes the issue; returns what was done, with its address.

    Raises:
        GitHubError: GitHub refuses it.
    """
    at = f"/repos/{repository}/issues"
    mark = _MARK.format(stack)
    # Somebody else's issue may quote ours.
    ours = [
        one
        for one in api.pages(f"{at}?state=open")
        if str(one["body"] or "").startswith(mark) and one["user"]["type"] == "Bot"
    ]
    if not preview.changes:
        for one in ours:
            api.patch(f"{at}/{one['number']}", {"state": "closed", "body": f"{mark}\n{_GONE}"})
        return "".join(f"closed: {one['html_url']}\n" for one in ours) or "no drift"
    text = issue_text(preview, stack)
    if not ours:
        made = api.post(at, {"title": f"The stack {stack} is not as its settings say", "body": text})
        return f"opened: {made['html_url']}"
    if ours[0]["body"] != text:
        api.patch(f"{at}/{ours[0]['number']}", {"body": text})
    return f"kept up to date: {ours[0]['html_url']}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Keeps the issue, or prints its text where GITHUB_REPOSITORY is not set; exit code 3 where there is drift."""
    parser = argparse.ArgumentParser(prog="python -m stacks.drift_issue", description="Drift as one issue.")
    parser.add_argument("preview", type=Path, help="what `pulumi preview --json --refresh` wrote")
    parser.add_argument("--stack", required=True, help="the stack's name")
    parser.add_argument("--summary", type=Path, help="a file that the text is added to: a run's summary")
    given = parser.parse_args(arguments)
    try:
        preview = read_preview(given.preview.read_text(encoding="utf-8"))
        if preview.errors:
            # A check that could not look says nothing of drift, so the issue stays as it is.
            raise PreviewError(f"the preview failed: {preview.errors[0]}")
        text = issue_text(preview, given.stack) if preview.changes else _GONE
        add_to_summary(given.summary, text)
        if repository := os.environ.get("GITHUB_REPOSITORY"):
            print(keep_issue(github_of_run(), repository, given.stack, preview))
        else:
            print(text)
    except KeyError as error:
        print(f"error: {error.args[0]}: it is not set in the environment", file=sys.stderr)
        return 2
    except (PreviewError, GitHubError, OSError, UnicodeDecodeError, ValueError) as error:
        print(f"error: {given.preview}: {error}", file=sys.stderr)
        return 2
    return DRIFTED if preview.changes else 0


if __name__ == "__main__":
    sys.exit(ended(main))
