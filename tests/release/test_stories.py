"""Sync and health, in the words of Argo CD's reports."""

import pytest

from slipway_release import stories
from templates import ROOT

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
