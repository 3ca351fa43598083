"""What `make status` reads from the environment repository."""

import json
from typing import Any

import httpx

from sandbox.applications import Application
from sandbox.released import EnvironmentRepository, Released

FILES: dict[str, Any] = {
    "environments/dev/guestbook/release.yaml": {
        "release": {"version": "1.2.3", "rollback": {"version": "1.3.0"}},
        "held": [{"version": "1.3.0", "reason": "Degraded"}],
    },
    "environments/production/freeze.json": {"reason": "the shop's big day", "by": "dana"},
}
ANSWERS: dict[str, Any] = {
    "git/matching-refs/tags/verified/": [{"ref": "refs/tags/verified/dev/guestbook/1.2.3"}],
    "pulls": [
        {"head": {"ref": "release/production/guestbook/1.2.3"}, "html_url": "https://github.test/pull/7"},
        {"head": {"ref": "somebodys/own/branch/there"}, "html_url": "https://github.test/pull/8"},
    ],
}


def answer(request: httpx.Request) -> httpx.Response:
    path = request.url.path.removeprefix("/repos/acme/environments/")
    found = ANSWERS.get(path) or FILES.get(path.removeprefix("contents/"))
    return httpx.Response(404) if found is None else httpx.Response(200, text=json.dumps(found))


def application(environment: str) -> Application:
    texts = dict.fromkeys(("health", "revision", "synced", "branch", "cluster", "namespace", "problem"), "")
    return Application(
        name=f"guestbook-{environment}",
        service="guestbook",
        environment=environment,
        automated=True,
        sync="Synced",
        is_compared=True,
        **texts,
    )


def test_a_release_is_told_with_what_the_record_a_hold_a_freeze_and_a_request_say() -> None:
    with httpx.Client(base_url="https://github.test", transport=httpx.MockTransport(answer)) as github:
        repository = EnvironmentRepository(github, "acme/environments")
        dev, production = repository.released([application("dev"), application("production")])
    assert dev == Released("1.2.3", verified=True, taken_back="1.3.0", held=["1.3.0"])
    assert production == Released(waits="https://github.test/pull/7", frozen="the shop's big day")
