"""A pull request of the program whose judge did not come to its end is judged again, and does not wait for ever."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any, cast

import pytest

from slipway_release import rejudging, verdict, workflow
from slipway_release.github import GitHub
from slipway_release.pulls import PullRequest
from tests.release.builders import Script, answer, environment
from tests.release.world import World

Make = Callable[..., World]
RERUN = "POST /repos/{}/actions/runs/5/rerun"


@pytest.fixture
def here(world: Make) -> World:
    """1.0.0 waits in a pull request that nothing has judged yet."""
    here = world(environment("production", delivery="pull-request", approval=True))
    here.deliver(here.request("1.0.0"), "production")
    return here


def judged(here: World, *runs: dict[str, Any], minutes: float = 60) -> tuple[str | None, list[str]]:
    """What is done some minutes later, where those are the runs of the judge; and what was started."""
    (pull,) = here.pulls()
    path = f"/repos/{here.repository}/actions"
    script = Script(
        {
            f"GET {path}/workflows/validate.yml/runs": {"workflow_runs": list(runs)},
            f"POST {path}/runs/5/rerun": answer({}),
        }
    )
    around = dataclasses.replace(here.context(), own=GitHub(f"{here.url}api/v3", "", script))
    later = workflow.now() + dt.timedelta(minutes=minutes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workflow, "now", lambda: later)
        done = rejudging.judge(around, PullRequest(pull["number"], pull["html_url"], pull["head"]["ref"]))
    return done, [request for request in cast(Script, around.own.transport).asked if request.startswith("POST ")]


def run(conclusion: str | None, **changes: Any) -> dict[str, Any]:
    status = "completed" if conclusion else "in_progress"
    known = {"id": 5, "status": status, "conclusion": conclusion, "run_attempt": 1, "updated_at": workflow.timestamp()}
    return known | changes


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "startup_failure"])
def test_a_judge_that_failed_is_run_again_after_a_pause(here: World, conclusion: str) -> None:
    assert judged(here, run(conclusion), minutes=5) == (None, [])
    done, started = judged(here, run(conclusion))
    assert done is not None
    assert started == [RERUN.format(here.repository)]


@pytest.mark.parametrize(
    "found", [run(None), run("success"), run("failure", run_attempt=9), run("failure", run_attempt=99)]
)
def test_what_runs_or_was_tried_often_is_left_alone(here: World, found: dict[str, Any]) -> None:
    assert judged(here, found) == (None, [])


def test_what_the_judge_is_content_with_is_left_alone_also_during_a_freeze(here: World) -> None:
    commit = here.pulls()[0]["head"]["sha"]
    verdict.give(here.context(), commit, "success", "Closed: frozen")
    assert judged(here, run("failure")) == (None, [])


def test_another_account_s_word_is_not_the_judge_s(here: World) -> None:
    commit = here.pulls()[0]["head"]["sha"]
    here.team("web", "sam")
    sam = {"Authorization": "Bearer sam-token"}
    body = {"state": "success", "context": verdict.CHECK}
    here.client.post(f"/repos/{here.repository}/statuses/{commit}", json=body, headers=sam).raise_for_status()
    assert judged(here, run("failure"))[0] is not None


def test_a_request_whose_event_was_lost_is_pushed_again_as_it_is(here: World) -> None:
    (before,) = here.pulls()
    assert judged(here, minutes=5) == (None, [])
    done, _ = judged(here)
    (after,) = here.pulls()
    assert done is not None
    assert after["number"] == before["number"]
    contents, branch = here.context().contents, before["head"]["ref"]
    assert contents.message(after["head"]["sha"]) == contents.message(before["head"]["sha"])
    assert here.file("production", ref=branch).release is not None
