"""What people have decided is read from what a release file had, whatever they call the commit or the settings say."""

from collections.abc import Callable

import pytest

from sandbox.github.core import clock
from slipway_release import proposals, pulls
from slipway_release.claims import PromotionRequest
from slipway_release.selection import Kind
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]
PRODUCTION = environment("production", delivery="pull-request", approval=True)
PATH = "environments/production/guestbook/release.yaml"


def merged(here: World, version: str, method: str, title: str) -> PromotionRequest:
    """A request of a release that a maintainer has edited and merged their own way."""
    request = here.request(version)
    here.deliver(request, "production")
    (pull,) = here.pulls()
    base = f"/repos/{here.repository}/pulls/{pull['number']}"
    here.call("PATCH", base, {"title": title})
    here.call("PUT", f"{base}/merge", {"merge_method": method, "commit_title": title})
    return request


@pytest.mark.parametrize("method", ["squash", "merge", "rebase"])
def test_a_version_that_was_taken_back_stays_away_however_its_request_was_merged(world: Make, method: str) -> None:
    here = world(PRODUCTION)
    merged(here, "1.0.0", method, "Ship it")
    before = here.file("production").dump()
    request = merged(here, "1.1.0", method, "Ship the next one")
    here.commit("environments", PATH, before)
    assert here.wanted("production") == "1.0.0"
    outcome = here.deliver(request, "production")
    assert outcome.decision.kind is Kind.HELD
    assert "was taken back" in outcome.decision.reason


@pytest.mark.parametrize("delivery", ["commit", "branch"])
def test_a_declined_request_stays_declined_where_releases_come_another_way(world: Make, delivery: str) -> None:
    here = world(PRODUCTION)
    request = here.request("1.0.0")
    here.deliver(request, "production")
    (pull,) = here.pulls()
    here.call("PATCH", f"/repos/{here.repository}/pulls/{pull['number']}", {"state": "closed"})
    branch = "environment/production" if delivery == "branch" else "main"
    here.environments = [environment("production", delivery=delivery, targetBranch=branch)]
    assert here.deliver(request, "production").decision.kind is Kind.HELD
    assert here.wanted("production") is None


def test_a_request_that_was_closed_and_opened_again_is_not_declined(world: Make) -> None:
    here = world(PRODUCTION)
    request = here.request("1.0.0")
    here.deliver(request, "production")
    (pull,) = here.pulls()
    for state in ("closed", "open"):
        here.call("PATCH", f"/repos/{here.repository}/pulls/{pull['number']}", {"state": state})
    assert here.deliver(request, "production").decision.kind is Kind.DELIVER
    assert len(here.pulls("all")) == 1


def test_a_request_that_a_person_closed_after_the_program_is_declined(world: Make) -> None:
    here = world(PRODUCTION)
    request = here.request("1.0.0")
    here.deliver(request, "production")
    (pull,) = here.pulls()
    production, path = here.platform.environment("production"), f"/repos/{here.repository}/pulls/{pull['number']}"
    contents = here.context().contents
    proposals.close(contents, pulls.list_open(contents, production, "guestbook")[0], "Superseded.", keeps_branch=True)
    assert not pulls.is_declined(contents, production, "guestbook", "1.0.0")
    here.call("PATCH", path, {"state": "open"})
    clock.move(60)
    try:
        here.call("PATCH", path, {"state": "closed"})
    finally:
        clock.move(0)
    assert pulls.is_declined(contents, production, "guestbook", "1.0.0")
