"""A promotion that failed, was cancelled or was never handed on is started again, until it is not worth it any more."""

import base64
import dataclasses
import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from manifests.repository_files import environment_repository_files
from slipway_release import hold, promotions, reconcile, workflow
from slipway_release.github import GitHub
from slipway_release.promotions import Run
from slipway_release.registry import Image
from stacks.settings import settings_of
from tests.release.builders import DIGEST, Images, Script, answer, context, environment, platform
from tests.stacks.builders import texts, values

RUNS = "GET /repos/acme/environments/actions/runs"
NEWEST = "GET /repos/acme/environments/actions/workflows/promote.yml/runs"
REQUESTED = "GET /repos/acme/environments/actions/workflows/requested.yml/runs"
START = "POST /repos/acme/environments/actions/workflows/promote.yml/dispatches"
FREEZE = "GET /repos/acme/environments/contents/environments/production/freeze.json"
QUIET = {
    "GET /repos/acme/environments/git/matching-refs/tags/verified/": [],
    "GET /repos/acme/environments/pulls": [],
    "GET /repos/acme/environments/commits": [],
    START: answer(status=204),
}
TITLE = promotions.title("guestbook", "7", DIGEST)


def run(title: str = TITLE, number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "display_title": title,
        "status": "completed",
        "conclusion": "failure",
        "created_at": "2026-01-01T00:00:00Z",
    } | changes


class Recording(Script):
    """Remembers what promotions were started with, and lists runs by how they ended."""

    def __init__(self, answers: dict[str, Any]) -> None:
        super().__init__(answers)
        self.started: list[str] = []

    def send(self, method: str, url: str, headers: Any = None, body: bytes | None = None) -> Any:
        if url.endswith("/dispatches"):
            self.started.append(json.dumps(json.loads(body or b"")["inputs"], sort_keys=True))
        found = super().send(method, url, headers, body)
        ended = parse_qs(urlsplit(url).query).get("status")
        if ended and url.partition("?")[0].endswith("/actions/runs"):
            content: Any = found.json()
            runs = [item for item in content["workflow_runs"] if item["conclusion"] in ended]
            return answer({"workflow_runs": runs})
        return found


def reconciled(
    failed: list[dict[str, Any]],
    newest: list[dict[str, Any]],
    frozen: str | None = None,
    reviews: dict[str, Any] | None = None,
) -> list[str]:
    """The inputs of the promotions that a reconciliation starts, as JSON."""
    freezes = {FREEZE: {"content": base64.b64encode(frozen.encode()).decode(), "sha": "f" * 40}} if frozen else {}
    runs = {RUNS: {"workflow_runs": failed}, NEWEST: {"workflow_runs": newest}, REQUESTED: {"workflow_runs": []}}
    script = Recording(QUIET | freezes | runs | (reviews or {}))
    github = GitHub("https://github.test/api/v3", "token", script)
    given = context(of=platform(environment("production", approval=bool(reviews))))
    reconcile.reconcile(dataclasses.replace(given, own=github, writer=github, service=github))
    return script.started


WANTED = json.dumps({"service": "guestbook", "run": "7", "digest": DIGEST}, sort_keys=True)


@pytest.mark.parametrize("conclusion", ["failure", "cancelled", "timed_out", "startup_failure"])
def test_what_did_not_come_to_its_end_is_started_again_once(conclusion: str) -> None:
    failed = [run(conclusion=conclusion)]
    assert reconciled(failed, failed) == [WANTED]


def test_a_request_that_was_not_handed_on_is() -> None:
    assert reconciled([run(f"slipway/request/guestbook/7 {DIGEST}")], []) == [WANTED]


def test_environments_that_were_asked_for_by_name_are_asked_for_again() -> None:
    failed = [run(promotions.title("guestbook", "7", DIGEST, ["production"]))]
    assert json.loads(reconciled(failed, failed)[0])["environments"] == "production"


def test_an_environment_that_is_gone_or_renamed_keeps_the_others_from_nothing() -> None:
    both = [run(promotions.title("guestbook", "7", DIGEST, ["old-name", "production"]))]
    assert json.loads(reconciled(both, both)[0])["environments"] == "production"
    gone = [run(promotions.title("guestbook", "7", DIGEST, ["old-name"]))]
    assert reconciled(gone, gone) == [], "it would be refused each time"


@pytest.mark.parametrize(
    "newer",
    [
        run(number=2, conclusion="success"),
        run(number=2, status="in_progress", conclusion=None),
        run(number=2, status="waiting", conclusion=None),
    ],
    ids=["it succeeded since", "it runs", "it waits for approval"],
)
def test_what_goes_on_already_is_left_alone(newer: dict[str, Any]) -> None:
    assert reconciled([run()], [newer, run()]) == []


@pytest.mark.parametrize(
    "title",
    [
        "Promote guestbook (run 7)",
        f"Promote unknown (run 7) {DIGEST}",
        "validate",
        f"Promote guestbook (run x) {DIGEST}",
    ],
)
def test_titles_that_do_not_say_all_of_it_start_nothing(title: str) -> None:
    assert reconciled([run(title)], []) == []


def test_a_freeze_uses_up_no_attempts() -> None:
    assert reconciled([run()], [run()], frozen="Black Friday") == []
    assert reconciled([run()], [run()]) == [WANTED]


def test_the_pauses_between_attempts_double_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    at = workflow.now()
    monkeypatch.setattr(workflow, "now", lambda: at)

    def failures(count: int, ago: dt.timedelta) -> list[Run]:
        return [Run(n, "guestbook", "7", DIGEST, (), True, "failure", at - ago) for n in range(count)]

    assert promotions.is_due(failures(1, dt.timedelta(0)))
    assert not promotions.is_due(failures(2, dt.timedelta(minutes=14)))
    assert promotions.is_due(failures(2, dt.timedelta(minutes=15)))
    assert not promotions.is_due(failures(5, dt.timedelta(minutes=119)))
    assert promotions.is_due(failures(5, dt.timedelta(hours=2)))
    assert not promotions.is_due(failures(12, dt.timedelta(hours=23)))
    assert promotions.is_due(failures(12, dt.timedelta(days=1)))
    assert not promotions.is_due(failures(14, dt.timedelta(days=6)))


def test_a_run_that_ended_well_and_brought_nothing_is_not_started_at_every_reconciliation() -> None:
    at = workflow.now()
    runs = [Run(n, "guestbook", "7", DIGEST, ("dev",), True, "success", at) for n in range(2)]
    assert promotions.is_due(runs[:1], "dev")
    assert not promotions.is_due(runs, "dev")
    assert promotions.is_due(runs, "staging")


@pytest.mark.parametrize("newest", [[run()], []], ids=["newest", "older"])
def test_what_a_reviewer_rejected_is_not_started_again(newest: list[dict[str, Any]]) -> None:
    """Runs of other statuses may have pushed it out of the newest."""
    reviews = [{"state": "rejected", "environments": [{"name": "production"}]}]
    assert reconciled([run()], newest, reviews={f"{RUNS}/1/approvals": reviews}) == []


def test_the_workflows_write_the_titles_that_are_read() -> None:
    owned = environment_repository_files(settings_of("test", texts(values()))).owned
    assert yaml.safe_load(owned[".github/workflows/promote.yml"])["run-name"] == (
        "Promote ${{ inputs.service }} (run ${{ inputs.run }}) ${{ inputs.digest }}"
        "${{ inputs.environments && format(' to {0}', inputs.environments) || '' }}"
        "${{ inputs.again && ', again' || '' }}"
    )
    assert yaml.safe_load(owned[".github/workflows/requested.yml"])["run-name"] == (
        "${{ github.event.context }} ${{ github.event.description }}"
    )


@pytest.mark.parametrize(
    ("image", "runs", "started"),
    [
        (DIGEST, [run()], ["production"]),
        (DIGEST, [run(promotions.title("clock", "7", DIGEST))], []),
        (DIGEST, [], []),
        (None, [run()], []),
    ],
)
def test_a_version_that_was_on_hold_before_it_ever_came_is_asked_for_by_its_first_request(
    image: str | None, runs: list[dict[str, Any]], started: list[str]
) -> None:
    history = "GET /repos/acme/environments/commits"
    asked = Recording(
        {history: [], NEWEST: {"workflow_runs": runs}, REQUESTED: {"workflow_runs": []}, START: answer(status=204)}
    )
    around = context({}, {})
    around = dataclasses.replace(
        around,
        own=GitHub("https://github.test/api/v3", "token", asked),
        writer=GitHub("https://github.test/api/v3", "token", asked),
        registry=Tagged({"1.2.3": image} if image else {}),
    )
    service, place = around.platform.service("guestbook"), around.platform.environment("production")
    assert hold.promote_again(around, place, service, "1.2.3") is bool(started)
    assert [json.loads(text)["environments"] for text in asked.started] == started
    assert all(json.loads(text)["run"] == "7" for text in asked.started)


class Tagged(Images):
    """A registry with images by tag."""

    def image(self, name: str, reference: str, *, hidden_is_absent: bool = False) -> Image | None:
        del name, hidden_is_absent
        digest = self.images.get(reference)
        return Image(digest, {}) if digest else None


def test_without_a_request_the_command_for_a_new_one_is_named() -> None:
    words = hold.remedy(platform().service("guestbook"), "1.2.3")
    assert words.startswith("gh run rerun --repo acme/guestbook")
    assert "--workflow release.yml --branch v1.2.3" in words


def test_what_a_person_asked_for_again_is_asked_for_so_again() -> None:
    failed = [run(promotions.title("guestbook", "7", DIGEST, ["production"], again=True))]
    assert json.loads(reconciled(failed, failed)[0]) == {
        "service": "guestbook",
        "run": "7",
        "digest": DIGEST,
        "environments": "production",
        "again": "true",
    }


def test_runs_that_wait_for_an_approval_are_found_on_a_busy_day() -> None:
    """A hundred releases an hour have more runs than a page shows."""
    waits = run(number=2, status="waiting", conclusion=None)

    class Busy(Script):
        def send(self, method: str, url: str, headers: Any = None, body: bytes | None = None) -> Any:
            if "status=waiting" in url and "/promote.yml/" in url:
                return answer({"workflow_runs": [waits]})
            return super().send(method, url, headers, body)

    script = Busy({NEWEST: {"workflow_runs": []}, REQUESTED: {"workflow_runs": []}})
    around = dataclasses.replace(context(), own=GitHub("https://github.test/api/v3", "token", script))
    assert [item.id for item in promotions.newest(around)] == [2]
