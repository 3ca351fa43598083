"""However long a reason is, nothing fails for it: GitHub and chats take so much, and the rest is cut."""

from collections.abc import Callable

from slipway_release import freeze, hold, limits, reconcile, rollback, verdict
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]
NOVEL = "It loses orders, " + "and more " * 20_000


def test_a_text_is_cut_at_what_is_taken_and_says_so() -> None:
    assert limits.shortened("abc", 3) == "abc"
    assert limits.shortened("abcd", 3) == "ab…"
    assert limits.reason("\n a\t b \n") == "a b"
    assert len(limits.reason(NOVEL)) == 1_000


def test_a_version_is_put_on_hold_however_long_the_reason_is(world: Make) -> None:
    here = world(environment("production", delivery="pull-request"))
    here.deliver(here.request("1.0.0"), "production")
    service, place = here.platform.service("guestbook"), here.platform.environment("production")
    hold.hold(here.context(), place, service, "1.0.0", reason=NOVEL, login="dana")
    reconcile.reconcile(here.context())
    assert here.pulls() == []
    (held,) = here.file("production").held
    assert held.reason.startswith("It loses orders")
    assert held.reason.endswith("… (dana)")


def test_a_hold_that_was_written_by_hand_may_be_as_long(world: Make) -> None:
    """A pull request of it is closed with the reason, which is more than a comment holds."""
    here = world(environment("production", delivery="pull-request"))
    here.deliver(here.request("1.0.0"), "production")
    document = here.file("production").with_hold(hold.Held("1.0.0", NOVEL, "https://x.test", "2026-01-01T00:00:00Z"))
    here.commit("environments", "environments/production/guestbook/release.yaml", document.dump())
    reconcile.reconcile(here.context())
    assert here.pulls() == []


def test_what_runs_is_taken_back_however_long_the_reason_is(world: Make) -> None:
    here = world(environment("dev", rollback="pull-request"))
    here.verified_release("1.0.0", "dev")
    here.verified_release("1.1.0", "dev")
    service, place = here.platform.service("guestbook"), here.platform.environment("dev")
    rollback.by_hand(here.context(), place, service, "1.1.0", reason=NOVEL, login="dana")
    (pull,) = here.pulls()
    assert "It loses orders" in pull["body"]


def test_an_environment_is_frozen_however_long_the_reason_is(world: Make) -> None:
    here = world(environment("production", delivery="pull-request"))
    here.deliver(here.request("1.0.0"), "production")
    here.freeze("production", NOVEL)
    reconcile.reconcile(here.context())
    (pull,) = here.pulls()
    path = f"/repos/{here.repository}/commits/{pull['head']['sha']}/status"
    (said,) = [one for one in here.call("GET", path)["statuses"] if one["context"] == verdict.CHECK]
    assert said["state"] == "failure"
    assert len(said["description"]) == limits.DESCRIPTION
    assert "It loses orders" in said["description"]
    assert str(freeze.reason(here.context().contents, here.platform.environment("production"))).endswith("… (dana)")
