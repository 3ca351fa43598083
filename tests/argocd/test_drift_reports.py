"""What is told beside reports on a release: drift, what cannot be rendered or compared, and what waits for somebody."""

from typing import Any

import pytest

from slipway_release.deployments import DRIFT
from tests.argocd.notifications import (
    NEW,
    OTHER,
    RENDERING,
    UNREACHABLE,
    Run,
    ago,
    application,
    comparison,
    fired,
    notification,
    operation,
    remembering,
)
from tests.argocd.rendering import KubernetesObject


@pytest.mark.parametrize(
    ("status", "reported"),
    [
        (comparison(RENDERING), True),
        (comparison(UNREACHABLE), False),
        (comparison(UNREACHABLE, 601), False),
        (
            {
                "conditions": [
                    {"type": "OrphanedResourceWarning", "message": "helm template", "lastTransitionTime": ago(5)}
                ]
            },
            False,
        ),
    ],
)
def test_a_commit_that_cannot_be_rendered_is_reported(run: Run, status: dict[str, Any], reported: bool) -> None:
    assert fired(run, "unrenderable", application(**status)) == [reported]


def test_a_chat_is_told_when_nothing_answers_for_long(run: Run) -> None:
    """No commit is to blame, so that nothing is rolled back."""
    assert fired(run, "chat", application(**comparison(UNREACHABLE))).count(True) == 0
    lasting = application(**comparison(UNREACHABLE, 601))
    assert fired(run, "chat", lasting).count(True) == 1
    message = "Cannot be compared with Git: connection refused"
    assert notification(run, "unreachable", lasting)["message"] == message


def healed() -> KubernetesObject:
    result = {"revision": NEW, "resources": [{"kind": "Deployment", "name": "guestbook", "status": "Synced"}]}
    healing = {"autoHealAttemptsCount": 1, "resources": [{"name": "guestbook"}]}
    state = operation("Succeeded", started=30, sync=healing, syncResult=result)
    return application(operationState=state, reconciledAt=ago(20))


def test_healed_drift_is_reported(run: Run) -> None:
    app = remembering(healed(), f"{NEW}:release-verified:[2].hash:github:")
    assert fired(run, "drift", app) == [True, False]
    said = notification(run, "drift-healed", app)
    assert said["message"].startswith(f"{DRIFT} healed at ")
    assert said["message"].endswith(": Deployment/guestbook")
    assert said["github"]["deployment"]["state"] == "success"
    assert fired(run, "drift", application()) == [False, False]


def test_a_release_that_argocd_takes_for_healing_is_not_drift(run: Run) -> None:
    """It does so after a commit that could not be rendered."""
    assert fired(run, "drift", healed()) == [False, False]
    assert fired(run, "release-verified", healed())[0] is True
    later = remembering(healed(), f"{NEW}:release-verified:[2].hash:github:", sent=10)
    assert fired(run, "drift", later) == [False, False]


def test_drift_that_waits_for_a_person_is_reported(run: Run) -> None:
    resources = [{"kind": "Deployment", "name": "guestbook", "status": "OutOfSync"}]
    app = application(sync={"status": "OutOfSync", "revision": NEW}, resources=resources)
    del app["spec"]["syncPolicy"]
    # Not before the release was good: just after a sync, Argo CD has not looked again.
    assert fired(run, "drift", app) == [False, False]
    app = remembering(app, f"{NEW}:release-verified:[2].hash:github:")
    assert fired(run, "drift", app) == [False, True]
    assert (
        notification(run, "drift-found", app)["message"] == f"{DRIFT} found, a sync would undo it: Deployment/guestbook"
    )
    # A new commit that waits for its sync is not drift; what stays so for long is told, and not called more than it is.
    app["status"]["sync"]["revision"] = OTHER
    assert fired(run, "drift", app) == [False, False]
    app["status"]["operationState"] = operation("Succeeded", started=5000)
    assert fired(run, "drift", app) == [False, True]
    words = f"{DRIFT}, or a commit that is not synced yet: Deployment/guestbook"
    assert notification(run, "drift-found", app)["message"] == words


def test_a_chat_is_told_once_of_what_waits_for_somebody_to_sync_it(run: Run) -> None:
    resources = [{"kind": "Deployment", "name": "guestbook", "status": "OutOfSync"}]
    app = application(sync={"status": "OutOfSync", "revision": OTHER}, resources=resources)
    assert not fired(run, "chat", app)[-1], "what syncs itself waits for nobody"
    del app["spec"]["syncPolicy"]
    assert fired(run, "chat", app)[-1]
    words = f"Waits for somebody to sync it to {OTHER[:12]}: Deployment/guestbook"
    assert words in notification(run, "waiting", app)["message"]
    app["status"]["operationState"] = operation("Running")
    assert not fired(run, "chat", app)[-1], "somebody syncs it"
    del app["status"]["operationState"]
    assert fired(run, "chat", app)[-1], "a first release waits, too"
    assert words in notification(run, "waiting", app)["message"]


@pytest.mark.parametrize("end", ["failed timeout after 1m30s", "failed signal: killed"])
def test_a_renderer_that_was_slow_or_killed_is_not_a_fault_of_the_release(run: Run, end: str) -> None:
    message = f"Manifest generation error: failed to execute helm template command: `helm template .` {end}"
    app = application(conditions=[{"type": "ComparisonError", "message": message, "lastTransitionTime": ago(5)}])
    assert not any(fired(run, "unrenderable", app))
