"""The words in which a report tells what is bad and why, and to whom it goes."""

import json
from typing import Any

import pytest
import yaml

from manifests.argocd.notifications import GITHUB_KEY, notification_values
from tests.argocd.example import settings
from tests.argocd.notifications import (
    GONE_WRONG,
    NEW,
    RENDERING,
    Run,
    application,
    checked,
    comparison,
    health,
    notification,
    operation,
)


@pytest.mark.parametrize(
    ("template", "status", "message"),
    [
        ("verified", {}, f"Synced and Healthy at {NEW[:12]}"),
        (
            "degraded",
            {"health": health("Degraded"), "resources": [{"kind": "ConfigMap", "name": "x"}, GONE_WRONG]},
            'Degraded: Deployment/guestbook: Deployment "guestbook" exceeded its progress deadline',
        ),
        ("degraded", {"health": health("Missing"), "resources": []}, "Missing: no reason given"),
        (
            "operation-failed",
            {"operationState": operation("Failed", message="one or more objects failed to apply")},
            "Sync failed: one or more objects failed to apply",
        ),
        (
            "operation-failed",
            {
                "operationState": operation(
                    "Failed",
                    syncResult={
                        "revision": NEW,
                        "resources": [
                            {"kind": "ConfigMap", "name": "a", "status": "Synced", "message": "configured"},
                            {"kind": "Service", "name": "b", "status": "SyncFailed", "message": "port is taken"},
                        ],
                    },
                )
            },
            "Sync failed: Service/b: port is taken",
        ),
        (
            "operation-failed",
            {"operationState": checked("Running", between=True)},
            "Check failed: answers, migrations",
        ),
        (
            "overdue",
            {"resources": [{**GONE_WRONG, "health": {"status": "Progressing", "message": "1 of 2 available"}}]},
            "Not verified within 600 s: Healthy: Deployment/guestbook: 1 of 2 available",
        ),
        (
            "overdue",
            {"operationState": operation("Running", message="waiting for hook migrate")},
            "Not verified within 600 s: sync is running: waiting for hook migrate",
        ),
        (
            "unrenderable",
            comparison(RENDERING),
            "Cannot be rendered: values don't meet the schema",
        ),
    ],
)
def test_the_description_says_what_is_bad_and_why(
    run: Run, template: str, status: dict[str, Any], message: str
) -> None:
    said = notification(run, template, application(**status))
    assert said["message"] == message
    if template == "verified":
        # The workflow that records it tells the chats.
        assert "webhook" not in said
        return
    body = json.loads(said["webhook"]["events"]["body"])
    assert (body["event"], body["message"], body["service"]) == (template, message, "guestbook")
    assert body["url"] == "https://github.com/acme/guestbook/deployments"


def test_a_chat_is_led_to_the_repository_that_a_service_has(run: Run) -> None:
    """Nothing of an Application says how the repository is called."""
    app = application()
    app["metadata"]["labels"]["slipway.dev/service"] = "clock"
    body = json.loads(notification(run, "degraded", app)["webhook"]["events"]["body"])
    assert body["url"] == "https://github.com/acme/wall-clock/deployments"


def test_what_a_pod_or_a_chart_says_calls_no_one_on_slack(run: Run) -> None:
    bad = {
        "kind": "Pod",
        "name": "a",
        "health": {"status": "Degraded", "message": "<!channel> <https://x.test|ok> & b"},
    }
    app = application(health=health("Degraded"), resources=[bad])
    said = notification(run, "degraded-on-slack", app)["message"]
    page = "<https://cd.example.com/applications/argocd/guestbook-dev|dev/guestbook>"
    assert said == f":x: {page}: Degraded: Pod/a: &lt;!channel&gt; &lt;https://x.test|ok&gt; &amp; b"
    assert "<!channel>" in notification(run, "degraded", app)["message"]


def test_the_ledger_entry_names_the_placement_and_merges_nothing(run: Run) -> None:
    deployment = notification(run, "verified", application())["github"]["deployment"]
    assert deployment == {
        "autoMerge": False,
        "environment": "dev/guestbook",
        "environmentURL": "https://dev.example.com",
        "logURL": "https://cd.example.com/applications/argocd/guestbook-dev",
        "requiredContexts": [],
        "state": "success",
        "transientEnvironment": False,
    }


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://github.com/", None),
        ("https://github.example.com/", "https://github.example.com/api/v3"),
        ("https://acme.ghe.com/", "https://api.acme.ghe.com"),
    ],
)
def test_an_own_github_is_asked_at_its_api(base: str, url: str | None) -> None:
    app = {"id": "1", "installationId": "2"}
    github = {"owner": "acme", "platformTeam": "platform", "baseUrl": base, "argocd": app}
    others = {"promoter": {**app, "id": "3"}, "requester": {**app, "id": "4"}}
    service = yaml.safe_load(notification_values(settings(github={**github, **others}))["notifiers"]["service.github"])
    assert service.get("enterpriseBaseURL") == url
    assert service["privateKey"] == f"${GITHUB_KEY}"
    assert (service["appID"], service["installationID"]) == (1, 2)


def test_infrastructure_is_not_a_release() -> None:
    subscriptions = notification_values(settings())["subscriptions"]
    assert [subscription["selector"] for subscription in subscriptions] == [
        "slipway.dev/service,slipway.dev/environment"
    ]
