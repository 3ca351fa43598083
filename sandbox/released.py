"""What the environment repository says of releases: which are wanted, verified, on hold, frozen or waiting."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote

import httpx

from sandbox.applications import Application
from sandbox.shape import Json, at, items

_RECORD = "tags/verified/"
_REQUESTS = ("release", "rollback", "hold", "restore")
"""How the branches of the release program's pull requests begin."""


@dataclass(frozen=True)
class Released:
    """A service in an environment, as Git has it."""

    version: str = ""
    """Empty before the first release."""
    verified: bool = False
    """Whether the record has that version."""
    taken_back: str = ""
    """The version that was taken back for it."""
    held: list[str] = field(default_factory=list[str])
    """Versions that must not come."""
    waits: str = ""
    """The address of the pull request that a version waits in."""
    frozen: str = ""
    """Why nothing is promoted there."""


class EnvironmentRepository:
    """Reads it from GitHub."""

    def __init__(self, github: httpx.Client, repository: str) -> None:
        self._github = github
        self._repository = repository

    def released(self, applications: list[Application]) -> list[Released]:
        """What is wanted and known of each service in its environment, in the same order."""
        verified = {at(one, "ref") for one in self._list(f"git/matching-refs/{_RECORD}")}
        waits = {
            f"{environment}/{service}": str(pull["html_url"])
            for pull in self._list("pulls?state=open&per_page=100")
            for kind, environment, service, _ in [_parts(str(at(pull, "head", "ref")))]
            if kind in _REQUESTS
        }
        with ThreadPoolExecutor(8) as executor:
            environments = sorted({one.environment for one in applications})
            paths = [f"environments/{name}/freeze.json" for name in environments]
            freezes = dict(zip(environments, executor.map(self.file, paths), strict=True))
            files = list(executor.map(self._release_file, applications))
        return [
            Released(
                version=version,
                verified=f"refs/{_RECORD}{one.environment}/{one.service}/{version}" in verified,
                taken_back=str(at(file, "release", "rollback", "version") or ""),
                held=[str(at(held, "version")) for held in items(file, "held")],
                waits=waits.get(f"{one.environment}/{one.service}", ""),
                frozen=str(freezes[one.environment].get("reason") or ""),
            )
            for one, file in zip(applications, files, strict=True)
            for version in [str(at(file, "release", "version") or "")]
        ]

    def file(self, path: str, branch: str | None = None) -> Mapping[str, object]:
        """A file of it that is JSON; empty where there is none."""
        answer = self._github.get(
            f"/repos/{self._repository}/contents/{quote(path)}",
            params={"ref": branch} if branch else {},
            headers={"Accept": "application/vnd.github.raw+json"},
        )
        if not answer.is_success:
            return {}
        try:
            return cast("Mapping[str, object]", json.loads(answer.text))
        except json.JSONDecodeError:
            return {"release": {"version": "unreadable"}}

    def _release_file(self, one: Application) -> Mapping[str, object]:
        return self.file(f"environments/{one.environment}/{one.service}/release.yaml", one.branch)

    def _list(self, path: str) -> list[Json]:
        answer = self._github.get(f"/repos/{self._repository}/{path}")
        return cast("list[Json]", answer.json()) if answer.is_success else []


def _parts(branch: str) -> tuple[str, str, str, str]:
    """Kind, environment, service and version of a branch of the release program; empty ones of other branches."""
    parts = branch.split("/")
    return (parts[0], parts[1], parts[2], parts[3]) if len(parts) == 4 else ("", "", "", "")
