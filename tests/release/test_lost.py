"""What a lost event or a killed run has left undone is finished by a reconciliation, and told as it would be."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from slipway_release import deployments, gates, hold, merged, reconcile, record, rollback, verified, workflow
from slipway_release.errors import ReleaseError
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]
VALUES = "environments/dev/guestbook/values.yaml"


def reconciled(here: World) -> list[str]:
    """What a reconciliation does, with promotions only asked for."""
    path = f"/api/v3/repos/{here.repository}/actions"
    here.fault(match=f"GET {path}", status=200, count=20)
    here.fault(match=f"POST {path}/workflows/promote.yml/dispatches", status=200, count=5)
    try:
        return reconcile.reconcile(here.context())
    finally:
        here.clear_faults()


def recorded(here: World, version: str = "1.0.0") -> str | None:
    dev, service = here.platform.environment("dev"), here.platform.service("guestbook")
    return record.commit_of(here.context(), dev, service, version)


def test_a_rollback_that_a_reconciliation_makes_is_told_to_the_service(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.release("1.1.0", "dev"), "failure", "Degraded: crash loop")
    reconciled(here)
    said = here.statuses("guestbook", "dev", "v1.1.0")[0]
    assert said == "failure: 1.1.0: rolled back from 1.1.0 to 1.0.0: Degraded: crash loop"


def test_a_failure_that_takes_nothing_back_is_told_to_the_service_once(world: Make) -> None:
    here = world(environment("dev"))
    here.report("dev", here.release("1.0.0", "dev"), "failure", "Degraded: crash loop")
    for _ in range(2):
        reconciled(here)
    said = here.statuses("guestbook", "dev", "v1.0.0")
    assert "nothing to go back to" in said[0]
    assert len(said) == 2


def test_good_values_whose_report_was_lost_are_part_of_what_is_gone_back_to(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    change = here.commit("environments", VALUES, "replicas: 3\n")
    here.report("dev", change, "success")
    assert reconciled(here) == ["dev/guestbook: 1.0.0 is recorded as verified"]
    assert recorded(here) == change
    assert reconciled(here) == []
    here.fail("dev", here.release("1.1.0", "dev"))
    assert here.text(VALUES, "main") == "replicas: 3\n"


def test_broken_values_whose_report_was_lost_are_asked_back(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.commit("environments", VALUES, "command: [broken]\n"), "failure")
    for _ in range(2):
        reconciled(here)
    assert [pull["title"] for pull in here.pulls()] == ["Restore the configuration of guestbook in dev"]
    assert "is not what broke" in here.statuses("guestbook", "dev", "v1.0.0")[0]


def test_values_that_are_not_reported_on_yet_are_left_to_argo_cd(world: Make) -> None:
    here = world(environment("dev", sync="manual"))
    first = here.verified_release("1.0.0", "dev")
    here.commit("environments", VALUES, "replicas: 3\n")
    assert reconciled(here) == []
    assert recorded(here) == first


def test_a_verification_that_was_cut_off_after_the_record_is_told(world: Make) -> None:
    """What is recorded is done with for a reconciliation, so the record comes last of what nothing else finishes."""
    here = world(environment("dev"))
    number = here.report("dev", here.release("1.0.0", "dev"), "success")
    here.fault(match=f"POST /api/v3/repos/{here.repository}/git/refs", status=403, count=1, message="cut off")
    with pytest.raises(ReleaseError):
        verified.verified(here.context(), number)
    here.clear_faults()
    assert here.statuses("guestbook", "dev", "v1.0.0")[0] == "success: 1.0.0: verified"


def test_a_rollback_that_was_cut_off_after_its_commit_is_told_once_it_is_verified(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    number = here.report("dev", here.release("1.1.0", "dev"), "failure", "Degraded: crash loop")
    here.fault(match=f"POST /api/v3/repos/{here.repository}/deployments", status=403, count=1, message="cut off")
    with pytest.raises(ReleaseError):
        rollback.rollback(here.context(), number)
    here.clear_faults()
    assert here.wanted("dev") == "1.0.0"
    here.succeed("dev", here.head("environments"))
    assert here.statuses("guestbook", "dev", "v1.1.0")[0].startswith("failure: 1.1.0: rolled back to 1.0.0")


def test_a_merge_whose_event_was_lost_is_on_record(world: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    here = world(environment("production", delivery="pull-request", approval=True, sync="manual"))
    here.deliver(here.request("1.0.0"), "production")
    (pull,) = here.pulls()
    here.call("PUT", f"/repos/{here.repository}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    reconciled(here)
    assert here.statuses("environments", "production/guestbook") == [], "its own run may still write it down"
    later = workflow.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(workflow, "now", lambda: later)
    for _ in range(2):
        reconciled(here)
    waits = ["queued: 1.0.0: waits for somebody to sync it"]
    assert here.statuses("environments", "production/guestbook") == waits
    assert here.statuses("guestbook", "production", "v1.0.0")[:1] == waits
    (entry,) = deployments.entries(here.context().writer, here.repository, "production/guestbook")
    assert entry.sha == here.head("environments")


def test_an_old_report_says_nothing_of_a_version_that_was_delivered_again(world: Make) -> None:
    """It is synced by hand: nothing was reported of the rollback, and the version may work with what was mended."""
    here = world(environment("dev", sync="manual"))
    here.verified_release("1.0.0", "dev")
    request = here.request("1.1.0")
    number = here.report("dev", here.deliver(request, "dev").link.rpartition("/")[2], "failure")
    rollback.rollback(here.context(), number)
    assert here.wanted("dev") == "1.0.0"
    dev, service = here.platform.environment("dev"), here.platform.service("guestbook")
    hold.unhold(here.context(), dev, service, "1.1.0", login="dana")
    here.deliver(request, "dev")
    reconciled(here)
    assert "superseded" in rollback.rollback(here.context(), number).reason
    assert here.wanted("dev") == "1.1.0"
    here.fail("dev", here.head("environments"))
    assert here.wanted("dev") == "1.0.0"


@pytest.fixture
def waiting(world: Make) -> World:
    """1.0.0 waits for production in a pull request that people merge."""
    here = world(
        environment("staging"),
        environment("production", delivery="pull-request", approval=True, requires=["staging"]),
    )
    request = here.request("1.0.0")
    here.succeed("staging", here.deliver(request, "staging").link.rpartition("/")[2])
    here.deliver(request, "production")
    return here


def closed_with(here: World) -> str:
    """Why the one request of before was closed."""
    (pull,) = here.pulls("closed")
    (comment,) = here.call("GET", f"/repos/{here.repository}/issues/{pull['number']}/comments")
    return str(comment["body"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": "live"}, "guestbook does not run in production any more"),
        ({"delivery": "commit"}, "production does not take releases by pull requests any more"),
    ],
    ids=["renamed", "delivered otherwise"],
)
def test_a_request_of_what_the_settings_have_no_longer_does_not_rot(
    waiting: World, changes: dict[str, Any], why: str
) -> None:
    waiting.environments[1] |= changes
    reconciled(waiting)
    assert waiting.pulls() == []
    assert closed_with(waiting).startswith(why)
    name = waiting.environments[1]["name"]
    assert f"{name}/guestbook: 1.0.0 is asked for again" in reconciled(waiting)


def test_a_request_that_somebody_has_led_to_another_branch_keeps_no_release_waiting(waiting: World) -> None:
    head = waiting.head("environments")
    waiting.call("POST", f"/repos/{waiting.repository}/git/refs", {"ref": "refs/heads/mine", "sha": head})
    (pull,) = waiting.pulls()
    waiting.call("PATCH", f"/repos/{waiting.repository}/pulls/{pull['number']}", {"base": "mine"})
    assert "production/guestbook: 1.0.0 is asked for again" in reconciled(waiting)
    assert closed_with(waiting).startswith("It leads to mine and not to main")


def test_a_rollback_by_hand_waits_for_people_where_they_approve(world: Make) -> None:
    here = world(environment("dev", approval=True))
    here.call("PATCH", f"/repos/{here.repository}", {"allow_auto_merge": True})
    here.verified_release("1.0.0", "dev")
    here.verified_release("1.1.0", "dev")
    dev, service = here.platform.environment("dev"), here.platform.service("guestbook")
    rollback.by_hand(here.context(), dev, service, "1.1.0", reason="loses orders", login="dana")
    reconciled(here)
    (pull,) = here.pulls()
    gates.merge(here.context(), pull["head"]["ref"])
    assert here.wanted("dev") == "1.1.0"


def test_a_freeze_that_somebody_has_broken_keeps_other_promotions_from_nothing(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    here.commit("environments", "environments/dev/freeze.json", "{}")
    assert here.plan(here.request("1.0.0")) == ["staging"]
    assert "end the freeze with the workflow freeze" in here.statuses("guestbook", "dev", "v1.0.0")[0]


def test_a_merged_request_ends_what_it_replaces(world: Make) -> None:
    here = world(environment("production", delivery="pull-request", approval=True, sync="manual"))
    for version in ("1.0.0", "1.1.0"):
        here.deliver(here.request(version), "production")
        (pull,) = here.pulls()
        path = f"/repos/{here.repository}/pulls/{pull['number']}/merge"
        commit = here.call("PUT", path, {"merge_method": "squash"})["sha"]
        merged.record(here.context(), pull["head"]["ref"], commit)
    overtaken = "inactive: 1.0.0: overtaken by 1.1.0 before it was verified"
    assert here.statuses("guestbook", "production", "v1.0.0")[0] == overtaken
    assert overtaken in here.statuses("environments", "production/guestbook")


def test_what_waited_and_never_came_says_so_once_a_newer_version_is_good(world: Make) -> None:
    here = world(environment("staging"), environment("production", requires=["staging"]))
    for version in ("1.0.0", "1.1.0"):
        request = here.request(version)
        here.deliver(request, "staging")
        here.deliver(request, "production")
    assert here.statuses("guestbook", "production", "v1.0.0")[0].startswith("queued: waits until 1.0.0")
    here.succeed("staging", here.head("environments"))
    here.succeed("production", here.deliver(request, "production").link.rpartition("/")[2])
    assert here.statuses("guestbook", "production", "v1.0.0")[0] == "inactive: 1.0.0: superseded by 1.1.0"
    assert here.statuses("guestbook", "production", "v1.1.0")[0] == "success: 1.1.0: verified"


def test_another_request_of_the_same_branch_is_closed_and_takes_nothing_along(waiting: World) -> None:
    """Everybody who may push can open it."""
    (own,) = waiting.pulls()
    path = f"/repos/{waiting.repository}"
    waiting.call("POST", f"{path}/git/refs", {"ref": "refs/heads/mine", "sha": waiting.head("environments")})
    waiting.call("POST", f"{path}/pulls", {"title": "Mine", "head": own["head"]["ref"], "base": "mine"})
    reconciled(waiting)
    assert [(pull["number"], pull["head"]["sha"]) for pull in waiting.pulls()] == [(own["number"], own["head"]["sha"])]


def test_a_late_report_of_a_version_that_was_taken_back_does_not_hide_that(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    number = here.report("dev", here.verified_release("1.1.0", "dev"), "success")
    dev, service = here.platform.environment("dev"), here.platform.service("guestbook")
    rollback.by_hand(here.context(), dev, service, "1.1.0", reason="loses orders", login="dana")
    verified.verified(here.context(), number)
    assert here.statuses("guestbook", "dev", "v1.1.0")[0].startswith("failure: 1.1.0: rolled back")
