"""What goes wrong for the runs of a simulated year: they are killed, cut off or refused, or somebody comes between."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from urllib.parse import parse_qs, urlsplit

from slipway_release.errors import UnavailableError
from slipway_release.git import Copy, Git
from slipway_release.registry import Image
from slipway_release.transport import Response, Transport
from tests.release.builders import Stocked, answer

OWN, WRITER, SERVICE = TOKENS = "own", "writer", "service"


class KilledError(Exception):
    """The runner is gone in the middle of a run."""


@dataclass
class Faults:
    """What happens to one run, at which of its requests."""

    killed_at: int | None = None
    limited_at: int | None = None
    limited: str = OWN
    """Whose token GitHub lets do nothing more, for longer than a run waits."""
    meanwhile_at: int | None = None
    meanwhile: Callable[[], object] | None = None
    asked: int = 0

    def next_request(self, whose: str) -> None:
        self.asked += 1
        if self.killed_at is not None and self.asked >= self.killed_at:
            raise KilledError
        if self.limited_at is not None and self.asked >= self.limited_at and whose == self.limited:
            raise UnavailableError("rate limit")
        if self.asked == self.meanwhile_at and self.meanwhile is not None:
            self.meanwhile()


@dataclass
class _KeptCopy(Copy):
    """What Git says of commits and files by their hashes is so for ever."""

    said: dict[tuple[str, ...], CompletedProcess[bytes]] = field(default_factory=dict[tuple[str, ...], Any])

    def _call(self, *arguments: str) -> CompletedProcess[bytes] | None:
        key = (str(self.folder), *arguments)
        if key in self.said:
            return self.said[key]
        done = super()._call(*arguments)
        if done is not None and done.returncode == 0 and arguments[0] not in {"init", "fetch"}:
            self.said[key] = done
        return done


@dataclass
class Kept(Git):
    """A run's Git that finds what earlier runs have fetched and asked: it costs less, and that is all."""

    home: Path = field(default_factory=Path)
    said: dict[tuple[str, ...], CompletedProcess[bytes]] = field(default_factory=dict[tuple[str, ...], Any])

    def copy(self, repository: str) -> Copy:
        if repository not in self._copies:
            folder = self.home / repository.replace("/", "+")
            url = f"{self.server_url.rstrip('/')}/{repository}.git"
            self._copies[repository] = _KeptCopy(self, url, folder, said=self.said)
        return self._copies[repository]


@dataclass
class Outside:
    """What is away at the moment, for everybody."""

    away: set[str] = field(default_factory=set[str])
    """Of `github`, `registry`, `argocd`, and the clusters."""
    revoked: bool = False
    """Whether the promoter's key was rotated and nobody has told the platform."""
    transferred: set[str] = field(default_factory=set[str])
    """Repositories that belong to another owner, where no App of the platform is: to it there are none of that name."""
    gone: set[str] = field(default_factory=set[str])
    """Digests of images that the registry has cleaned up."""


@dataclass
class Actions(Transport):
    """A run's connection to GitHub. Promotions that it starts are only noted."""

    whose: str = OWN
    outside: Outside = field(default_factory=Outside)
    faults: Faults = field(default_factory=Faults)
    start: Callable[[Mapping[str, str]], None] = lambda _: None
    runs: Callable[[str | None], list[dict[str, Any]]] = lambda _: []

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        if "github" in self.outside.away:
            raise UnavailableError("GitHub does not answer")
        self.faults.next_request(self.whose)
        if self.outside.revoked and self.whose == WRITER:
            return answer({"message": "Bad credentials"}, 401)
        address = urlsplit(url)
        if any(f"/{name}/" in address.path.replace(".git/", "/") + "/" for name in self.outside.transferred):
            return answer({"message": "Not Found"}, 404)
        if address.path.endswith("/promote.yml/dispatches"):
            self.start(json.loads(body or b"")["inputs"])
            return answer(status=204)
        if address.path.endswith("/reconcile.yml/dispatches"):
            # It comes with the next one.
            return answer(status=204)
        if address.path.endswith("/requested.yml/runs"):
            return answer({"workflow_runs": []})
        if address.path.endswith(("/promote.yml/runs", "/environments/actions/runs")):
            return answer({"workflow_runs": self.runs(parse_qs(address.query).get("status", [None])[0])})
        if address.path.endswith("/approvals"):
            return answer([])
        return super().send(method, url, headers, body)


class Shelves(Stocked):
    """A registry that has every image but those that it has cleaned up, and is away now and then."""

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside.gone)
        self.outside = outside

    def image(self, name: str, reference: str, *, hidden_is_absent: bool = False) -> Image | None:
        if "registry" in self.outside.away:
            raise UnavailableError("the registry does not answer")
        return super().image(name, reference, hidden_is_absent=hidden_is_absent)
