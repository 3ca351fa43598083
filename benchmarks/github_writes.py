"""Commits and writing requests for the files of an added service, against one `RepositoryFile` a file.

The product's own delivery and a plain write per file, as the provider's `RepositoryFile` makes it, bring the same
twenty files into two fresh repositories of the sandbox's GitHub; requests are counted where they leave, commits where
they arrive. With `--whole`, a service is also added by a whole deployment, repository, rules and Applications included.
"""

import argparse
import base64
import re
import sys
import time
from collections.abc import Mapping

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import github_alone, running
from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.file_delivery import FileDelivery
from components.github.tree import WantedFiles
from manifests.model import OwnedFiles
from sandbox.config import SandboxConfig
from sandbox.overlay import sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.settings import StackConfig, merged
from sandbox.pulumi.workspace import find_workspace
from slipway_release.exchange import Response, exchange

OWNER = "acme"
FILES = 20
GOAL_COMMITS, GOAL_WRITES = 1, 15
_WRITE = re.compile(r" (POST|PUT|PATCH|DELETE) (\S+) (\d{3}) ")


class CountingExchange:
    """Counts the requests that change something."""

    writes = 0

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        self.writes += method not in {"GET", "HEAD"}
        return exchange(method, url, headers, body)


def measured(options: argparse.Namespace, report: Report) -> None:
    files = {f"folder-{number % 4}/file-{number:02}.txt": f"file {number}\n" for number in range(FILES)}
    with github_alone() as (url, token):
        admin = GitHubApi(url, Token(token))
        for run in range(options.runs):
            say(f"run {run + 1} of {options.runs}: {FILES} files")
            for way, write in (("one commit", in_one_commit), ("a RepositoryFile each", one_by_one)):
                repository = f"benchmark-{run}-{write.__name__.replace('_', '-')}"
                admin.post(f"/orgs/{OWNER}/repos", {"name": repository, "auto_init": True})
                before = commits(admin, repository)
                counting = CountingExchange()
                with report.measure(f"{way}: time").timed():
                    write(GitHubApi(url, Token(token), exchange=counting), repository, files)
                report.measure(f"{way}: commits", "").values.append(commits(admin, repository) - before)
                report.measure(f"{way}: writing requests", "").values.append(counting.writes)
    in_commits, in_writes = (report.measure(f"one commit: {what}") for what in ("commits", "writing requests"))
    report.at_most("commits for the files of a service", in_commits.median, GOAL_COMMITS)
    report.at_most("writes for the files of a service", in_writes.median, GOAL_WRITES)
    report.notes.append("The provider waits a second between writes on github.com; here nothing waits.")
    if options.whole:
        with running() as config:
            add_service(config, report)


def in_one_commit(api: GitHubApi, repository: str, files: dict[str, str]) -> None:
    FileDelivery(api, OWNER, repository).deliver(WantedFiles(owned=files, seeded={}), "Start", OwnedFiles.COMMIT)


def one_by_one(api: GitHubApi, repository: str, files: dict[str, str]) -> None:
    """What the provider's `RepositoryFile` asks for, one after the other, as writes to one branch must be."""
    for path, text in files.items():
        address = f"/repos/{OWNER}/{repository}/contents/{path}"
        api.find(f"{address}?ref=main")
        content = base64.b64encode(text.encode()).decode()
        api.put(address, {"message": f"Add {path}", "content": content, "branch": "main"})
        api.get(f"{address}?ref=main")


def commits(api: GitHubApi, repository: str) -> int:
    return len(list(api.pages(f"/repos/{OWNER}/{repository}/commits")))


def add_service(config: SandboxConfig, report: Report) -> None:
    """Adds a service to the platform that is up, and counts what its GitHub was asked to write."""
    stack = sandbox_stack(config)
    service = {"name": f"added-{int(time.time()) % 100_000}", "template": "python-web", "team": "web"}
    services = [*stack.values["slipway:services"], service]
    stack = StackConfig(stack.project, stack.stack, merged(stack.values, {"slipway:services": services}), stack.secrets)
    log = config.github_directory / "requests.log"
    start = log.stat().st_size
    place = find_workspace(config, Progress(quiet=True))
    with report.measure("a service by a whole deployment: time").timed():
        operations.up(place, stack)
    with log.open() as lines:
        lines.seek(start)
        written = [match for match in map(_WRITE.search, lines) if match and match[3].startswith("2")]
    report.measure("a service by a whole deployment: writing requests", "").values.append(len(written))
    moved = [match for match in written if match[1] == "PATCH" and match[2].endswith("/git/refs/heads/main")]
    report.measure("a service by a whole deployment: commits, both repositories", "").values.append(len(moved))
    report.notes += [f"{match[1]} {match[2]}" for match in written]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--whole", action="store_true", help="also add a service, which stays in the sandbox")


if __name__ == "__main__":
    sys.exit(
        benchmark(
            "github_writes", measured, description="Writes for the files of a service", runs=3, arguments=arguments
        )
    )
