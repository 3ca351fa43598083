"""What the App can do whose key every service's repository holds: every call of the API is tried with its token."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from components.github.apps import REQUESTER
from sandbox.github.actions import routes_runs, routes_workflows
from sandbox.github.core.routing import API, ROUTES
from tests.github.conftest import Hub, Repository

MORE = (routes_runs, routes_workflows)
"""Modules whose calls a server without Actions does not have; imported, they are in the table."""
REPOSITORY = "/repos/{owner}/{repo}"
READS = ("GET", "HEAD")
ALLOWED = {("POST", f"{REPOSITORY}/statuses/{{sha}}")}
OPEN = {"public", "authenticated", "app", "user", "site_admin"}
"""Permissions that say who calls, and not what may be done in a repository."""


def calls(*, reading: bool) -> list[tuple[str, str, str]]:
    """Method, path and permission of every call on a repository."""
    return [
        (route.method, route.path.removeprefix(API), route.permission)
        for route in ROUTES
        if route.path.startswith(API + REPOSITORY) and (route.method in READS) is reading
    ]


@pytest.fixture(scope="module")
def requester(hub: Hub) -> Iterator[httpx.Client]:
    # A permission that the product asks for and this GitHub's App does not have, is refused here.
    with hub.client(hub.app_token("requester", permissions=REQUESTER.permissions)) as client:
        yield client


def answered(requester: httpx.Client, environments: Repository, method: str, path: str) -> int:
    given: dict[str, Any] = {"owner": "acme", "repo": environments.name, "sha": environments.head()}
    filled = re.sub(r"\{(\w+)(?::\w+)?\}", lambda name: str(given.get(name[1], "1")), path)
    return requester.request(method, filled, json={"state": "success", "context": "x"}).status_code


def test_it_changes_nothing_but_commit_statuses(requester: httpx.Client, environments: Repository) -> None:
    tried = calls(reading=False)
    codes = {(method, path): answered(requester, environments, method, path) for method, path, _ in tried}
    let_in = {call for call, code in codes.items() if code not in {403, 404}}
    assert let_in == ALLOWED
    assert len(tried) > 80


def test_it_reads_nothing_but_commit_statuses(requester: httpx.Client, environments: Repository) -> None:
    tried = [
        (method, path) for method, path, permission in calls(reading=True) if permission not in {*OPEN, "metadata:read"}
    ]
    read = {path for method, path in tried if answered(requester, environments, method, path) < 300}
    assert all("status" in path for path in read), read
    assert len(tried) > 60


def test_every_other_right_that_could_ask_could_do_more() -> None:
    """Why it is this one: how many calls each of them would let through."""
    names = ("statuses", "actions", "contents", "deployments", "issues", "pull_requests", "checks")
    permitted = {
        name: sum(f"{name}:write" in permission.split("|") for _, _, permission in calls(reading=False))
        for name in names
    }
    assert permitted.pop("statuses") == 1
    assert min(permitted.values()) > 1
