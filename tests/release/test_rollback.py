"""Rollback: once, to what was verified, through Git, and never for the wrong reason."""

import contextlib
import datetime as dt
import http.server
import json
import threading
from collections.abc import Callable, Generator
from typing import Any

import pytest

from slipway_release import announce, hold, rollback, workflow
from slipway_release.errors import RefusedError
from slipway_release.selection import Kind
from slipway_release.taking_back import Answer
from tests.release.builders import environment, release
from tests.release.world import World

Make = Callable[..., World]


@pytest.fixture
def here(world: Make) -> World:
    """1.0.0 is verified in dev, and 1.1.0 was delivered after it."""
    return prepared(world())


def prepared(here: World) -> World:
    here.verified_release("1.0.0", "dev")
    return here


def test_a_bad_release_is_taken_back_and_held(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    answer = here.fail("dev", bad)
    file = here.file("dev")
    assert file.release is not None
    assert (file.release.version, file.release.rollback and file.release.rollback.version) == ("1.0.0", "1.1.0")
    assert [held.version for held in file.held] == ["1.1.0"]
    assert answer.target is not None


def test_the_commit_says_what_failed_why_and_where_to_look(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.fail("dev", bad, "Degraded: crash loop")
    message = here.messages("dev")[0]
    for words in ("from 1.1.0 to 1.0.0", bad, "Degraded: crash loop", "http://argocd.test/app", "https://run.test/1"):
        assert words in message


def test_the_service_s_repository_sees_the_failure_and_the_recovery(here: World) -> None:
    here.fail("dev", here.release("1.1.0", "dev"), "Check failed: answers")
    said = here.statuses("guestbook", "dev", "v1.1.0")[0]
    assert said == "failure: 1.1.0: rolled back from 1.1.0 to 1.0.0: Check failed: answers"
    here.succeed("dev", here.head("environments"))
    assert "1.0.0: verified; 1.1.0 was rolled back" in here.statuses("guestbook", "dev", "v1.0.0")[0]


def test_a_repeated_report_rolls_back_once(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.fail("dev", bad)
    head = here.head("environments")
    here.fail("dev", bad)
    assert here.head("environments") == head


@contextlib.contextmanager
def receiver() -> Generator[tuple[str, list[dict[str, str]]]]:
    """A webhook's address, and the documents that it is sent."""
    told: list[dict[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", told
        server.shutdown()


def test_a_chat_is_told_once_what_was_taken_back_to_what_and_why(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Argo CD tells that one version is bad, and knows no version of what is good."""
    bad = here.release("1.1.0", "dev")
    with receiver() as (address, told):
        monkeypatch.setenv(announce.WEBHOOK, address)
        for _ in range(2):
            here.fail("dev", bad, "Degraded: crash loop")
            here.succeed("dev", here.head("environments"))
    document, verified = told
    assert verified["event"] == "verified"
    assert verified["message"] == "1.0.0: verified; 1.1.0 was rolled back", "the version, and once"
    assert verified["url"] == document["url"] == f"{here.url}{here.owner}/guestbook/deployments"
    assert (document["event"], document["state"], document["application"]) == (
        "rolled-back",
        "failure",
        "guestbook-dev",
    )
    message = "rolled back from 1.1.0 to 1.0.0: Degraded: crash loop; see https://run.test/1"
    assert document["message"] == message


def test_a_rollback_is_never_rolled_back(here: World) -> None:
    here.fail("dev", here.release("1.1.0", "dev"))
    head = here.head("environments")
    answer = here.fail("dev", head)
    assert "itself a rollback" in answer.reason
    assert here.head("environments") == head


def test_a_superseded_failure_is_ignored(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.release("1.2.0", "dev")
    assert "superseded" in here.fail("dev", bad).reason
    assert here.wanted("dev") == "1.2.0"


def test_a_failure_that_is_no_longer_the_newest_report_is_ignored(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.report("dev", bad, "failure")
    number = here.report("dev", bad, "success")
    assert "stale" in rollback.rollback(here.context(), number).reason
    assert here.wanted("dev") == "1.1.0"


def test_a_rollback_that_could_not_run_for_hours_is_run_then(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate limit lasts an hour, and a rotated key until somebody mends it."""
    number = here.report("dev", here.release("1.1.0", "dev"), "failure")
    later = workflow.now() + dt.timedelta(hours=3)
    monkeypatch.setattr(workflow, "now", lambda: later)
    assert rollback.rollback(here.context(), number).target is not None


def test_a_failure_counts_though_the_delivery_is_written_down_after_it(here: World) -> None:
    """Argo CD is quicker than a request that GitHub's rate limit holds up."""
    number = here.report("dev", here.release("1.1.0", "dev"), "failure", "Degraded: crash loop")
    path = f"/repos/{here.repository}/deployments/{number}/statuses"
    here.call("POST", path, {"state": "in_progress", "description": "1.1.0: delivered, being verified"})
    assert rollback.rollback(here.context(), number).target is not None


def test_a_first_release_has_nothing_to_go_back_to_and_says_so(world: Make) -> None:
    here = world()
    assert "nothing to go back to" in here.fail("dev", here.release("1.0.0", "dev")).reason
    assert here.wanted("dev") == "1.0.0"


def test_a_version_that_was_verified_once_is_not_the_cause(here: World) -> None:
    commit = here.verified_release("1.1.0", "dev")
    here.commit("environments", "environments/dev/guestbook/values.yaml", "replicas: 0\n")
    assert "verified before" in here.fail("dev", here.head("environments")).reason
    assert commit != here.head("environments")
    assert here.wanted("dev") == "1.1.0"


def test_a_target_whose_image_is_gone_is_passed_over_for_the_one_before(here: World) -> None:
    here.verified_release("1.1.0", "dev")
    bad = here.release("1.2.0", "dev")
    here.gone.add(release("1.1.0").digest)
    answer = here.fail("dev", bad)
    assert here.wanted("dev") == "1.0.0"
    assert "no longer in the registry: 1.1.0" in answer.reason


def test_where_no_image_is_left_nothing_is_taken_back_and_it_is_said(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.gone.add(release("1.0.0").digest)
    answer = here.fail("dev", bad)
    assert answer.target is None
    assert "the images of 1.0.0" in answer.reason
    assert here.wanted("dev") == "1.1.0"
    assert here.file("dev").held == ()


def test_a_registry_that_hides_everything_stops_no_rollback(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.gone |= {release(version).digest for version in ("1.0.0", "1.1.0")}
    assert here.fail("dev", bad).target is not None
    assert here.wanted("dev") == "1.0.0"


def test_drift_reported_on_a_deployment_verifies_nothing(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    here.report("dev", bad, "success", "Drift: Deployment guestbook was changed by hand")
    assert here.fail("dev", bad).target is not None


def test_another_service_s_commit_does_not_hide_the_failure(here: World) -> None:
    """Argo CD syncs the branch's head, which another service has moved on."""
    here.release("1.1.0", "dev")
    here.release("3.0.0", "dev", "clock")
    assert here.fail("dev", here.head("environments")).target is not None
    assert here.wanted("dev") == "1.0.0"
    assert here.wanted("dev", "clock") == "3.0.0"


def test_it_goes_back_over_versions_that_were_never_verified_or_are_held(here: World) -> None:
    here.fail("dev", here.release("1.1.0", "dev"))
    here.release("1.2.0", "dev")
    answer = here.fail("dev", here.release("1.3.0", "dev"))
    assert answer.target is not None
    assert answer.target.version == "1.0.0"


def test_off_means_off(world: Make) -> None:
    here = prepared(world(environment("dev", rollback="off")))
    assert "off" in here.fail("dev", here.release("1.1.0", "dev")).reason
    assert here.wanted("dev") == "1.1.0"


def test_a_rollback_by_pull_request_waits_for_a_person(world: Make) -> None:
    here = prepared(world(environment("dev", rollback="pull-request")))
    bad = here.release("1.1.0", "dev")
    here.fail("dev", bad)
    here.fail("dev", bad)
    assert here.wanted("dev") == "1.1.0"
    (pull,) = here.pulls()
    assert pull["title"] == "Roll guestbook in dev back from 1.1.0 to 1.0.0"
    here.call("PUT", f"/repos/{here.repository}/pulls/{pull['number']}/merge", {"merge_method": "squash"})
    assert here.wanted("dev") == "1.0.0"
    assert here.file("dev").hold_of("1.1.0") is not None


def test_where_a_rule_forbids_the_commit_a_pull_request_is_opened(here: World) -> None:
    bad = here.release("1.1.0", "dev")
    text = "Repository rule violations found\n\nChanges must be made through a pull request."
    here.fault(match=f"PUT /api/v3/repos/{here.repository}/contents", status=409, message=text)
    answer = here.fail("dev", bad)
    assert answer.done is not None
    assert answer.done.pull is not None


def test_a_manually_synced_environment_says_that_the_rollback_waits(world: Make) -> None:
    here = prepared(world(environment("dev", sync="manual", syncWindows="denied for 8h from 0 22 * * 5 (UTC)")))
    words = "waits for somebody to sync it; syncs are denied for 8h from 0 22 * * 5 (UTC)"
    assert words in here.fail("dev", here.release("1.1.0", "dev")).reason


def test_on_an_environment_s_own_branch_it_is_a_commit_there(world: Make) -> None:
    here = prepared(world(environment("dev", delivery="branch", targetBranch="environment/dev")))
    here.fail("dev", here.release("1.1.0", "dev"))
    assert here.wanted("dev") == "1.0.0"


def test_a_held_version_is_not_promoted_again_and_a_newer_one_clears_the_hold(here: World) -> None:
    request = here.request("1.1.0")
    here.fail("dev", here.deliver(request, "dev").link.rpartition("/")[2])
    assert here.deliver(request, "dev").decision.kind is Kind.HELD
    here.release("1.2.0", "dev")
    assert here.file("dev").held == ()


def test_a_hold_is_released_by_a_person_and_then_the_version_goes_again(here: World) -> None:
    request = here.request("1.1.0")
    here.fail("dev", here.deliver(request, "dev").link.rpartition("/")[2])
    service, place = here.platform.service("guestbook"), here.platform.environment("dev")
    hold.unhold(here.context(), place, service, "1.1.0", login="dana")
    assert here.deliver(request, "dev").decision.kind is Kind.DELIVER


def test_a_version_can_be_held_before_it_comes(here: World) -> None:
    service, place = here.platform.service("guestbook"), here.platform.environment("dev")
    hold.hold(here.context(), place, service, "1.1.0", reason="known bug", login="dana")
    assert here.deliver(here.request("1.1.0"), "dev").decision.kind is Kind.HELD
    assert here.wanted("dev") == "1.0.0"


@pytest.mark.parametrize("change", [{"name": "dev"}, {"name": "nowhere/guestbook"}, {"name": "dev/unknown"}])
def test_a_deployment_of_something_else_is_left_alone(here: World, change: dict[str, Any]) -> None:
    body = {"ref": "main", "environment": change["name"], "auto_merge": False, "required_contexts": []}
    made = here.call("POST", f"/repos/{here.repository}/deployments", body)
    here.call("POST", f"/repos/{here.repository}/deployments/{made['id']}/statuses", {"state": "failure"})
    head = here.head("environments")
    with contextlib.suppress(RefusedError):
        assert rollback.rollback(here.context(), str(made["id"])).target is None
    assert here.head("environments") == head


def by_hand(here: World, place: str, version: str) -> Answer:
    service, environment = here.platform.service("guestbook"), here.platform.environment(place)
    return rollback.by_hand(here.context(), environment, service, version, reason="loses orders", login="dana")


def test_a_person_takes_back_what_is_healthy_and_wrong(world: Make) -> None:
    here = world(environment("dev", rollback="off"))
    here.verified_release("1.0.0", "dev")
    here.verified_release("1.1.0", "dev")
    assert "rolled back from 1.1.0 to 1.0.0" in by_hand(here, "dev", "1.1.0").reason
    file = here.file("dev")
    assert file.release is not None
    assert (file.release.version, file.held[0].reason) == ("1.0.0", "loses orders (dana)")
    assert "dana says so" in here.messages("dev")[0]
    assert "loses orders (dana)" in here.statuses("guestbook", "dev", "v1.1.0")[0]


def test_where_people_approve_a_rollback_by_hand_is_a_request(world: Make) -> None:
    here = world(environment("dev", approval=True))
    here.verified_release("1.0.0", "dev")
    here.verified_release("1.1.0", "dev")
    by_hand(here, "dev", "1.1.0")
    assert here.wanted("dev") == "1.1.0"
    assert [pull["title"] for pull in here.pulls()] == ["Roll guestbook in dev back from 1.1.0 to 1.0.0"]


@pytest.mark.parametrize(
    ("version", "why"), [("1.0.0", "which has 1.1.0"), ("1.1.0", "no verified predecessor")], ids=["stale", "first"]
)
def test_a_rollback_by_hand_that_cannot_be_is_refused_in_words(world: Make, version: str, why: str) -> None:
    here = world(environment("dev"))
    here.verified_release("1.1.0", "dev")
    with pytest.raises(RefusedError, match=why):
        by_hand(here, "dev", version)
    assert here.wanted("dev") == "1.1.0"


def test_after_a_rewrite_of_main_it_says_why_there_is_nothing_to_go_back_to(here: World) -> None:
    path = f"/repos/{here.repository}/git"
    first = here.history()[-1]["sha"]
    here.call("PATCH", f"{path}/refs/heads/main", {"sha": first, "force": True})
    bad = here.release("1.1.0", "dev")
    reason = here.fail("dev", bad).reason
    assert (
        "the commits at which 1.0.0 were verified are no longer on main: somebody has rewritten it, or `delivery` of"
        in reason
    )
    with pytest.raises(RefusedError, match="somebody has rewritten"):
        by_hand(here, "dev", "1.1.0")
