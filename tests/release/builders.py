"""Things that violate nothing, so that a case breaks exactly one."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from slipway_release import platform_file
from slipway_release.context import Context
from slipway_release.exchange import Response
from slipway_release.github import GitHub
from slipway_release.platform_types import Platform
from slipway_release.registry import REVISION_LABEL, Image, Registry
from slipway_release.release_file import Release
from slipway_release.transport import Transport

COMMIT = "c" * 40
DIGEST = "sha256:" + "d" * 64
IMAGE = "registry.test/acme/guestbook"
SERVICES = ("guestbook", "clock")
RUN = "https://github.test/acme/guestbook/actions/runs/7"


def environment(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "sync": "automated",
        "images": "release",
        "branch": None,
        "delivery": "commit",
        "targetBranch": "main",
        "rollback": "automatic",
        "tagPrefix": None,
        "prereleases": True,
        "requires": [],
        "verificationDeadlineSeconds": 600,
        "url": "http://{service}.{environment}.test",
        "approval": False,
    } | changes


def service(name: str, environments: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "repository": name,
        "team": "web",
        "environments": environments,
        "image": f"registry.test/acme/{name}",
        "releaseWorkflow": ".github/workflows/release.yml",
    }


def platform(*environments: dict[str, Any], **changes: Any) -> Platform:
    """Guestbook and clock in dev, staging and production."""
    places = list(environments) or [
        environment("dev", images="main"),
        environment("staging"),
        environment("production", sync="manual", prereleases=False, requires=["staging"], tagPrefix="prod"),
    ]
    names = [place["name"] for place in places]
    return platform_file.parse(
        {
            "owner": "acme",
            "environmentRepository": "environments",
            "apiUrl": "https://github.test/api/v3",
            "serverUrl": "https://github.test",
            "registry": {"host": "registry.test", "insecure": True},
            "environments": places,
            "services": [service(name, names) for name in SERVICES],
        }
        | changes
    )


def release(version: str = "1.2.3", **changes: Any) -> Release:
    """A release with an image of its own for each version."""
    digest = "sha256:" + hashlib.sha256(version.encode()).hexdigest()
    made = Release(version, f"v{version}", IMAGE, digest, COMMIT, RUN)
    return dataclasses.replace(made, **changes)


@dataclass
class Clock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def answer(content: object = None, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, b"" if content is None else json.dumps(content).encode())


class Script(Transport):
    """Answers from a table of `METHOD /path`; whatever is not in it does not exist."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__(log=lambda _: None)
        self.answers = dict(answers)
        self.asked: list[str] = []

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        key = f"{method} {urlsplit(url).path.removeprefix('/api/v3')}"
        self.asked.append(key)
        if key not in self.answers:
            return answer({"message": "Not Found"}, 404)
        found = self.answers[key]
        content = found() if isinstance(found, Callable) else found
        return content if isinstance(content, Response) else answer(content)


class Counting(Transport):
    """Sends requests, and counts them."""

    def __init__(self) -> None:
        super().__init__(60, log=lambda _: None)
        self.asked: list[str] = []

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        self.asked.append(f"{method} {urlsplit(url).path}")
        return super().send(method, url, headers, body)


class Images(Registry):
    """A registry that has the images it is told of: digest to source commit."""

    def __init__(self, images: Mapping[str, str]) -> None:
        super().__init__("registry.test")
        self.images = dict(images)

    def image(self, name: str, reference: str, *, hidden_is_absent: bool = False) -> Image | None:
        commit = self.images.get(reference)
        return None if commit is None else Image(reference, {REVISION_LABEL: commit})


class Stocked(Images):
    """A registry that has every image, except those that are gone (by digest)."""

    def __init__(self, gone: Collection[str] = ()) -> None:
        super().__init__({})
        self.gone = gone

    def image(self, name: str, reference: str, *, hidden_is_absent: bool = False) -> Image | None:
        return None if reference in self.gone else Image(reference, {})


def context(
    answers: Mapping[str, Any] | None = None,
    images: Mapping[str, str] | None = None,
    *,
    of: Platform | None = None,
) -> Context:
    github = GitHub("https://github.test/api/v3", "token", Script(answers or {}))
    return Context(of or platform(), github, github, github, Images(images or {}), "https://run", "promoter[bot]")
