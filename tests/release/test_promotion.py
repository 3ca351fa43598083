"""Promotion against a real GitHub API: nothing is lost, nothing goes back, and retries change nothing."""

import itertools
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway_release import hold, promotion, release_file, rollback
from slipway_release.contents import ProtectedBranchError
from slipway_release.errors import RefusedError
from slipway_release.release_file import ReleaseFile
from slipway_release.selection import Kind
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]


def test_a_release_is_a_commit_and_a_deployment_on_both_sides(world: Make) -> None:
    here = world()
    commit = here.release("1.0.0", "dev")
    assert here.wanted("dev") == "1.0.0"
    assert here.head("environments") == commit
    assert here.messages("dev")[0].startswith("Release guestbook 1.0.0 to dev\n")
    assert here.statuses("environments", "dev/guestbook") == ["in_progress: 1.0.0: delivered, being verified"]
    assert here.statuses("guestbook", "dev", "v1.0.0") == ["in_progress: 1.0.0: delivered, being verified"]


@pytest.mark.parametrize(
    ("sync", "words"),
    [
        ("automated", "in_progress: 1.0.0: delivered, being verified"),
        ("manual", "queued: 1.0.0: waits for somebody to sync it"),
    ],
)
def test_a_release_to_an_environment_with_sync_windows_names_them(world: Make, sync: str, words: str) -> None:
    here = world(environment("dev", sync=sync, syncWindows="denied for 8h from 0 22 * * 5 (UTC), by hand too"))
    here.release("1.0.0", "dev")
    told = [f"{words}; syncs are denied for 8h from 0 22 * * 5 (UTC), by hand too"]
    assert here.statuses("environments", "dev/guestbook") == told
    assert here.statuses("guestbook", "dev", "v1.0.0") == told


def test_delivering_again_changes_nothing(world: Make) -> None:
    here = world()
    request = here.request("1.0.0")
    here.deliver(request, "dev")
    before = here.head("environments")
    assert here.deliver(request, "dev").decision.kind is Kind.ALREADY
    assert here.head("environments") == before
    assert len(here.statuses("environments", "dev/guestbook")) == 1
    assert len(here.statuses("guestbook", "dev", "v1.0.0")) == 1


def test_a_run_cut_off_before_the_ledger_is_resumed(world: Make) -> None:
    here = world()
    request = here.request("1.0.0")
    here.fault(match=f"POST /api/v3/repos/{here.repository}/deployments", status=422, message="cut off")
    with pytest.raises(RefusedError):
        here.deliver(request, "dev")
    assert here.wanted("dev") == "1.0.0"
    assert here.plan(request) == ["dev", "staging"]
    here.deliver(request, "dev")
    assert len(here.statuses("environments", "dev/guestbook")) == 1


def test_an_older_version_does_not_replace_a_newer_one_and_is_on_record(world: Make) -> None:
    here = world()
    here.release("1.1.0", "dev")
    assert here.deliver(here.request("1.0.0"), "dev").decision.kind is Kind.SUPERSEDED
    assert here.wanted("dev") == "1.1.0"
    assert here.statuses("guestbook", "dev", "v1.0.0")[0].startswith("inactive: superseded: 1.1.0")


def test_a_release_that_was_written_by_hand_is_what_the_automation_goes_on_from(world: Make) -> None:
    """As `docs/break-glass.md` has it."""
    here = world(environment("dev"))
    here.deliver(here.request("1.0.0"), "dev")
    urgent = here.request("1.2.0").release
    here.commit("environments", release_file.path_of("dev", "guestbook"), ReleaseFile(urgent).dump())
    assert here.deliver(here.request("1.1.0"), "dev").decision.kind is Kind.SUPERSEDED
    assert here.deliver(here.request("1.3.0"), "dev").decision.kind is Kind.DELIVER


def test_production_waits_until_staging_has_verified_the_version(world: Make) -> None:
    here = world()
    request = here.request("1.0.0")
    assert here.plan(request) == ["dev", "staging"]
    assert here.deliver(request, "production").decision.kind is Kind.WAITING
    assert here.wanted("production") is None
    outcome = here.deliver(request, "staging")
    assert here.succeed("staging", outcome.link.rpartition("/")[2]), "the promotion was not asked for again"
    assert here.deliver(request, "production").decision.kind is Kind.DELIVER
    assert here.statuses("environments", "production/guestbook")[0].startswith("queued: 1.0.0: waits for somebody")


def test_a_prefixed_tag_is_for_one_environment(world: Make) -> None:
    here = world(environment("dev"), environment("production", tagPrefix="prod"))
    assert here.plan(here.request("prod-v1.0.0")) == ["production"]


def test_a_frozen_environment_is_left_alone_and_the_release_is_on_record(world: Make) -> None:
    here = world()
    here.freeze("dev", "Black Friday")
    request = here.request("1.0.0")
    assert here.plan(request) == ["staging"]
    assert here.wanted("dev") is None
    assert "Black Friday" in here.statuses("guestbook", "dev", "v1.0.0")[0]
    here.thaw("dev")
    assert here.plan(request) == ["dev", "staging"]


def test_a_release_file_broken_by_hand_is_named_and_not_overwritten(world: Make) -> None:
    here = world()
    here.commit("environments", "environments/dev/guestbook/release.yaml", "release: {")
    with pytest.raises(RefusedError, match=r"environments/dev/guestbook/release\.yaml"):
        here.deliver(here.request("1.0.0"), "dev")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "count": 3},
        {"status": 429, "count": 2, "headers": {"Retry-After": "0"}},
        {"kind": "secondary-rate-limit"},
        {"status": 409, "count": 2, "message": "main is at 1 but expected 2"},
        {"status": 422, "count": 1, "message": "Reference update failed"},
    ],
    ids=lambda fault: str(fault.get("status", fault.get("kind"))),
)
def test_a_write_that_fails_for_now_is_written_in_the_end(world: Make, fault: dict[str, object]) -> None:
    here = world()
    here.fault(match=f"PUT /api/v3/repos/{here.repository}/contents", **fault)
    here.release("1.0.0", "dev")
    assert here.wanted("dev") == "1.0.0"
    assert len(here.messages("dev")) == 1


def test_a_rule_that_forbids_the_write_is_final_and_says_what_to_do(world: Make) -> None:
    here = world()
    text = "Repository rule violations found\n\nChanges must be made through a pull request."
    here.fault(match=f"PUT /api/v3/repos/{here.repository}/contents", status=409, message=text)
    with pytest.raises(ProtectedBranchError, match="pull-request"):
        here.deliver(here.request("1.0.0"), "dev")


@pytest.mark.timeout(300)
def test_parallel_releases_are_all_on_record_and_the_newest_wins(world: Make) -> None:
    """20 at once, of two services, with errors thrown in: what the issue asks for, in its short form."""
    here = world(environment("dev"))
    order = random.Random(4)
    versions = [f"1.0.{number}" for number in range(1, 11)]
    requests = [here.request(version, service) for version in versions for service in ("guestbook", "clock")]
    order.shuffle(requests)
    writes = f"PUT /api/v3/repos/{here.repository}/contents"
    here.fault(match=writes, status=502, count=5)
    here.fault(match=writes, status=409, count=5, message="main is at 1 but expected 2")
    here.fault(match="POST .*/deployments", status=503, count=5)
    here.fault(match="GET .*/contents", status=500, count=5)
    with ThreadPoolExecutor(20) as pool:
        outcomes = list(pool.map(lambda request: here.deliver(request, "dev"), requests))
    assert {outcome.decision.kind for outcome in outcomes} <= {Kind.DELIVER, Kind.SUPERSEDED, Kind.ALREADY}
    for service in ("guestbook", "clock"):
        assert here.wanted("dev", service) == "1.0.10"
        for version in versions:
            assert here.statuses(service, "dev", f"v{version}"), f"{service} {version} is not on record"
        delivered = [message.split()[2] for message in reversed(here.messages("dev", service))]
        assert delivered == sorted(delivered, key=lambda version: int(version.rpartition(".")[2]))
    assert all(len(commit["parents"]) <= 1 for commit in here.history())


def test_delivery_to_a_branch_takes_main_along_and_keeps_its_history(world: Make) -> None:
    here = world(environment("production", delivery="branch", targetBranch="environment/production"))
    first = here.release("1.0.0", "production")
    here.commit("environments", "environments/production/guestbook/values.yaml", "replicas: 3\n")
    here.release("2.0.0", "production", "clock")
    second = here.release("1.1.0", "production")
    assert here.wanted("production") == "1.1.0"
    assert here.wanted("production", "clock") == "2.0.0"
    contents = here.context().contents
    values = contents.read("environments/production/guestbook/values.yaml", "environment/production")
    assert values is not None
    assert values.content == "replicas: 3\n"
    assert contents.read("environments/production/guestbook/release.yaml", "main") is None
    assert first in {commit["sha"] for commit in here.history("environment/production")}
    assert second == here.head("environments", "environment/production")


def test_branch_deliveries_in_parallel_lose_nothing(world: Make) -> None:
    here = world(environment("production", delivery="branch", targetBranch="environment/production"))
    requests = [
        here.request(f"1.0.{number}", service)
        for number, service in itertools.product(range(1, 4), ("guestbook", "clock"))
    ]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda request: here.deliver(request, "production"), requests))
    assert here.wanted("production") == "1.0.3"
    assert here.wanted("production", "clock") == "1.0.3"


def test_a_release_that_a_freeze_keeps_out_of_everywhere_is_remembered_by_its_run(world: Make) -> None:
    here = world(environment("dev"), environment("staging", requires=["dev"]))
    here.freeze("dev", "Black Friday")
    request = here.request("1.0.0")
    reason = promotion.stopped(promotion.consider(here.context(), request))
    assert reason is not None
    assert "Black Friday" in reason
    here.thaw("dev")
    assert promotion.stopped(promotion.consider(here.context(), request)) is None


def test_a_release_that_some_environment_gets_needs_no_run_to_be_remembered(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    here.freeze("staging", "Black Friday")
    assert promotion.stopped(promotion.consider(here.context(), here.request("1.0.0"))) is None


def test_a_release_that_is_on_hold_everywhere_ends_well_and_says_so(world: Make) -> None:
    here = world(environment("dev"))
    here.verified_release("1.0.0", "dev")
    request = here.request("1.1.0")
    here.fail("dev", here.deliver(request, "dev").link.rpartition("/")[2])
    outcomes = promotion.consider(here.context(), request)
    assert [outcome.decision.kind for outcome in outcomes] == [Kind.HELD]
    assert "is on hold since" in outcomes[0].decision.reason
    assert promotion.stopped(outcomes) is None, "to be on hold is a decision; nothing starts the run again"
    assert promotion.with_work(here.context(), request, outcomes) == []


def test_a_broken_file_fails_the_run_though_the_other_environment_holds_the_version(world: Make) -> None:
    here = world(environment("dev"), environment("staging"))
    here.verified_release("1.0.0", "dev")
    request = here.request("1.1.0")
    here.fail("dev", here.deliver(request, "dev").link.rpartition("/")[2])
    here.commit("environments", "environments/staging/guestbook/release.yaml", "release: {")
    reason = promotion.stopped(promotion.consider(here.context(), request))
    assert reason is not None
    assert "environments/staging/guestbook/release.yaml" in reason


@pytest.mark.parametrize(
    ("delivery", "words"),
    [
        ("commit", "waits for an approval by platform"),
        ("pull-request", "waits for pull request #1 and an approval by platform"),
    ],
)
def test_the_story_says_whose_approval_is_waited_for(world: Callable[..., World], delivery: str, words: str) -> None:
    here = world(environment("production", approval=True, approvers=["platform"], delivery=delivery))
    request = here.request("1.0.0")
    promotion.consider(here.context(), request)
    if delivery == "pull-request":
        here.deliver(request, "production")
    assert here.statuses("guestbook", "production") == [f"queued: 1.0.0: {words}"]


def test_what_is_on_hold_where_it_was_verified_goes_no_further_until_it_is_released(world: Make) -> None:
    """What was good once, and then was taken back or held by a person, is not good any more."""
    here = world(environment("staging"), environment("production", requires=["staging"]))
    staging, service = here.platform.environment("staging"), here.platform.service("guestbook")
    here.verified_release("1.0.0", "staging")
    request = here.request("1.1.0")
    commit = here.deliver(request, "staging").link.rpartition("/")[2]
    hold.hold(here.context(), staging, service, "1.1.0", reason="loses orders", login="dana")
    assert not here.succeed("staging", commit), "it is on hold where it was just verified"
    decision = here.deliver(request, "production").decision
    assert decision.kind is Kind.WAITING
    assert "it is on hold in staging: release it from hold there, or make a newer version" in decision.reason
    hold.unhold(here.context(), staging, service, "1.1.0", login="dana")
    assert here.deliver(request, "production").decision.kind is Kind.DELIVER


def test_what_was_taken_back_by_hand_where_it_was_verified_goes_no_further(world: Make) -> None:
    here = world(environment("staging"), environment("production", requires=["staging"]))
    here.verified_release("1.0.0", "staging")
    request = here.request("1.1.0")
    here.succeed("staging", here.deliver(request, "staging").link.rpartition("/")[2])
    staging, service = here.platform.environment("staging"), here.platform.service("guestbook")
    rollback.by_hand(here.context(), staging, service, "1.1.0", reason="loses orders", login="dana")
    assert here.deliver(request, "production").decision.kind is Kind.WAITING
