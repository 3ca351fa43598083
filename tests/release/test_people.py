"""The right people: who may freeze and hold, and that a person cannot approve a release of their own."""

import dataclasses
from collections.abc import Callable

import pytest

from slipway_release import freeze, gates, people
from slipway_release.errors import RefusedError
from slipway_release.people import Person
from slipway_release.selection import Kind
from tests.release.builders import environment
from tests.release.serving import INVITED
from tests.release.world import World

Make = Callable[..., World]
BRANCH = "release/production/guestbook/1.0.0"


@pytest.fixture
def here(world: Make) -> World:
    """Dana and Pat approve for production, where pull requests deliver; Dana has tagged 1.0.0."""
    here = world(environment("production", delivery="pull-request", approval=True, approvers=["leads"]))
    here.team("leads", "dana", "pat")
    here.team("web", "sam")
    here.deliver(dataclasses.replace(here.request("1.0.0"), asked_by=(Person("Dana"),)), "production")
    return here


def refused(here: World) -> str | None:
    (pull,) = here.pulls()
    return gates.refusal(here.context(), BRANCH, pull["head"]["sha"])


def test_who_asked_for_a_release_cannot_approve_its_pull_request(here: World) -> None:
    assert "waits for an approval (leads)" in str(refused(here))
    here.review("dana")
    assert "dana asked for this release and approved it too" in str(refused(here))
    here.review("pat")
    assert refused(here) is None


def test_who_asked_for_a_release_cannot_approve_it_under_another_name(world: Make) -> None:
    """An account can be renamed at any moment, and somebody else can take its old name."""
    here = world(environment("production", delivery="pull-request", approval=True, approvers=["leads"]))
    here.team("leads", "dana", "pat")
    number = here.call("GET", "/users/dana")["id"]
    asked_by = (Person("before", number), Person("Pat", number + 1000))
    here.deliver(dataclasses.replace(here.request("1.0.0"), asked_by=asked_by), "production")
    here.review("dana")
    assert "dana asked for this release and approved it too" in str(refused(here))
    here.review("pat")
    assert refused(here) is None


def test_an_approval_of_another_team_does_not_open_it(here: World) -> None:
    here.review("sam")
    here.review("dana")
    assert "another approver" in str(refused(here))


def test_an_approver_who_asks_for_changes_afterwards_has_not_approved(here: World) -> None:
    here.review("pat")
    here.review("pat", "REQUEST_CHANGES")
    assert "waits for an approval" in str(refused(here))


def start(here: World, monkeypatch: pytest.MonkeyPatch, login: str, again: str | None = None) -> str:
    monkeypatch.setenv("GITHUB_ACTOR", login)
    monkeypatch.setenv("GITHUB_TRIGGERING_ACTOR", again or login)
    return people.starter(here.context(), ["leads"], "freeze production")


@pytest.mark.parametrize("login", ["dana", "pat", "root"])
def test_members_of_the_named_teams_and_owners_may(here: World, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    assert start(here, monkeypatch, login) == login


@pytest.mark.parametrize(
    ("login", "said"),
    [("sam", "ask a member of leads"), ("requester[bot]", "not automation"), ("nobody-here", "ask a member of leads")],
)
def test_a_writer_of_another_team_automation_and_strangers_may_not(
    here: World, monkeypatch: pytest.MonkeyPatch, login: str, said: str
) -> None:
    with pytest.raises(RefusedError, match=f"may not freeze production; .*{said}"):
        start(here, monkeypatch, login)


@pytest.mark.parametrize("again", ["sam", "requester[bot]"])
def test_a_run_of_somebody_who_may_is_not_run_again_by_somebody_who_may_not(
    here: World, monkeypatch: pytest.MonkeyPatch, again: str
) -> None:
    with pytest.raises(RefusedError, match="may not"):
        start(here, monkeypatch, "dana", again)


@pytest.mark.parametrize("begun", ["sam", "requester[bot]"])
def test_a_run_of_somebody_who_may_not_is_not_run_again_for_them(
    here: World, monkeypatch: pytest.MonkeyPatch, begun: str
) -> None:
    with pytest.raises(RefusedError, match="may not"):
        start(here, monkeypatch, begun, "dana")


def test_who_takes_the_login_of_somebody_else_is_not_that_person() -> None:
    assert not Person("dana", 7).is_among([Person("dana", 8)])
    assert Person("dana-acme", 7).is_among([Person("dana", 7)])


def test_an_invited_person_may_not_before_the_invitation_is_accepted(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/orgs/{here.owner}/teams/leads/memberships/{INVITED}"
    assert here.call("PUT", path, {})["state"] == "pending"
    with pytest.raises(RefusedError):
        start(here, monkeypatch, INVITED)


def test_a_freeze_says_in_git_who_set_it_and_why(world: Make) -> None:
    here = world(environment("dev"))
    here.freeze("dev", "Black\n Friday")
    place = here.platform.environment("dev")
    assert freeze.reason(here.context().contents, place) == "Black Friday (dana)"
    assert here.deliver(here.request("1.0.0"), "dev").decision.kind is Kind.FROZEN
    here.thaw("dev")
    here.thaw("dev")
    assert freeze.reason(here.context().contents, place) is None


def test_a_freeze_needs_a_reason_and_a_broken_one_lets_nothing_in(world: Make) -> None:
    here = world(environment("dev"))
    with pytest.raises(RefusedError, match="reason: missing"):
        here.freeze("dev", " ")
    request = here.request("1.0.0")
    for text in ("{", "[" * 100_000):
        here.commit("environments", "environments/dev/freeze.json", text)
        assert here.deliver(request, "dev").decision.kind is Kind.FROZEN
    here.freeze("dev", "Black Friday")
    assert "Black Friday" in str(freeze.reason(here.context().contents, here.platform.environment("dev")))
