"""What a rollback takes back, and what it blames: the release, a change of its configuration, or neither."""

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator

import pytest

from sandbox.github.core import clock
from slipway_release import hold, merged, reconcile, release_file, workflow
from tests.release.builders import environment
from tests.release.serving import Running
from tests.release.world import World

Make = Callable[..., World]
VALUES = "environments/dev/guestbook/values.yaml"
CHART = "helm-charts/guestbook/values.yaml"


def text(here: World, path: str, branch: str = "main") -> str | None:
    found = here.context().contents.read(path, branch)
    return found.content if found else None


WAYS = [
    environment("dev"),
    environment("dev", delivery="branch", targetBranch="environment/dev"),
    environment("dev", rollback="pull-request"),
]


@pytest.mark.parametrize("place", WAYS, ids=["commit", "branch", "pull request"])
def test_a_rollback_restores_image_values_and_chart_and_nothing_of_another_service(
    world: Make, place: dict[str, object]
) -> None:
    here = world(place)
    for path in (VALUES, CHART, VALUES.replace("guestbook", "clock")):
        here.commit("environments", path, "good: true\n")
    here.verified_release("1.0.0", "dev")
    for path in (VALUES, CHART, VALUES.replace("guestbook", "clock")):
        here.commit("environments", path, "good: false\n")
    here.commit("environments", "helm-charts/guestbook/templates/new.yaml", "new: true\n")
    bad = here.release("1.1.0", "dev")
    if place["delivery"] == "branch":
        here.release("3.0.0", "dev", "clock")
    here.fail("dev", bad)
    for pull in here.pulls():
        here.call("PUT", f"/repos/{here.repository}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    branch = str(place["targetBranch"])
    assert here.wanted("dev") == "1.0.0"
    assert (text(here, VALUES, branch), text(here, CHART, branch)) == ("good: true\n", "good: true\n")
    assert text(here, "helm-charts/guestbook/templates/new.yaml", branch) is None
    assert text(here, VALUES.replace("guestbook", "clock"), branch) == "good: false\n"


def test_a_release_to_a_branch_ships_nothing_of_another_service(world: Make) -> None:
    here = world(environment("dev", delivery="branch", targetBranch="environment/dev"))
    values = VALUES.replace("guestbook", "clock")
    here.commit("environments", values, "replicas: 1\n")
    here.release("1.0.0", "dev")
    here.commit("environments", values, "replicas: 9\n")
    here.release("1.1.0", "dev")
    assert text(here, values, "environment/dev") == "replicas: 1\n"
    here.release("1.0.0", "dev", "clock")
    assert text(here, values, "environment/dev") == "replicas: 9\n"


def test_a_bad_values_commit_after_a_release_is_blamed_and_the_release_is_not_held(world: Make) -> None:
    here = world(environment("dev"))
    here.commit("environments", VALUES, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.release("1.1.0", "dev")
    answer = here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    assert "1.1.0 is not what broke" in answer.reason
    assert (here.wanted("dev"), here.file("dev").held) == ("1.1.0", ())
    (pull,) = here.pulls()
    assert pull["title"] == "Restore the configuration of guestbook in dev"
    assert "@root" in pull["body"]
    here.call("PUT", f"/repos/{here.repository}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    assert text(here, VALUES) == "replicas: 1\n"


def test_a_release_that_failed_before_its_values_changed_is_taken_back(world: Make) -> None:
    here = world(environment("dev"))
    here.commit("environments", VALUES, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.release("1.1.0", "dev"), "failure")
    assert here.fail("dev", here.commit("environments", VALUES, "replicas: 2\n")).target is not None


def test_the_same_change_is_proposed_once_and_not_again_after_a_person_has_declined(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    bad = here.commit("environments", VALUES, "command: [broken]\n")
    here.fail("dev", bad)
    (pull,) = here.pulls()
    here.call("PATCH", f"/repos/{here.repository}/pulls/{pull['number']}", {"state": "closed"})
    here.fail("dev", bad)
    assert here.pulls() == []


def test_what_was_good_with_the_same_files_is_neither_held_nor_taken_back(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.verified_release("1.1.0", "dev")
    here.release("3.0.0", "dev", "clock")
    answer = here.fail("dev", here.head("environments"))
    assert "look for what it depends on" in answer.reason
    assert (here.wanted("dev"), here.file("dev").held, here.pulls()) == ("1.1.0", (), [])


OTHER = "environments/dev/clock/values.yaml"


@pytest.mark.parametrize("between", [False, True], ids=["at once", "after a commit of another service"])
def test_what_came_together_is_put_back_together_and_neither_is_said_to_be_at_fault(world: Make, between: bool) -> None:
    """No report tells which of them it is, and what another service does in the meantime does not either."""
    here = world(environment("dev"))
    here.commit("environments", CHART, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.commit("environments", CHART, "command: [broken]\n")
    failing = here.release("1.1.0", "dev")
    if between:
        failing = here.commit("environments", OTHER, "replicas: 1\n")
    here.fail("dev", failing)
    assert (here.wanted("dev"), text(here, CHART)) == ("1.0.0", "replicas: 1\n")
    (held,) = here.file("dev").held
    assert f"{CHART} came with it by root" in held.reason
    assert "release 1.1.0 from hold to try it without the other" in held.reason


def test_a_release_that_failed_without_the_change_too_is_at_fault_alone(world: Make) -> None:
    here = world(environment("dev"))
    here.commit("environments", CHART, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.release("1.1.0", "dev"), "failure")
    here.fail("dev", here.commit("environments", CHART, "replicas: 2\n"))
    (held,) = here.file("dev").held
    assert held.reason == "Degraded: crash loop"


def test_a_release_onto_a_change_that_was_well_without_it_is_at_fault_alone(world: Make) -> None:
    """The record of what was well before has not moved on, as its run was lost."""
    here = world(environment("dev"))
    here.commit("environments", CHART, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.commit("environments", CHART, "replicas: 2\n"), "success")
    here.fail("dev", here.release("1.1.0", "dev"))
    (held,) = here.file("dev").held
    assert held.reason == "Degraded: crash loop"


@pytest.fixture
def asked(world: Make) -> World:
    """Production takes releases and rollbacks by pull requests; 1.0.0 is verified."""
    here = world(environment("production", delivery="pull-request", approval=True, rollback="pull-request"))
    here.succeed("production", released(here, "1.0.0"))
    return here


def released(here: World, version: str) -> str:
    here.deliver(here.request(version), "production")
    return merge(here, version)


def merge(here: World, version: str) -> str:
    (pull,) = [pull for pull in here.pulls() if pull["title"].startswith(f"Release guestbook {version} ")]
    path = f"/repos/{here.repository}/pulls/{pull['number']}/merge"
    commit = here.call("PUT", path, {"merge_method": "squash"})["sha"]
    merged.record(here.context(), pull["head"]["ref"], commit)
    return commit


def titles(here: World) -> set[str]:
    return {pull["title"] for pull in here.pulls()}


ROLLBACK = "Roll guestbook in production back from 1.1.0 to 1.0.0"
FIX = "Release guestbook 1.2.0 to production"


def test_a_rollback_s_request_closes_no_fix_and_the_fix_closes_it_when_it_is_in(asked: World) -> None:
    bad = released(asked, "1.1.0")
    asked.deliver(asked.request("1.2.0"), "production")
    asked.fail("production", bad)
    assert titles(asked) == {ROLLBACK, FIX}
    merge(asked, "1.2.0")
    assert titles(asked) == set()


def test_a_rollback_s_request_is_closed_when_the_version_is_verified_after_all(asked: World) -> None:
    bad = released(asked, "1.1.0")
    asked.fail("production", bad)
    assert titles(asked) == {ROLLBACK}
    asked.succeed("production", bad)
    assert titles(asked) == set()


def test_an_automatic_rollback_leaves_the_fix_s_request_ready_to_merge(world: Make) -> None:
    here = world(environment("production", delivery="pull-request", approval=True))
    here.succeed("production", released(here, "1.0.0"))
    bad = released(here, "1.1.0")
    here.deliver(here.request("1.2.0"), "production")
    here.fail("production", bad)
    assert here.wanted("production") == "1.0.0"
    (pull,) = here.pulls()
    assert pull["title"] == FIX
    path = f"/repos/{here.repository}/pulls/{pull['number']}/merge"
    answer = here.client.put(path, content=json.dumps({"merge_method": "squash"}))
    assert answer.status_code == 200, answer.text
    assert (here.wanted("production"), here.file("production").held) == ("1.2.0", ())


def test_an_outage_in_the_cluster_is_not_the_release_s_fault(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    bad = here.release("1.1.0", "dev")
    words = 'Sync failed: Deployment/guestbook: failed calling webhook "x": connect: connection refused'
    assert "did not answer" in here.fail("dev", bad, words).reason
    assert (here.wanted("dev"), here.file("dev").held) == ("1.1.0", ())
    assert here.fail("dev", bad, "Degraded: its log says connection refused").target is not None


def test_when_many_services_fail_at_once_it_is_not_their_releases(world: Make) -> None:
    here = world(environment("dev"))
    others = ["clock", "search", "basket"]
    here.changes["services"] = [
        {"name": name, "repository": name, "environments": ["dev"], "image": f"registry.test/acme/{name}"}
        for name in ["guestbook", *others]
    ]
    for name in others[1:]:
        here.call("POST", f"/orgs/{here.owner}/repos", {"name": name, "auto_init": True, "private": True})
    here.verified_release("1.0.0", "dev")
    bad = here.release("1.1.0", "dev")
    commits = {name: here.release("3.0.0", "dev", name) for name in others}
    for name, commit in commits.items():
        here.report("dev", commit, "failure", "Degraded: node is gone", service=name)
    answer = here.fail("dev", bad)
    assert "4 services of dev failed" in answer.reason
    assert (here.wanted("dev"), here.file("dev").held) == ("1.1.0", ())
    here.report("dev", commits["search"], "success", service="search")
    assert here.fail("dev", bad).target is not None, "what fails with few others is taken back"


def test_what_failed_with_many_is_taken_back_once_more_are_well_though_the_others_fail_for_ever(
    github: Running, moved: Callable[[float], None]
) -> None:
    bad, well = ["a", "b", "c"], ["d", "e", "f", "g"]
    here = github.world([environment("dev")], ["guestbook", *bad, *well], direct=True)
    here.verified_release("1.0.0", "dev")
    for name in bad:
        here.report("dev", here.release("1.0.0", "dev", name), "failure", service=name)
    assert "4 services of dev failed" in here.fail("dev", here.release("1.1.0", "dev")).reason
    moved(3600)
    for name in well:
        here.report("dev", here.release("1.0.0", "dev", name), "success", service=name)
    reconcile.reconcile(here.context())
    assert (here.wanted("dev"), here.file("dev").hold_of("1.1.0") is not None) == ("1.0.0", True)


def test_who_was_well_before_many_failed_in_the_same_second_does_not_speak_for_the_cluster(
    github: Running, one_second: dt.datetime
) -> None:
    del one_second
    bad, well = ["a", "b", "c"], ["d", "e", "f", "g"]
    here = github.world([environment("dev")], ["guestbook", *bad, *well], direct=True)
    here.verified_release("1.0.0", "dev")
    for name in (*well, *bad):
        state = "success" if name in well else "failure"
        here.report("dev", here.release("1.0.0", "dev", name), state, service=name)
    assert "4 services of dev failed" in here.fail("dev", here.release("1.1.0", "dev")).reason
    for name in well:
        here.report("dev", here.head("environments"), "success", service=name)
    reconcile.reconcile(here.context())
    assert here.wanted("dev") == "1.0.0", "they were reported well since"


def test_a_release_onto_values_that_are_broken_already_is_not_to_blame(world: Make) -> None:
    """They made the version before it fail, and have not changed since."""
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    broken = here.commit("environments", "environments/dev/guestbook/values.yaml", "command: [broken]\n")
    here.fail("dev", broken)
    for version in ("1.1.0", "1.2.0"):
        answer = here.fail("dev", here.release(version, "dev"))
        assert "values.yaml changed" in answer.reason
    assert here.file("dev").held == ()
    assert len(here.pulls()) == 1, "the same restoration, proposed once"


def test_a_release_that_is_reported_again_and_again_is_not_to_blame_in_the_end(world: Make) -> None:
    """Each commit of another service is one more that Argo CD tries, and reports."""
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    here.report("dev", here.release("1.1.0", "dev"), "failure")
    for number in range(12):
        other = here.commit("environments", VALUES.replace("guestbook", "clock"), f"replicas: {number}\n")
        here.report("dev", other, "failure")
    answer = here.fail("dev", here.commit("environments", VALUES.replace("guestbook", "clock"), "replicas: 99\n"))
    assert "values.yaml changed" in answer.reason
    assert here.file("dev").held == ()


def test_a_hold_of_another_version_hides_no_broken_values(world: Make) -> None:
    """It changes the release file after they broke what the same file delivers."""
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.release("1.1.0", "dev")
    here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    place, guestbook = here.platform.environment("dev"), here.platform.service("guestbook")
    hold.hold(here.context(), place, guestbook, "1.2.0", reason="no", login="dana")
    assert "values.yaml changed" in here.fail("dev", here.head("environments")).reason
    assert (here.wanted("dev"), here.file("dev").hold_of("1.1.0")) == ("1.1.0", None)


def test_a_release_file_that_was_broken_and_mended_hides_no_broken_values(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.release("1.1.0", "dev")
    path = release_file.path_of("dev", "guestbook")
    before = text(here, path) or ""
    here.commit("environments", path, "release: {")
    here.commit("environments", VALUES, "command: [broken]\n")
    assert "values.yaml changed" in here.fail("dev", here.commit("environments", path, before)).reason
    assert here.wanted("dev") == "1.1.0"


def test_a_record_that_somebody_has_moved_hides_no_broken_values(world: Make) -> None:
    here = world(environment("dev"))
    here.commit("environments", VALUES, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    broken = here.commit("environments", VALUES, "command: [broken]\n")
    here.report("dev", broken, "failure")
    record = f"/repos/{here.repository}/git/refs/tags/verified/dev/guestbook/1.0.0"
    here.call("PATCH", record, {"sha": broken, "force": True})
    answer = here.fail("dev", here.release("1.1.0", "dev"))
    assert "1.1.0 is not what broke" in answer.reason
    assert here.file("dev").held == ()


def test_a_mend_is_not_blamed_for_a_bad_release_that_came_onto_broken_values(world: Make) -> None:
    """The first report of the release is lost, so that nothing but the mended values is seen to fail with it."""
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    here.release("1.1.0", "dev")
    assert here.fail("dev", here.commit("environments", VALUES, "replicas: 1\n")).target is not None
    assert (here.wanted("dev"), here.file("dev").hold_of("1.1.0") is not None) == ("1.0.0", True)


def test_what_fails_with_broken_values_and_with_mended_ones_is_taken_back(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.release("1.1.0", "dev")
    broken = here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    assert "1.1.0 is not what broke" in broken.reason
    assert here.fail("dev", here.commit("environments", VALUES, "replicas: 1\n")).target is not None


def test_a_change_is_held_against_what_worked_where_nothing_was_reported_of_what_it_replaced(world: Make) -> None:
    here = world(environment("dev"))
    here.commit("environments", VALUES, "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.commit("environments", VALUES, "replicas: 2\n")
    here.release("1.1.0", "dev")
    here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    (pull,) = here.pulls()
    assert text(here, VALUES, pull["head"]["ref"]) == "replicas: 1\n"


def test_a_failure_of_another_release_does_not_clear_the_change_of_values_that_worked_before(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.release("1.1.0", "dev"), "failure")
    here.release("1.2.0", "dev")
    answer = here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    assert "1.2.0 is not what broke" in answer.reason


def test_a_restoration_is_closed_once_what_it_wants_back_is_healthy(world: Make) -> None:
    here = world(environment("dev"))
    first = here.verified_release("1.0.0", "dev")
    here.fail("dev", here.commit("environments", "environments/dev/guestbook/values.yaml", "command: [broken]\n"))
    assert len(here.pulls()) == 1
    here.succeed("dev", first)
    assert len(here.pulls()) == 1, "a late report on the state before says nothing"
    here.succeed("dev", here.commit("environments", "environments/dev/guestbook/values.yaml", "replicas: 1\n"))
    assert here.pulls() == []


def test_a_restoration_is_closed_once_somebody_changes_the_same_files_another_way(world: Make) -> None:
    """It could not be merged any more, and a bad release onto the change would let it rot."""
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.commit("environments", VALUES, "command: [broken]\n"))
    here.commit("environments", VALUES.replace("guestbook", "clock"), "replicas: 1\n")
    reconcile.reconcile(here.context())
    assert len(here.pulls()) == 1
    here.commit("environments", VALUES, "replicas: 1\n")
    reconcile.reconcile(here.context())
    assert here.pulls() == []
    reconcile.reconcile(here.context())
    assert here.pulls() == []


@pytest.fixture
def waits(world: Make) -> World:
    """A bad version in production, and a request to take it back that waits for a person."""
    here = world(environment("production", rollback="pull-request"))
    here.verified_release("1.0.0", "production")
    here.fail("production", here.release("1.1.0", "production"))
    return here


def test_a_rollback_s_request_that_waits_is_not_pushed_again(waits: World, monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = waits.pulls()
    later = workflow.now() + dt.timedelta(hours=1)
    monkeypatch.setattr(workflow, "now", lambda: later)
    reconcile.reconcile(waits.context())
    (after,) = waits.pulls()
    # A push would dismiss the reviews it has.
    assert (after["number"], after["head"]["sha"]) == (before["number"], before["head"]["sha"])


def test_a_rollback_s_request_that_a_person_closes_stays_closed(waits: World) -> None:
    (pull,) = waits.pulls()
    waits.call("PATCH", f"/repos/{waits.repository}/pulls/{pull['number']}", {"state": "closed"})
    reconcile.reconcile(waits.context())
    answer = waits.fail("production", waits.head("environments"))
    assert waits.pulls() == []
    assert "a person has closed the pull request" in answer.reason
    place, guestbook = waits.platform.environment("production"), waits.platform.service("guestbook")
    hold.hold(waits.context(), place, guestbook, "1.2.0", reason="no", login="dana")
    answer = waits.fail("production", waits.head("environments"))
    assert "a person has closed the pull request" in answer.reason, "a hold delivers nothing again"


@pytest.fixture
def moved() -> Iterator[Callable[[float], None]]:
    """Moves the model's clock, until the end of a test."""
    yield clock.move
    clock.move(0)


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_declined_rollback_is_asked_for_when_the_version_is_delivered_again(
    waits: World, one_second: dt.datetime, hours: int
) -> None:
    """Whatever the clock says of whoever delivers it: GitHub's says when a request is closed."""
    (pull,) = waits.pulls()
    waits.call("PATCH", f"/repos/{waits.repository}/pulls/{pull['number']}", {"state": "closed"})
    waits.verified_release("1.2.0", "production")
    again = dataclasses.replace(waits.request("1.3.0").release, version="1.1.0", tag="v1.1.0")
    delivered = push(waits, release_file.ReleaseFile(again).dump(), one_second + dt.timedelta(hours=hours))
    waits.fail("production", delivered)
    (pull,) = waits.pulls()
    assert pull["title"] == "Roll guestbook in production back from 1.1.0 to 1.2.0"
    waits.call("PATCH", f"/repos/{waits.repository}/pulls/{pull['number']}", {"state": "closed"})
    waits.fail("production", delivered)
    assert waits.pulls() == [], "that one is declined too"


def push(here: World, text: str, at: dt.datetime) -> str:
    """Push another release file for production from a machine where it is that time."""
    path, base = "environments/production/guestbook/release.yaml", f"/repos/{here.repository}/git"
    head = here.head("environments")
    file = {"path": path, "mode": "100644", "type": "blob", "content": text}
    tree = here.call("POST", f"{base}/trees", {"base_tree": head, "tree": [file]})["sha"]
    author = {"name": "Dana", "email": "dana@example.com", "date": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    body = {"message": "Go on with 1.1.0", "tree": tree, "parents": [head], "author": author}
    commit = here.call("POST", f"{base}/commits", body)["sha"]
    here.call("PATCH", f"{base}/refs/heads/main", {"sha": commit})
    return str(commit)


def test_a_change_of_values_after_a_rollback_is_blamed_as_after_a_release(world: Make) -> None:
    here = world(environment("dev"))
    here.commit("environments", "environments/dev/guestbook/values.yaml", "replicas: 1\n")
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.release("1.1.0", "dev"))
    here.succeed("dev", here.head("environments"))
    change = here.commit("environments", "environments/dev/guestbook/values.yaml", "replicas: x\n")
    answer = here.fail("dev", change)
    assert "values.yaml changed" in answer.reason
    assert [pull["title"] for pull in here.pulls()] == ["Restore the configuration of guestbook in dev"]
