"""What runs out: requests of an hour, tokens, and old statuses of deployments."""

from collections.abc import Callable, Iterator

import pytest

from sandbox.github.core import clock
from tests.github.conftest import Hub, Repository

DAY = 24 * 3600


@pytest.fixture
def move(hub: Hub) -> Iterator[Callable[[int], None]]:
    """Moves the clock of the server ahead until the end of a test."""

    def ahead(seconds: int) -> None:
        with hub.admin as admin:
            assert admin.post(f"{hub.url}/_sandbox/clock", json={"seconds": seconds}).status_code == 200

    yield ahead
    clock.move(0)
    hub.forge.store.table("clock").delete_all("")


@pytest.fixture
def budget(hub: Hub) -> Iterator[Callable[..., None]]:
    """Sets budgets until the end of a test."""
    before = dict(hub.forge.budgets.limits)

    def change(**limits: int) -> None:
        with hub.admin as admin:
            assert admin.put(f"{hub.url}/_sandbox/budgets", json=limits).status_code == 200

    yield change
    change(**before)


def test_a_token_of_an_app_ends_after_an_hour(hub: Hub, move: Callable[[int], None]) -> None:
    token = hub.app_token("promoter")
    with hub.client(token) as client:
        move(3500)
        assert client.get("/installation/repositories").status_code == 200
        move(101)
        assert client.get("/installation/repositories").status_code == 401


def test_a_moved_clock_stays_moved(hub: Hub, move: Callable[[int], None]) -> None:
    move(DAY)
    assert hub.forge.store.table("clock").get("ahead") == {"seconds": DAY}
    with hub.admin as admin:
        assert admin.post(f"{hub.url}/_sandbox/clock", json={"seconds": -1}).status_code == 422
        assert admin.get(f"{hub.url}/_sandbox/clock").json()["ahead"] == DAY


def test_only_the_current_status_of_a_deployment_outlives_90_days(
    repository: Repository, move: Callable[[int], None]
) -> None:
    body = {"ref": "main", "environment": "dev", "auto_merge": False, "required_contexts": []}
    path = f"/deployments/{repository.ask('POST', '/deployments', json=body).json()['id']}/statuses"
    for state in ("queued", "in_progress", "success"):
        assert repository.ask("POST", path, json={"state": state}).status_code == 201
    assert len(repository.ask("GET", path).json()) == 3
    move(91 * DAY)
    assert [status["state"] for status in repository.ask("GET", path).json()] == ["success"]


def test_a_workflow_token_has_the_hour_of_its_repository(
    hub: Hub, repository: Repository, budget: Callable[..., None], move: Callable[[int], None]
) -> None:
    budget(workflow=2)
    first, second = (hub.workflow_token(repository.full_name, contents="read") for _ in range(2))
    assert repository.ask("GET", "/branches", token=first).headers["X-RateLimit-Remaining"] == "1"
    assert repository.ask("GET", "/branches", token=second).status_code == 200
    refused = repository.ask("GET", "/branches", token=first)
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("API rate limit exceeded for")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    with hub.client(first) as client:
        assert client.get("/rate_limit").json()["rate"]["remaining"] == 0
    move(3601)
    again = hub.workflow_token(repository.full_name, contents="read")
    assert repository.ask("GET", "/branches", token=again).status_code == 200


def test_an_answer_without_news_costs_nothing(hub: Hub, repository: Repository, budget: Callable[..., None]) -> None:
    budget(workflow=3)
    token = hub.workflow_token(repository.full_name, contents="read")
    tag = repository.ask("GET", "/branches", token=token).headers["ETag"]
    same = repository.ask("GET", "/branches", token=token, headers={"If-None-Match": tag})
    assert (same.status_code, same.headers["X-RateLimit-Remaining"]) == (304, "2")
