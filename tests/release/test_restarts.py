"""What several environments are behind with is asked for at once, and none waits for the approval of another."""

import dataclasses
from typing import Any, cast

import pytest

from slipway_release import promotions, restarts
from slipway_release.github import GitHub
from slipway_release.places import Place
from slipway_release.release_file import ReleaseFile
from slipway_release.restarts import Runs
from tests.release.builders import Script, answer, context, environment, platform, release

ACTIONS = "/repos/acme/environments/actions"
WANTED = release()
WAITS = {
    "id": 9,
    "display_title": promotions.title("guestbook", "7", WANTED.digest),
    "status": "waiting",
    "conclusion": None,
    "created_at": "2026-01-01T00:00:00Z",
}


def asked(*runs: dict[str, Any], pending: str = "eu", reviews: list[dict[str, Any]] | None = None) -> list[str]:
    """What is done where eu and us are behind, and those are the runs of the promotion."""
    failed = [run for run in runs if run["conclusion"] == "failure"]
    script = Script(
        {
            f"GET {ACTIONS}/runs": {"workflow_runs": failed},
            f"GET {ACTIONS}/workflows/promote.yml/runs": {"workflow_runs": list(runs)},
            f"GET {ACTIONS}/workflows/requested.yml/runs": {"workflow_runs": []},
            f"GET {ACTIONS}/runs/9/pending_deployments": [{"environment": {"name": pending}}],
            f"GET {ACTIONS}/runs/9/approvals": reviews or [],
            f"POST {ACTIONS}/workflows/promote.yml/dispatches": answer(status=204),
        }
    )
    of = platform(environment("eu", approval=True), environment("us", approval=True))
    around = dataclasses.replace(context(of=of), own=GitHub("https://github.test/api/v3", "token", script))
    wanted, service = Runs(around), of.service("guestbook")
    done = [
        words
        for place in of.environments
        for words in restarts.ask_for(around, Place(place, service, ReleaseFile()), WANTED, wanted)
    ]
    wanted.start()
    started = sum(request.startswith("POST ") for request in cast(Script, around.own.transport).asked)
    assert started == bool(done), "one run for all of them"
    return [words.partition("/")[0] for words in done]


def test_environments_that_are_behind_are_asked_for_in_one_run() -> None:
    assert asked() == ["eu", "us"]


@pytest.mark.parametrize("pending", ["eu", "us"])
def test_what_waits_for_the_approval_of_one_environment_keeps_no_other_waiting(pending: str) -> None:
    assert asked(WAITS, pending=pending) == [{"eu": "us", "us": "eu"}[pending]]


def test_a_run_that_is_not_over_may_still_bring_it() -> None:
    assert asked(WAITS | {"status": "in_progress"}) == []


def test_a_reviewer_who_says_no_says_it_for_one_environment() -> None:
    rejected = [{"state": "rejected", "environments": [{"name": "eu"}]}]
    assert asked(WAITS | {"status": "completed", "conclusion": "failure"}, reviews=rejected) == ["us"]
