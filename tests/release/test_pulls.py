"""Delivery by pull request: one open request for each service and environment, and it ends up in Git or closed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway_release import merged
from slipway_release.errors import RefusedError
from slipway_release.selection import Kind
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]


@pytest.fixture
def here(world: Make) -> World:
    """Production takes releases by pull requests that people approve."""
    return world(environment("production", delivery="pull-request", approval=True))


def test_a_release_is_asked_for_and_changes_nothing_yet(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    (pull,) = here.pulls()
    assert pull["title"] == "Release guestbook 1.0.0 to production"
    assert here.wanted("production") is None
    assert f"waits for pull request #{pull['number']}" in here.statuses("guestbook", "production", "v1.0.0")[0]


def test_asking_again_opens_no_second_request(here: World) -> None:
    request = here.request("1.0.0")
    here.deliver(request, "production")
    here.deliver(request, "production")
    assert len(here.pulls("all")) == 1


def test_a_newer_version_closes_the_older_request_and_says_why(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    here.deliver(here.request("1.1.0"), "production")
    (newer,) = here.pulls()
    assert newer["title"] == "Release guestbook 1.1.0 to production"
    (older,) = here.pulls("closed")
    comments = here.call("GET", f"/repos/{here.repository}/issues/{older['number']}/comments")
    assert f"#{newer['number']}" in comments[0]["body"]


def test_an_older_version_does_not_close_the_newer_request(here: World) -> None:
    here.deliver(here.request("1.1.0"), "production")
    assert here.deliver(here.request("1.0.0"), "production").decision.kind is Kind.SUPERSEDED
    (pull,) = here.pulls()
    assert pull["title"] == "Release guestbook 1.1.0 to production"


def test_services_do_not_close_each_other_s_requests(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    here.deliver(here.request("1.0.0", "clock"), "production")
    assert len(here.pulls()) == 2


def test_of_many_at_once_the_newest_stays_open(here: World) -> None:
    requests = [here.request(f"1.0.{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda request: here.deliver(request, "production"), requests))
    assert [pull["title"] for pull in here.pulls()] == ["Release guestbook 1.0.5 to production"]


def test_a_merged_request_is_on_record(here: World) -> None:
    here.deliver(here.request("1.0.0"), "production")
    (pull,) = here.pulls()
    path = f"/repos/{here.repository}/pulls/{pull['number']}/merge"
    commit = here.call("PUT", path, {"merge_method": "squash"})["sha"]
    merged.record(here.context(), pull["head"]["ref"], commit)
    assert here.statuses("environments", "production/guestbook") == ["in_progress: 1.0.0: delivered, being verified"]


def test_a_merged_branch_of_somebody_else_is_no_release(here: World) -> None:
    merged.record(here.context(), "feature/x", here.head("environments"))
    with pytest.raises(RefusedError, match="unknown"):
        merged.record(here.context(), "release/production/unknown/1.0.0", here.head("environments"))


def test_without_approval_the_request_merges_itself(world: Make) -> None:
    here = world(environment("dev", delivery="pull-request"))
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    here.deliver(here.request("1.0.0"), "dev")
    assert here.wanted("dev") == "1.0.0"
    assert here.pulls() == []
    assert here.statuses("environments", "dev/guestbook") == ["in_progress: 1.0.0: delivered, being verified"]
