"""Pull requests of a service that run: where that is said, and when it ends."""

import datetime as dt
from typing import Any

import pytest

from slipway_release import pull_request, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from tests.release.builders import Script, context

BASE = "/repos/acme/guestbook"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def run_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/guestbook")


def github(**committed: dt.datetime) -> Context:
    """A GitHub with an open pull request of each author's, whose newest commit is of that time."""
    answers: dict[str, Any] = {f"GET {BASE}/issues": [{"number": 1}]}
    for number, (author, moment) in enumerate(committed.items(), start=2):
        answers[f"GET {BASE}/issues"].append({"number": number, "pull_request": {}})
        answers[f"GET {BASE}/pulls/{number}"] = {"head": {"sha": author}}
        answers[f"GET {BASE}/commits/{author}"] = {"commit": {"committer": {"date": workflow.timestamp(moment)}}}
        answers[f"GET {BASE}/issues/{number}/comments"] = []
        answers[f"POST {BASE}/issues/{number}/comments"] = {}
        answers[f"DELETE {BASE}/issues/{number}/labels/try%20it"] = []
    return context(answers)


def written(around: Context) -> list[str]:
    transport = around.reader.transport
    assert isinstance(transport, Script)
    return [key for key in transport.asked if not key.startswith("GET")]


def test_the_label_is_taken_off_what_was_not_changed_for_days_and_that_is_said() -> None:
    around = github(old=workflow.days_ago(8), new=workflow.days_ago(6))
    pull_request.expire(around, "try it", 7)
    assert written(around) == [f"POST {BASE}/issues/2/comments", f"DELETE {BASE}/issues/2/labels/try%20it"]


def test_where_it_runs_is_said_in_the_services_own_repository() -> None:
    around = github(new=workflow.days_ago(0))
    pull_request.tell(around, "2", COMMIT, "https://guestbook-2.dev.example.com")
    assert written(around) == [f"POST {BASE}/issues/2/comments"]


@pytest.mark.parametrize(
    ("number", "commit"), [("2", "main"), ("2", COMMIT.upper()), ("../2", COMMIT), ("", COMMIT), ("2\n", COMMIT)]
)
def test_the_name_of_an_image_is_made_of_a_number_and_a_commit(number: str, commit: str) -> None:
    assert pull_request.image_tag("2", COMMIT) == f"pr-2-{COMMIT}"
    with pytest.raises(RefusedError):
        pull_request.image_tag(number, commit)
