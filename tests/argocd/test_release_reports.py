"""When a release is verified and when it has failed, decided by Argo CD's own engine on made-up Applications."""

from typing import Any

import pytest

from manifests.argocd.triggers import PERMITTED
from tests.argocd.notifications import (
    NEW,
    OLD,
    OTHER,
    Run,
    ago,
    application,
    checked,
    failures,
    fired,
    health,
    notification,
    operation,
    verified,
)


def test_synced_healthy_and_succeeded_is_verified(run: Run) -> None:
    assert verified(run, application())
    assert failures(run) == []


@pytest.mark.parametrize(
    "status",
    [
        {"health": health("Progressing")},
        {"health": health("Degraded")},
        {"sync": {"status": "OutOfSync", "revision": NEW}},
        {"sync": {"status": "Unknown", "revision": "refs/heads/main"}},
        {"operationState": operation("Running", started=10)},
        {"operationState": operation("Failed")},
        # Nothing was ever released here: the chart renders nothing.
        {"resources": []},
        {"operationState": None},
        # The status is from before the sync: an old Healthy is not that of the new revision.
        {"sync": {"status": "Synced", "revision": OLD}, "reconciledAt": ago(101)},
    ],
)
def test_nothing_less_is_verified(run: Run, status: dict[str, Any]) -> None:
    assert not verified(run, application(**status))


def test_a_release_is_verified_although_another_services_commit_came_in_between(run: Run) -> None:
    assert verified(run, application(sync={"status": "Synced", "revision": OTHER}, reconciledAt=ago(20)))


def test_a_release_is_verified_although_drift_was_healed_before_it_was_healthy(run: Run) -> None:
    healing = operation("Succeeded", OTHER, started=30, sync={"autoHealAttemptsCount": 1, "resources": [{"name": "x"}]})
    sync = {"status": "Synced", "revision": OTHER}
    assert verified(run, application(operationState=healing, sync=sync, reconciledAt=ago(20)))


def test_a_later_commit_that_takes_a_failed_one_back_needs_no_sync_and_is_verified(run: Run) -> None:
    app = application(
        operationState=operation("Failed"), sync={"status": "Synced", "revision": OTHER}, reconciledAt=ago(20)
    )
    assert fired(run, "release-verified", app) == [False, True, False]
    assert notification(run, "restored", app)["message"] == f"Synced and Healthy at {OTHER[:12]}, which needed no sync"
    # Before Argo CD has looked again, or where the failed commit is still what is wanted, nothing is known.
    app["status"]["reconciledAt"] = ago(101)
    assert not any(fired(run, "release-verified", app))
    assert not any(fired(run, "release-verified", application(operationState=operation("Failed"))))


def test_an_application_without_a_status_reports_nothing(run: Run) -> None:
    app = application()
    del app["status"], app["metadata"]["annotations"]
    for trigger in ("release-verified", "release-failed", "unrenderable", "drift", "incident", "chat", PERMITTED):
        assert not any(fired(run, trigger, app))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"health": health("Degraded")}, "degraded"),
        ({"health": health("Missing")}, "degraded"),
        ({"operationState": operation("Failed")}, "operation"),
        ({"operationState": operation("Error", syncResult=None)}, "operation"),
        ({"operationState": operation("Running", started=601)}, "running"),
    ],
)
def test_a_bad_release_is_reported_for_one_reason(run: Run, status: dict[str, Any], reason: str) -> None:
    assert failures(run, **status) == [reason]


@pytest.mark.parametrize(
    ("status", "reasons"),
    [
        ({"health": health("Progressing", 690)}, ["health"]),
        ({"health": health("Unknown", 690)}, ["health"]),
        ({"health": health("Degraded", 690)}, ["degraded"]),
        # Bad before the sync and bad still.
        ({"health": health("Degraded", 900)}, ["health"]),
        ({"health": health("Suspended", 690)}, []),
        ({"sync": {"status": "OutOfSync", "revision": NEW}}, ["sync"]),
        ({"sync": {"status": "OutOfSync", "revision": OTHER}}, []),
    ],
)
def test_a_release_that_is_not_verified_by_its_deadline_is_bad(
    run: Run, status: dict[str, Any], reasons: list[str]
) -> None:
    state = operation("Succeeded", started=702)
    assert failures(run, **{"operationState": state, "reconciledAt": ago(600), **status}) == reasons


@pytest.mark.parametrize(
    "status",
    [
        {"health": health("Progressing")},
        # Just after a rollback was synced the health is still that of the bad release.
        {"health": health("Degraded", 101)},
        {"health": health("Degraded", 100)},
        {"operationState": operation("Running", started=500)},
        # Healing drift failed: the release was good.
        {"operationState": operation("Failed", sync={"autoHealAttemptsCount": 1, "resources": [{"name": "x"}]})},
    ],
)
def test_what_is_not_a_failure_of_the_release_is_not_reported(run: Run, status: dict[str, Any]) -> None:
    assert failures(run, **status) == []


def test_a_deployment_may_say_once_more_that_it_is_overdue(run: Run) -> None:
    """Before it sees that a rollback's sync has completed it. That ends in a minute: Argo CD's tool takes seconds."""
    state = operation("Succeeded", started=-60)
    assert failures(run, health=health("Degraded", -62), operationState=state, reconciledAt=ago(-62)) == []


def resource(kind: str, status: str) -> dict[str, Any]:
    return {"kind": kind, "name": "guestbook", "status": "Synced", "health": {"status": status}}


def test_a_suspended_cron_job_is_verified_and_a_paused_deployment_is_overdue(run: Run) -> None:
    at_rest = {"health": health("Suspended", 5000), "operationState": operation("Succeeded", started=5000)}
    job = at_rest | {"reconciledAt": ago(10), "resources": [resource("CronJob", "Suspended")]}
    assert verified(run, application(**job))
    assert failures(run, **job) == []
    paused = at_rest | {"reconciledAt": ago(10), "resources": [resource("Deployment", "Suspended")]}
    assert not verified(run, application(**paused))
    assert failures(run, **paused) == ["health"]


def test_healing_does_not_start_the_deadline_anew(run: Run) -> None:
    status = {"health": health("Progressing"), "operationState": operation("Succeeded", started=10)}
    assert failures(run, **status) == []
    first = [{"id": 1, "revision": NEW, "deployedAt": ago(700)}]
    assert failures(run, **status, history=first) == ["health"]


def test_a_release_is_verified_once_it_has_stayed_healthy_for_its_soak_time(run: Run) -> None:
    app = application()
    app["metadata"]["annotations"]["slipway.dev/soak"] = "300"
    assert not verified(run, app)
    later = application(health=health("Healthy", 400), operationState=operation("Succeeded", started=410))
    later["metadata"]["annotations"]["slipway.dev/soak"] = "300"
    later["status"]["reconciledAt"] = ago(100)
    assert verified(run, later)
    crashed = {"health": health("Degraded", 20), "operationState": operation("Succeeded", started=410)}
    assert failures(run, **crashed, reconciledAt=ago(10)) == ["degraded"]


@pytest.mark.parametrize(
    "message",
    [
        'failed calling webhook "validate.kyverno.svc": connect: connection refused',
        "Get https://10.0.0.1:443/api: net/http: TLS handshake timeout",
    ],
)
def test_a_webhook_that_does_not_answer_is_the_release_s_fault_only_after_the_deadline(run: Run, message: str) -> None:
    assert failures(run, operationState=operation("Failed", message=message)) == []
    assert failures(run, operationState=operation("Failed", started=700, message=message)) == ["operation"]
    assert failures(run, operationState=operation("Failed", message="field is immutable")) == ["operation"]


def test_a_failed_check_is_reported_before_argo_cd_tries_it_again(run: Run) -> None:
    """As it tries a sync again; meanwhile the release would serve users."""
    assert failures(run, operationState=checked("Running", between=True)) == ["operation"]
    assert failures(run, operationState=checked("Running", between=False)) == []
    assert failures(run, operationState=checked("Failed", between=True)) == ["operation"]
    assert failures(run, operationState=checked("Running", between=True, hook="PreSync")) == []
    late = checked("Running", between=True) | {"startedAt": ago(601)}
    assert failures(run, operationState=late) == ["operation"]
