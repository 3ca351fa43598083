"""Sync and health, in the words of Argo CD's reports."""

import pytest

from slipway_release import stories
from slipway_release.deployments import Entry, Status
from templates import ROOT
from tests.release.builders import DIGEST, context

MESSAGES = "".join(path.read_text() for path in (ROOT / "argocd/messages").glob("*.gotmpl"))
LATE = "Not verified within %s s: %s: %s"


@pytest.mark.parametrize(
    ("report", "message", "condition"),
    [
        ("Degraded: Deployment/web: crash loop", "%s: %s", ("Synced", "Degraded")),
        ("Missing: no reason given", "%s: %s", ("Synced", "Missing")),
        ("Sync failed: Deployment/web: no such field", "Sync failed: %s", ("Sync failed", "")),
        ("Check failed: smoke", "Check failed: %s", ("Check failed", "")),
        ("Not verified within 60 s: Progressing: Pod/web: Pending", LATE, ("Synced", "Progressing")),
        ("Not verified within 60 s: Healthy: Service/web: OutOfSync", LATE, ("OutOfSync", "Healthy")),
        ("Not verified within 60 s: sync is running: waiting", "sync is running", ("", "")),
        (
            "Incident in a verified release, nothing is rolled back: Degraded: Pod/web: OOMKilled",
            "Incident in a verified release, nothing is rolled back: %s: ",
            ("Synced", "Degraded"),
        ),
        ("Drift found, a sync would undo it: Deployment/web", "Drift found, a sync would undo it", ("OutOfSync", "")),
        ("Cannot be rendered: no such file", "Cannot be rendered: %s", ("Unknown", "")),
    ],
)
def test_a_report_has_sync_and_health(report: str, message: str, condition: tuple[str, str]) -> None:
    assert message in MESSAGES, "the message has changed"
    assert stories.condition(report) == condition


def test_reports_of_one_second_on_two_deployments_are_told_in_the_order_in_which_they_came() -> None:
    """A later commit was synced, did not work, and was taken back."""
    second, around = "2026-01-01T00:00:00Z", context()

    def entry(number: int, *statuses: Status) -> Entry:
        payload = {"version": "1.0.0", "digest": DIGEST} if number == 1 else {}
        place, own = "dev/guestbook", "argocd[bot]"
        return Entry(number, "c", "c", place, second, own, payload, around.own, "", list(statuses))

    def status(number: int, state: str) -> Status:
        return Status(state, f"{number}: {state}", second, "", "argocd[bot]", is_app=True, id=number)

    newer = entry(2, status(2, "failure"))
    (story,) = stories.told([newer, entry(1, status(3, "success"), status(1, "in_progress"))])
    assert [step[2] for step in stories.steps(story)] == ["1: in_progress", "2: failure", "3: success"]
    assert stories.outcome(around, story, None).said == "3: success; it is being recorded"
