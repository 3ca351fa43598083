"""Pull requests of a service that run: where that is said, and when it ends."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from slipway_release import pull_request, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from tests.release.builders import Script, context, platform

BASE = "/repos/acme/guestbook"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def run_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/guestbook")


def github(**committed: dt.datetime) -> Context:
    """A GitHub with an open pull request of each author's, whose newest commit is of that time."""
    answers: dict[str, Any] = {f"GET {BASE}/pulls": [{"number": 1, "labels": [{"name": "bug"}]}]}
    for number, (author, moment) in enumerate(committed.items(), start=2):
        labels = [{"name": "bug"}, {"name": "try it"}]
        answers[f"GET {BASE}/pulls"].append({"number": number, "labels": labels, "head": {"sha": author}})
        answers[f"GET {BASE}/commits/{author}"] = {"commit": {"committer": {"date": workflow.timestamp(moment)}}}
        answers[f"GET {BASE}/issues/{number}/comments"] = []
        answers[f"POST {BASE}/issues/{number}/comments"] = {}
        answers[f"DELETE {BASE}/issues/{number}/labels/try%20it"] = []
    return context(answers)


def script(around: Context) -> Script:
    transport = around.own.transport
    assert isinstance(transport, Script)
    return transport


def written(around: Context) -> list[str]:
    return [key for key in script(around).asked if not key.startswith("GET")]


def test_the_label_is_taken_off_what_was_not_changed_for_days_and_that_is_said() -> None:
    around = github(old=workflow.days_ago(8), new=workflow.days_ago(6))
    pull_request.expire(around, "try it", 7)
    assert written(around) == [f"POST {BASE}/issues/2/comments", f"DELETE {BASE}/issues/2/labels/try%20it"]


def commented(moment: dt.datetime, author: str = "Bot") -> dict[str, Any]:
    body, at = f"{pull_request.MARKER}\nThis pull request runs", workflow.timestamp(moment)
    return {"id": 7, "body": body, "user": {"type": author}, "updated_at": at}


@pytest.mark.parametrize(("told", "stays"), [(6, True), (8, False)])
def test_the_label_stays_for_days_after_it_was_set_on_old_commits_or_such_as_claim_to_be_new(
    told: int, stays: bool
) -> None:
    around = github(old=workflow.days_ago(-9 if not stays else 90))
    script(around).answers[f"GET {BASE}/issues/2/comments"] = [commented(workflow.days_ago(told))]
    script(around).answers[f"PATCH {BASE}/issues/comments/7"] = {}
    pull_request.expire(around, "try it", 7)
    assert (f"DELETE {BASE}/issues/2/labels/try%20it" not in written(around)) is stays


def test_it_is_said_where_it_was_said_that_it_runs_that_it_is_gone() -> None:
    around = github(new=workflow.days_ago(0))
    pull_request.gone(around, "2")
    assert written(around) == []
    script(around).answers[f"GET {BASE}/issues/2/comments"] = [commented(workflow.days_ago(0))]
    script(around).answers[f"PATCH {BASE}/issues/comments/7"] = {}
    pull_request.gone(around, "2")
    assert written(around) == [f"PATCH {BASE}/issues/comments/7"]


def test_where_it_runs_is_said_in_the_services_own_repository() -> None:
    around = github(new=workflow.days_ago(0))
    pull_request.tell(around, "2", COMMIT, "https://guestbook-2.dev.example.com")
    assert written(around) == [f"POST {BASE}/issues/2/comments"]


def test_the_comment_leads_to_where_it_is_seen_that_it_is_not_healthy() -> None:
    known = platform()
    (service, *_) = known.services
    addressed = dataclasses.replace(known, argocd_url="https://argocd.example.com/")
    text = pull_request.where(addressed, service, "2", COMMIT, "")
    assert (
        "[Argo CD](https://argocd.example.com/applications?search=guestbook-pr-2) shows whether it is healthy" in text
    )
    unknown = dataclasses.replace(known, argocd_url=None)
    assert "healthy" not in pull_request.where(unknown, service, "2", COMMIT, "")


@pytest.mark.parametrize(
    ("number", "commit"), [("2", "main"), ("2", COMMIT.upper()), ("../2", COMMIT), ("", COMMIT), ("2\n", COMMIT)]
)
def test_the_name_of_an_image_is_made_of_a_number_and_a_commit(number: str, commit: str) -> None:
    assert pull_request.image_tag("2", COMMIT) == f"pr-2-{COMMIT}"
    with pytest.raises(RefusedError):
        pull_request.image_tag(number, commit)
