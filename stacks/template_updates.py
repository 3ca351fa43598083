"""Proposes new versions of templates, and new answers, to the services that were made from older ones.

    make template-updates STACK=acme            shows what would be proposed
    make template-updates STACK=acme PROPOSE=1  opens pull requests: in each service's repository, and for its chart

What changed in the template is merged into what the team has made of it. A request that a person closes stays closed.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.errors import GitHubError
from manifests.model import Service, Settings, template_of
from slipway_release.output import ended
from stacks.addition import settings_in
from stacks.chart_update import chart_branches, chart_update
from stacks.service_update import BRANCHES, service_update
from stacks.stack_text import StackText, StackTextError, unreadable
from stacks.template_update import TeamFiles, Update, UpdateError, close_others, propose
from templates.service_template import TemplateProblem, is_git_address
from templates.template_history import changed_since

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_SECONDS = 60
_OBSOLETE = "What this proposed is here, or is not in the template any more: it is closed as obsolete."

Finder = Callable[[TeamFiles, Settings, Service, Path], Update | None]


class Updates:
    """The updates of one platform's services."""

    def __init__(self, api: GitHubApi, settings: Settings, root: Path = ROOT) -> None:
        self._api: GitHubApi = api
        self._settings: Settings = settings
        self._root: Path = root

    def of_service(self, service: Service, *, proposing: bool) -> str:
        """What is to be done in a service's repository, or was done.

        Raises:
            UpdateError: there is no update, and why.
            TemplateProblem: an old version is not to be had, or does not render.
            GitHubError: GitHub refuses something.
        """
        files = TeamFiles(self._api, self._settings.github.owner, service.repository_name)
        return self._done(files, BRANCHES, service, service_update, proposing=proposing)

    def of_chart(self, service: Service, *, proposing: bool) -> str:
        """The same in the environment repository."""
        return self._done(self._environments, chart_branches(service), service, chart_update, proposing=proposing)

    @cached_property
    def _environments(self) -> TeamFiles:
        github = self._settings.github
        return TeamFiles(self._api, github.owner, github.environment_repository)

    def _done(self, files: TeamFiles, branches: str, service: Service, find: Finder, *, proposing: bool) -> str:
        update = find(files, self._settings, service, self._root)
        if update is not None:
            return propose(update) if proposing else str(update)
        closed = close_others(files, branches, _OBSOLETE) if proposing else []
        return "; ".join(["up to date", *(f"closed: {address}" for address in closed)])


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Goes through all services; exit code 1 where one of them has a problem."""
    parser = argparse.ArgumentParser(
        prog="python -m stacks.template_updates", description="Update what templates made."
    )
    parser.add_argument("--stack", required=True, help="the stack, as in stacks/Pulumi.<stack>.yaml")
    parser.add_argument("--stack-file", type=Path, help="the file of its settings; unset: that one")
    parser.add_argument("--service", help="only this one")
    parser.add_argument("--propose", action="store_true", help="open the pull requests; without it they are shown")
    given = parser.parse_args(arguments)
    path: Path = given.stack_file or root / "stacks" / f"Pulumi.{given.stack}.yaml"
    token = os.environ.get("GITHUB_TOKEN") or os.environ.get("GH_TOKEN")
    try:
        text = StackText(path.read_text(encoding="utf-8"))
        settings, problems = settings_in(text, given.stack)
    except (StackTextError, OSError, UnicodeDecodeError) as error:
        print(f"error: {path}: {unreadable(error)}", file=sys.stderr)
        return 2
    if settings is None or not token:
        reason = (
            f"{path}: {text.located(problems[0])}"
            if problems
            else "GITHUB_TOKEN: it is not set; give one that reads the services"
        )
        print(f"error: {reason}", file=sys.stderr)
        return 2
    chosen = [service for service in settings.services if given.service in {None, service.name}]
    if not chosen:
        known = ", ".join(service.name for service in settings.services) or "none, there are none yet"
        print(f"error: --service: {given.service!r} is not a service; use one of {known}", file=sys.stderr)
        return 2
    updates = Updates(
        GitHubApi(settings.github.api_url, Token(token), deadline_seconds=PATIENCE_SECONDS), settings, root
    )
    for warning in _unraised(settings, root):
        print(warning, file=sys.stderr)
    return 0 if _gone_through(updates, chosen, proposing=given.propose) else 1


def _gone_through(updates: Updates, services: Sequence[Service], *, proposing: bool) -> bool:
    """Says of each service what is to be done or was done; whether none of them has a problem."""
    good = True
    for service in services:
        # The chart first: it runs older images, and an older chart might not run newer ones.
        for what, done in ((f"chart of {service.name}", updates.of_chart), (service.name, updates.of_service)):
            try:
                print(f"{what}: {done(service, proposing=proposing)}", flush=True)
            except (UpdateError, TemplateProblem, GitHubError, OSError) as error:
                good = False
                print(f"{what}: {error}", file=sys.stderr)
                if isinstance(error, GitHubError) and error.status == 0:
                    # Each further question would wait as long again.
                    print("Nothing further was looked at; run it again once GitHub answers", file=sys.stderr)
                    return False
    return good


def _unraised(settings: Settings, root: Path) -> Iterator[str]:
    """Templates in folders of the platform repository that have changed and still have their version."""
    for template in map(template_of, settings.templates):
        if not is_git_address(template.source) and (commit := changed_since(template, root)):
            yield (
                f"warning: {template.name}: it has changed since {commit[:12]} had {template.version} first, and"
                " services are told by the version alone; raise `version` in its copier.yml"
            )


if __name__ == "__main__":
    sys.exit(ended(main))
