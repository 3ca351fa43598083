"""A request that started no run is found on the commit that it is on, and started once."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from slipway_release import ask, lost_requests, workflow
from slipway_release.github import GitHub
from slipway_release.restarts import Runs
from tests.release.builders import DIGEST, Script, answer, context

REPOSITORY = "GET /repos/acme/environments"
RUNS = f"{REPOSITORY}/actions/workflows"
HEAD, BEFORE = "a" * 40, "b" * 40


def ago(**time: float) -> str:
    return workflow.timestamp(workflow.now() - dt.timedelta(**time))


def status(at: str, **changes: Any) -> dict[str, Any]:
    return {
        "context": f"{ask.CONTEXT}guestbook/7",
        "description": DIGEST,
        "created_at": at,
        "state": "success",
    } | changes


def commit(sha: str, at: str) -> dict[str, Any]:
    return {"sha": sha, "commit": {"committer": {"date": at}}}


def title(number: str = "7") -> dict[str, Any]:
    return {
        "id": 1,
        "display_title": f"{ask.CONTEXT}guestbook/{number} {DIGEST}",
        "status": "completed",
        "conclusion": "success",
        "created_at": ago(hours=1),
    }


def started(statuses: dict[str, Any], **answers: Any) -> list[str]:
    """What is started where those statuses are on commits of main."""
    empty: dict[str, Any] = {"workflow_runs": []}
    script = Script(
        {
            f"{REPOSITORY}/commits": [commit(HEAD, ago(hours=2)), commit(BEFORE, ago(days=9))],
            f"{REPOSITORY}/commits/{HEAD}/statuses": [],
            f"{REPOSITORY}/commits/{BEFORE}/statuses": [],
            f"{RUNS}/reconcile.yml/runs": {"workflow_runs": [{"created_at": ago(hours=3)}]},
            f"{RUNS}/promote.yml/runs": empty,
            f"{RUNS}/requested.yml/runs": empty,
            f"{REPOSITORY}/actions/runs": empty,
            "POST /repos/acme/environments/actions/workflows/promote.yml/dispatches": answer(status=204),
        }
        | {f"{REPOSITORY}/commits/{sha}/statuses": found for sha, found in statuses.items()}
        | {f"{RUNS}/{name}.yml/runs": {"workflow_runs": found} for name, found in answers.items()}
    )
    around = dataclasses.replace(context(), own=GitHub("https://github.test/api/v3", "token", script))
    runs = Runs(around)
    done = lost_requests.start(around, runs)
    runs.start()
    assert len(done) == sum(request.startswith("POST ") for request in script.asked)
    return done


@pytest.mark.parametrize("commit", [HEAD, BEFORE])
def test_a_request_whose_event_was_lost_is_started(commit: str) -> None:
    (words,) = started({commit: [status(ago(hours=1))]})
    assert words == "guestbook: the promotion that run 7 asked for is started; its request had started none"


def test_a_request_that_has_a_run_is_left_alone() -> None:
    assert started({HEAD: [status(ago(hours=1))]}, requested=[title()]) == []
    promoted = title() | {"display_title": f"Promote guestbook (run 7) {DIGEST}"}
    assert started({HEAD: [status(ago(hours=1))]}, promote=[promoted]) == []
    assert len(started({HEAD: [status(ago(hours=1))]}, requested=[title("8")])) == 1


@pytest.mark.parametrize("at", [{"minutes": 5}, {"hours": 5}], ids=["it may start yet", "looked at before"])
def test_only_what_may_have_been_lost_since_the_last_time_is_looked_at(at: dict[str, float]) -> None:
    assert started({HEAD: [status(ago(**at))]}) == []


def test_after_an_outage_all_of_it_is_looked_at() -> None:
    long_ago = [{"created_at": ago(days=3)}]
    assert len(started({BEFORE: [status(ago(days=2))]}, reconcile=long_ago)) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"context": "Validate"},
        {"context": f"{ask.CONTEXT}unknown/7"},
        {"context": f"{ask.CONTEXT}guestbook/x"},
        {"description": "latest"},
        {"description": None},
    ],
)
def test_other_statuses_start_nothing(changes: dict[str, Any]) -> None:
    assert started({HEAD: [status(ago(hours=1), **changes)]}) == []


def test_a_request_below_a_hundred_statuses_of_its_commit_is_found() -> None:
    """Where releases go to branches of their own, main stays where it is, and all requests are on one commit."""
    newer = [status(ago(hours=1), context=f"ci/{number}") for number in range(100)]
    following = '<https://github.test/api/v3/statuses?page=2>; rel="next"'
    pages = [answer(newer, headers={"link": following}), answer([status(ago(hours=1))])]
    assert len(started({HEAD: lambda: pages.pop(0)})) == 1
