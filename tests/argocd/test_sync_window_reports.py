"""A release is not late for the time in which a sync window holds it up, as Argo CD's own engine sees it."""

import pytest

from manifests.argocd.triggers import PERMITTED
from tests.argocd.notifications import (
    NEW,
    OLD,
    OTHER,
    Run,
    ago,
    application,
    fired,
    notification,
    operation,
    remembering,
    windowed,
)
from tests.argocd.rendering import KubernetesObject

BLOCKED = "Sync operation blocked by sync window"
"""Argo CD's words, from 3.0 to 3.5; the operation stays Running."""


def late(run: Run, app: KubernetesObject) -> bool:
    return any(fired(run, "release-failed", app)[:-1])


def permitted(run: Run, app: KubernetesObject) -> bool:
    return fired(run, PERMITTED, app) == [True]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_release_that_waits_for_a_sync_window_is_not_late(run: Run, phase: str) -> None:
    """Argo CD starts no operation: the last one is of the revision before, whose report is out."""
    earlier = operation(phase, OLD, started=5000)
    app = application(operationState=earlier, sync={"status": "OutOfSync", "revision": NEW}, reconciledAt=ago(5))
    trigger = {"Succeeded": "release-verified", "Failed": "release-failed"}[phase]
    app = remembering(app, f"{trigger}:[0].hash:github:", f"{OLD}:{trigger}:[2].hash:github:", sent=4000)
    for reports in ("release-failed", "release-verified"):
        # The last condition is the receipt of the report that is out.
        assert not any(fired(run, reports, app)[:-1])


def test_a_sync_that_a_window_interrupts_is_late_only_by_what_it_was_permitted(run: Run) -> None:
    running = operation("Running", started=200_000, message="waiting for healthy state of apps/Deployment/guestbook")
    resumed = application(operationState=running)
    held = application(operationState=running | {"message": BLOCKED})
    assert not permitted(run, held), "the engine forgets since when syncs were permitted"
    assert not late(run, windowed(held))
    assert permitted(run, windowed(resumed)), "the window is over"
    assert not late(run, windowed(resumed, permitted=None)), "the engine has not noted yet that the window is over"
    assert not late(run, windowed(resumed, permitted=500))
    assert late(run, windowed(resumed, permitted=610))


def test_an_invalid_window_made_by_hand_holds_a_sync_up_as_well(run: Run) -> None:
    words = f"{BLOCKED}: invalid sync windows: cannot parse schedule '@daily'"
    assert not permitted(run, application(operationState=operation("Running", message=words)))


def test_a_cluster_that_does_not_answer_after_a_window_has_the_whole_deadline(run: Run) -> None:
    failed = operation("Failed", started=200_000, message="failed calling webhook: connection refused")
    app = application(operationState=failed)
    assert not late(run, windowed(app, permitted=500))
    assert late(run, windowed(app, permitted=610))


def test_drift_that_a_window_forbids_to_heal_is_not_late(run: Run) -> None:
    """It was synced 5000 seconds ago and is not verified; Argo CD starts no operation and says nothing."""
    history = [{"id": 1, "revision": NEW, "deployedAt": ago(5000)}]
    drifted = {"sync": {"status": "OutOfSync", "revision": NEW}, "history": history, "reconciledAt": ago(1)}
    idle = application(**drifted, operationState=operation("Succeeded", started=4900))
    assert late(run, idle), "without windows it is"
    assert not permitted(run, windowed(idle))
    assert not late(run, windowed(idle))
    assert not late(run, windowed(idle, permitted=None))
    # The window is over: Argo CD heals, and something changes it again and again.
    healing = operation("Succeeded", started=10, sync={"autoHealAttemptsCount": 3, "resources": [{"name": "x"}]})
    healed = application(**drifted, operationState=healing)
    assert permitted(run, windowed(healed))
    assert not late(run, windowed(healed, permitted=500))
    assert late(run, windowed(healed, permitted=650))
    healed["status"]["reconciledAt"] = ago(11)
    assert not late(run, windowed(healed, permitted=650)), "it was compared before Argo CD healed it"


def test_a_chat_is_told_once_of_what_a_sync_window_may_hold_up(run: Run) -> None:
    """Argo CD itself only logs that it does not sync."""
    resources = [{"kind": "Deployment", "name": "guestbook", "status": "OutOfSync"}]
    app = windowed(application(sync={"status": "OutOfSync", "revision": OTHER}, resources=resources))
    assert fired(run, "chat", app)[-1]
    windows = "Deployment/guestbook; syncs are denied for 58h from 0 22 * * 5 (UTC), by hand too"
    assert f"Argo CD may not sync it yet to {OTHER[:12]}: {windows}" in notification(run, "waiting", app)["message"]
    assert not fired(run, "chat", app | {"operation": {"sync": {"revision": OTHER}}})[-1], "Argo CD begins"
    del app["spec"]["syncPolicy"]
    assert f"Waits for somebody to sync it to {OTHER[:12]}: {windows}" in notification(run, "waiting", app)["message"]
