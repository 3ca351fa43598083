"""Levels decide: whatever event, run or request is lost, the next reconciliation finishes it, and then is quiet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway_release import promotion, reconcile, record, release_file, verified
from slipway_release.context import Context
from slipway_release.errors import ReleaseError
from slipway_release.github import GitHub
from slipway_release.release_file import ReleaseFile
from tests.release.builders import Counting, Images, environment
from tests.release.world import World

Make = Callable[..., World]


def run(here: World, folder: Path | None = None) -> tuple[list[str], list[str]]:
    """Reconcile with promotions only counted: what was done, and for what promotions were asked."""
    path = f"/api/v3/repos/{here.repository}/actions/workflows/promote.yml"
    here.fault(match=f"GET {path}/runs", status=200, count=2)
    here.fault(match=f"GET {path.replace('promote', 'requested')}/runs", status=200, count=2)
    here.fault(match=f"POST {path}/dispatches", status=200, count=5)
    transport = Counting()
    github = GitHub(f"{here.url}api/v3", here.token, transport)
    context = Context(here.platform, github, github, github, Images({}), "https://run.test/2", "root")
    try:
        done = reconcile.reconcile(context, folder)
    finally:
        here.clear_faults()
    return done, transport.asked


def dispatched(asked: list[str]) -> int:
    return sum(request.endswith("/promote.yml/dispatches") for request in asked)


def recorded(here: World, place: str) -> set[str]:
    return record.versions(here.context(), here.platform.environment(place), here.platform.service("guestbook"))


def test_a_success_whose_event_was_lost_is_recorded_and_goes_on(world: Make) -> None:
    here = world()
    commit = here.release("1.0.0", "staging")
    here.report("staging", commit, "success")
    done, asked = run(here)
    assert "staging/guestbook: 1.0.0 is recorded as verified" in done
    assert dispatched(asked) >= 1
    assert recorded(here, "staging") == {"1.0.0"}


def test_what_waits_for_its_approval_is_not_asked_for_again(world: Make) -> None:
    waiting = environment("production", delivery="pull-request", approval=True, requires=["staging"])
    here = world(environment("staging"), waiting)
    request = here.request("1.0.0")
    here.succeed("staging", here.deliver(request, "staging").link.rpartition("/")[2])
    assert dispatched(run(here)[1]) == 1, "it was not asked for yet"
    here.deliver(request, "production")
    assert dispatched(run(here)[1]) == 0
    here.call("PATCH", f"/repos/{here.repository}/pulls/{here.pulls()[0]['number']}", {"state": "closed"})
    assert dispatched(run(here)[1]) == 0, "a person has declined it"


def test_a_pull_request_of_a_fork_keeps_no_release_waiting(world: Make) -> None:
    """Everybody may name a branch of a fork as the automation names its own."""
    waiting = environment("production", delivery="pull-request", approval=True, requires=["staging"])
    here = world(environment("staging"), waiting)
    here.succeed("staging", here.deliver(here.request("1.0.0"), "staging").link.rpartition("/")[2])
    for source in ({"full_name": "mallory/environments"}, None):
        head = {"ref": "release/production/guestbook/1.0.0", "sha": "e" * 40, "repo": source}
        pull = {"number": 7, "html_url": "https://github.test/7", "head": head, "user": {"login": "mallory"}}
        here.fault(match=f"GET /api/v3/repos/{here.repository}/pulls", status=200, count=1, body=[pull])
        assert dispatched(run(here)[1]) == 1, source


def test_a_failure_whose_event_was_lost_is_rolled_back(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.release("1.1.0", "dev"), "failure", "Degraded: crash loop")
    run(here)
    assert here.wanted("dev") == "1.0.0"
    assert here.file("dev").hold_of("1.1.0") is not None


def test_a_promotion_that_never_ran_is_asked_for(world: Make) -> None:
    here = world()
    here.verified_release("1.0.0", "dev")
    _, asked = run(here)
    assert dispatched(asked) == 1, "staging takes releases and has not got 1.0.0"


def test_a_frozen_environment_gets_its_release_once_it_is_not_frozen(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    here.verified_release("1.0.0", "dev")
    here.freeze("staging", "Black Friday")
    assert dispatched(run(here)[1]) == 0
    here.thaw("staging")
    assert dispatched(run(here)[1]) == 1


def test_what_is_on_hold_is_not_asked_for(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    request = here.request("1.1.0")
    here.verified_release("1.0.0", "staging")
    here.fail("staging", here.deliver(request, "staging").link.rpartition("/")[2])
    here.succeed("staging", here.head("environments"))
    here.succeed("dev", here.deliver(request, "dev").link.rpartition("/")[2])
    assert dispatched(run(here)[1]) == 0
    assert here.wanted("staging") == "1.0.0"


def test_a_platform_from_before_the_record_is_migrated_once(world: Make) -> None:
    here = world(environment("dev"))
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        here.report("dev", here.release(version, "dev"), "success" if version != "1.1.0" else "failure")
    run(here)
    assert recorded(here, "dev") == {"1.0.0", "1.2.0"}
    assert run(here)[0] == []


def test_quiet_costs_eight_requests_and_one_for_each_new_commit_of_main(world: Make, tmp_path: Path) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    file = tmp_path / "environments/dev/guestbook/release.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(here.file("dev").dump())
    done, asked = run(here, tmp_path)
    assert done == []
    assert len(asked) == 8 + len(here.history())


def test_a_request_that_needs_no_person_is_merged_when_it_may_be(world: Make) -> None:
    here = world(environment("dev", delivery="pull-request"))
    here.deliver_unmerged("1.0.0", "dev")
    here.freeze("dev", "Black Friday")
    run(here)
    assert here.wanted("dev") is None
    here.thaw("dev")
    run(here)
    assert here.wanted("dev") == "1.0.0"


def test_one_broken_place_keeps_no_other_waiting(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    here.report("staging", here.release("1.0.0", "staging"), "success")
    here.commit("environments", "environments/dev/guestbook/release.yaml", "release: {")
    with pytest.raises(ReleaseError, match="1 of"):
        run(here)
    assert recorded(here, "staging") == {"1.0.0"}


def test_twice_at_once_changes_nothing_twice(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    here.report("dev", here.release("1.1.0", "dev"), "failure", "Degraded: crash loop")
    run(here)
    head = here.head("environments")
    assert run(here)[0] == []
    assert here.head("environments") == head


def test_a_service_s_repository_that_cannot_be_reached_keeps_nothing_from_going_on(world: Make) -> None:
    """It only mirrors what is decided here."""
    here = world(environment("staging"), environment("production", requires=["staging"]))
    number = here.report("staging", here.release("1.0.0", "staging"), "success")
    path = f"/api/v3/repos/{here.repository}/actions/workflows/promote.yml/dispatches"
    here.fault(match=f"POST {path}", status=200, count=1)
    here.fault(match="/guestbook/deployments", status=404, count=9)
    verified.verified(here.context(), number)
    left = here.faults()
    here.clear_faults()
    assert recorded(here, "staging") == {"1.0.0"}
    assert f"POST {path}" not in left, "production was not asked for"


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_record_that_somebody_has_moved_is_written_anew(world: Make, where: str) -> None:
    here = world(environment("staging"), environment("production", requires=["staging"]))
    moved = here.head("environments")
    here.verified_release("1.0.0", "staging")
    there = here.file("staging")
    if where == "after":
        path = "environments/staging/guestbook/release.yaml"
        moved = here.commit("environments", path, ReleaseFile().dump())
        here.commit("environments", path, there.dump())
    tag = f"/repos/{here.repository}/git/refs/tags/verified/staging/guestbook/1.0.0"
    here.call("PATCH", tag, {"sha": moved, "force": True})
    service, staging = here.platform.service("guestbook"), here.platform.environment("staging")
    assert there.release is not None
    assert not record.is_verified(here.context(), staging, service, there.release)
    _, asked = run(here)
    assert record.is_verified(here.context(), staging, service, there.release)
    assert dispatched(asked)


def test_a_record_that_nobody_waits_for_is_mended_too_and_then_it_is_quiet(world: Make) -> None:
    here = world(environment("dev"))
    before = here.head("environments")
    here.verified_release("1.0.0", "dev")
    tag = f"/repos/{here.repository}/git/refs/tags/verified/dev/guestbook/1.0.0"
    here.call("PATCH", tag, {"sha": before, "force": True})
    assert run(here)[0] == ["dev/guestbook: 1.0.0 is recorded as verified"]
    assert run(here)[0] == []


def test_what_waited_for_a_freeze_comes_after_it_though_the_version_behind_it_was_rolled_back(world: Make) -> None:
    here = world(environment("staging"), environment("production", requires=["staging"]))
    here.freeze("production", "Black Friday")
    here.verified_release("1.0.0", "staging")
    here.fail("staging", here.release("1.1.0", "staging"))
    assert here.wanted("staging") == "1.0.0"
    assert dispatched(run(here)[1]) == 0
    here.thaw("production")
    done, _ = run(here)
    assert "production/guestbook: 1.0.0 is asked for again" in done


def test_a_newer_version_that_has_to_wait_keeps_no_older_one_from_coming(world: Make) -> None:
    here = world(environment("dev"), environment("staging"), environment("production", requires=["staging"]))
    here.verified_release("1.0.0", "staging")
    here.freeze("staging", "Black Friday")
    here.release("1.1.0", "dev")
    done, _ = run(here)
    assert "production/guestbook: 1.0.0 is asked for again" in done


def test_a_deleted_release_file_is_written_again_from_what_is_good_elsewhere(world: Make) -> None:
    """The judge refuses such a pull request; an owner who goes past it has not said which version is to run."""
    here = world(environment("dev"), environment("staging", requires=["dev"]))
    request = here.request("1.0.0")
    for place in ("dev", "staging"):
        here.deliver(request, place)
        here.succeed(place, here.head("environments"))
    path = release_file.path_of("staging", "guestbook")
    known = here.call("GET", f"/repos/{here.repository}/contents/{path}")
    body = {"message": "Delete it", "sha": known["sha"], "branch": "main"}
    here.call("DELETE", f"/repos/{here.repository}/contents/{path}", body)
    assert here.wanted("staging") is None
    assert dispatched(run(here)[1]) == 1
    promotion.deliver(here.context(), request, here.platform.environment("staging"), again=True)
    assert here.wanted("staging") == "1.0.0"
