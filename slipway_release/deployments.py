"""GitHub deployments and their statuses, as they are read.

On the environment repository a deployment is named `<environment>/<service>` and its ref is the
commit that Argo CD syncs; Argo CD itself reports there. On the service's repository it is named
`<environment>`, its ref is the tag (or commit), and it mirrors.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from slipway_release import fields, workflow
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.github import GitHub
from slipway_release.release_file import Release

DRIFT = "Drift"
"""How the description of a status begins that reports drift."""
HEALED = "Drift healed"
"""The same of drift that Argo CD has undone already."""
INCIDENT = "Incident"
"""How the description of a status begins that reports what broke after the release was verified."""
OVER = "Incident over"
"""The same of its end."""
ASIDE = (DRIFT, INCIDENT)
"""How the description of a status begins that says nothing of the release."""
TOOK_BACK = "(rolled back from {})"
"""How a delivery says, in its first status, that it took another version back."""
VERDICTS = frozenset({"success", "failure", "error"})
"""The states that say what a release is; the others say how far it is, and GitHub sets `inactive` by itself."""
_TOOK_BACK = re.compile(re.escape(TOOK_BACK).replace(r"\{\}", "(.+?)"))


@dataclass(frozen=True)
class Status:
    """One report on a deployment."""

    state: str
    description: str
    created_at: str
    log_url: str
    creator: str = ""
    """The login of the account that wrote it."""
    is_app: bool = False
    """Whether that account is a GitHub App's."""
    id: int = 0
    """GitHub numbers all statuses as they come."""

    @property
    def is_report(self) -> bool:
        """Whether it says that a release is good or bad; drift and incidents say nothing of it."""
        return self.state in VERDICTS and not self.is_aside

    @property
    def order(self) -> tuple[dt.datetime, int]:
        """By which statuses of several deployments are sorted: GitHub's times have whole seconds."""
        return workflow.moment(self.created_at), self.id

    @property
    def is_aside(self) -> bool:
        """Whether it tells of drift or an incident."""
        return self.description.startswith(ASIDE)

    @property
    def took_back(self) -> str:
        """The version that was taken back by the delivery that it tells of; empty where it says of none."""
        found = _TOOK_BACK.search(self.description)
        return found[1] if found else ""


@dataclass
class Entry:
    """One deployment. Its statuses are fetched when they are first asked for."""

    id: int
    sha: str
    ref: str
    environment: str
    """Its name, such as `dev/guestbook`."""
    created_at: str
    creator: str
    payload: Document
    _github: GitHub = field(repr=False)
    _path: str = field(repr=False)
    _statuses: list[Status] | None = field(default=None, repr=False)

    def is_of(self, release: Release) -> bool:
        """Whether it is of exactly this version; two tags of a commit may have one image."""
        return self.is_about(release.version, release.digest)

    def is_about(self, version: object, digest: object) -> bool:
        """Whether it is of a version and its image, as the payload of another deployment names them."""
        return (self.payload.get("digest"), self.payload.get("version", version)) == (digest, version)

    @property
    def statuses(self) -> list[Status]:
        """Newest first."""
        if self._statuses is None:
            self._statuses = [_status(item) for item in self._github.pages(f"{self._path}/{self.id}/statuses")]
        return self._statuses

    @property
    def verified_at(self) -> str | None:
        """When it was first reported healthy, or None."""
        times = [status.created_at for status in self.statuses if status.state == "success" and status.is_report]
        return min(times) if times else None

    @property
    def failed_at(self) -> str | None:
        """When it was first reported bad, or None."""
        times = [s.created_at for s in self.statuses if s.state in {"failure", "error"} and s.is_report]
        return min(times) if times else None

    @property
    def latest(self) -> Status | None:
        """The newest status that is about the release; `inactive` is set by GitHub itself and reports nothing."""
        told = (s for s in self.statuses if s.state != "inactive" and not s.is_aside)
        return next(told, None)


def name_of(environment: str, service: str) -> str:
    return f"{environment}/{service}"


def entries(github: GitHub, repository: str, environment: str | None = None, ref: str | None = None) -> Iterator[Entry]:
    """The deployments of an environment, or of all, newest first."""
    path = f"/repos/{repository}/deployments"
    query = ({"environment": environment} if environment else {}) | ({"ref": ref} if ref else {})
    for item in github.pages(path, query):
        yield entry_from(item, github, path)


def entry(github: GitHub, repository: str, number: int) -> tuple[Entry, str]:
    """One deployment, and the environment it is of."""
    path = f"/repos/{repository}/deployments"
    found = github.find(f"{path}/{number}")
    if found is None:
        raise RefusedError(f"deployment {number}: not a deployment of {repository}")
    return entry_from(found, github, path), fields.text(found, "environment", f"deployment {number}")


def entry_from(source: Document, github: GitHub, path: str) -> Entry:
    """A deployment as GitHub shows it, with what reads its statuses."""
    where = "deployment"
    creator = fields.optional_document(source, "creator") or {}
    return Entry(
        id=fields.number(source, "id", where),
        sha=fields.text(source, "sha", where),
        ref=fields.text(source, "ref", where),
        environment=fields.text(source, "environment", where),
        created_at=fields.text(source, "created_at", where),
        creator=fields.optional_text(creator, "login") or "",
        payload=fields.optional_document(source, "payload") or {},
        _github=github,
        _path=path,
    )


def _status(source: Document) -> Status:
    creator = fields.optional_document(source, "creator") or {}
    return Status(
        state=fields.text(source, "state", "status"),
        description=fields.optional_text(source, "description") or "",
        created_at=fields.text(source, "created_at", "status"),
        log_url=fields.optional_text(source, "log_url") or fields.optional_text(source, "target_url") or "",
        creator=fields.optional_text(creator, "login") or "",
        is_app=fields.optional_text(creator, "type") == "Bot",
        id=fields.number(source, "id", "status"),
    )
