"""When Argo CD reports a release and in which words, decided by Argo CD's own engine on made-up Applications."""

import copy
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.argocd.notifications import GITHUB_KEY, NOTIFICATIONS_SECRET, SLACK_KEY, notification_values
from manifests.argocd.triggers import PERMITTED, PERMITTED_KEY
from slipway_release.ledger import DRIFT, INCIDENT
from tests.argocd.example import settings
from tests.argocd.rendering import KubernetesObject

NEW, OLD, OTHER = "a" * 40, "b" * 40, "c" * 40
MEMORY = "notified.notifications.argoproj.io"
GONE_WRONG = {
    "kind": "Deployment",
    "name": "guestbook",
    "status": "Synced",
    "health": {"status": "Degraded", "message": 'Deployment "guestbook" exceeded its\n progress deadline'},
}

Run = Callable[..., str]


def ago(seconds: int) -> str:
    """A time that is filled in when it is used: parameters of tests are made long before."""
    return f"{seconds} s ago"


def _filled_in(text: str) -> str:
    def time(found: re.Match[str]) -> str:
        return (datetime.now(UTC) - timedelta(seconds=int(found[1]))).strftime("%Y-%m-%dT%H:%M:%SZ")

    return re.sub(r"(\d+) s ago", time, text)


def application(**status: Any) -> KubernetesObject:
    """An Application whose release NEW was synced 100 seconds ago and is Healthy; `status` replaces parts of it."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": "guestbook-dev",
            "namespace": "argocd",
            "labels": {"slipway.dev/service": "guestbook", "slipway.dev/environment": "dev"},
            "annotations": {
                "slipway.dev/verification-deadline": "600",
                "slipway.dev/url": "https://dev.example.com",
                MEMORY: json.dumps({PERMITTED_KEY: 0}),
            },
        },
        "spec": {
            "project": "dev",
            "source": {"repoURL": "https://github.com/acme/environments.git", "targetRevision": "refs/heads/main"},
            "syncPolicy": {"automated": {"selfHeal": True}},
        },
        "status": {
            "reconciledAt": ago(98),
            "sync": {"status": "Synced", "revision": NEW},
            "health": {"status": "Healthy", "lastTransitionTime": ago(95)},
            "resources": [
                {"kind": "Deployment", "name": "guestbook", "status": "Synced", "health": {"status": "Healthy"}}
            ],
            "operationState": operation("Succeeded"),
            **status,
        },
    }


def operation(phase: str, revision: str = NEW, *, started: int = 100, **more: Any) -> dict[str, Any]:
    finished = {} if phase == "Running" else {"finishedAt": ago(started - 1)}
    sync = {"revision": revision, **more.pop("sync", {})}
    state = {"phase": phase, "startedAt": ago(started), **finished, "operation": {"sync": sync}}
    return {**state, "syncResult": {"revision": revision}, **more}


def health(status: str, seconds: int = 50) -> dict[str, str]:
    return {"status": status, "lastTransitionTime": ago(seconds)}


@pytest.fixture(scope="session")
def run(argocd: Path, no_cluster: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command of `argocd admin notifications` with the platform's configuration."""
    folder = tmp_path_factory.mktemp("notifications")
    chat = {"slackChannel": "#releases", "webhookUrl": "https://hooks.example.com/"}
    services = [
        {"name": "guestbook", "template": "python-web", "team": "web"},
        {"name": "clock", "repository": "wall-clock", "template": "python-web", "team": "web"},
    ]
    argocd_settings = {"url": "https://cd.example.com"}
    values = notification_values(settings(notifications=chat, argocd=argocd_settings, services=services))
    key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, text=True, check=True).stdout
    data = {**values["notifiers"], **values["templates"], **values["triggers"]}
    # What a person reads on Slack, shown on the console as the other templates are.
    data["template.degraded-on-slack"] = data["template.degraded"].replace(
        '.serviceType "slack"', '.serviceType "console"'
    )
    data["context"] = f"argocdUrl: {values['argocdUrl']}"
    data["subscriptions"] = yaml.safe_dump(values["subscriptions"])
    documents = {
        "configuration": ("ConfigMap", "argocd-notifications-cm", {"data": data}),
        "secret": ("Secret", NOTIFICATIONS_SECRET, {"stringData": {GITHUB_KEY: key, SLACK_KEY: "token"}}),
    }
    for file, (kind, name, content) in documents.items():
        document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "argocd"}, **content}
        (folder / file).write_text(json.dumps(document))

    def ran(what: str, verb: str, name: str, app: KubernetesObject) -> str:
        file = folder / "application.json"
        file.write_text(_filled_in(json.dumps(app)))
        command: list[str | Path] = [argocd, "admin", "notifications", what, verb, name, file, "--logformat", "text"]
        command += ["--config-map", folder / "configuration", "--secret", folder / "secret"]
        ran = subprocess.run(command, env=no_cluster, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert "failed to execute" not in ran.stderr, ran.stderr
        return ran.stdout

    return ran


def fired(run: Run, trigger: str, app: KubernetesObject) -> list[bool]:
    """Whether each condition of the trigger holds."""
    said = run("trigger", "run", trigger, app)
    return [line.endswith("true") for line in said.splitlines() if line.endswith(("  true", "  false"))]


def failures(run: Run, **status: Any) -> list[str]:
    """The reasons for which a failure is reported."""
    reasons = ["degraded", "operation", "health", "sync", "running"]
    return [
        reason
        for reason, yes in zip(reasons, fired(run, "release-failed", application(**status))[:-1], strict=True)
        if yes
    ]


def verified(run: Run, app: KubernetesObject) -> bool:
    return fired(run, "release-verified", app)[0]


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
def test_what_is_no_failure_of_the_release_is_not_reported(run: Run, status: dict[str, Any]) -> None:
    assert failures(run, **status) == []


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


BLOCKED = "Sync operation blocked by sync window"
"""Argo CD's words, from 3.0 to 3.5; the operation stays Running."""


def windowed(app: KubernetesObject, *, permitted: int | None = 100_000) -> KubernetesObject:
    """Of an environment with sync windows; `permitted` seconds ago the last one that held it up was over."""
    annotations = app["metadata"]["annotations"]
    annotations |= {"slipway.dev/sync-windows": "denied for 58h from 0 22 * * 5 (UTC), by hand too", MEMORY: "{}"}
    return app if permitted is None else remembering(app, PERMITTED_KEY, sent=permitted)


def late(run: Run, app: KubernetesObject) -> bool:
    return any(fired(run, "release-failed", app)[:-1])


def permitted(run: Run, app: KubernetesObject) -> bool:
    return fired(run, PERMITTED, app) == [True]


def test_a_sync_that_a_window_interrupts_is_late_only_by_what_it_was_permitted(run: Run) -> None:
    running = operation("Running", started=200_000, message="waiting for healthy state of apps/Deployment/guestbook")
    resumed = application(operationState=running)
    held = application(operationState=running | {"message": BLOCKED})
    assert not permitted(run, held), "the engine forgets since when syncs were permitted"
    assert not late(run, windowed(held))
    assert permitted(run, windowed(resumed)), "the window is over"
    assert not late(run, windowed(resumed, permitted=None)), "the engine has not noted yet that the window is over"
    assert not late(run, windowed(resumed, permitted=590))
    assert late(run, windowed(resumed, permitted=610))


def test_an_invalid_window_made_by_hand_holds_a_sync_up_as_well(run: Run) -> None:
    words = f"{BLOCKED}: invalid sync windows: cannot parse schedule '@daily'"
    assert not permitted(run, application(operationState=operation("Running", message=words)))


def test_a_cluster_that_does_not_answer_after_a_window_has_the_whole_deadline(run: Run) -> None:
    failed = operation("Failed", started=200_000, message="failed calling webhook: connection refused")
    app = application(operationState=failed)
    assert not late(run, windowed(app, permitted=590))
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
    assert not late(run, windowed(healed, permitted=590))
    assert late(run, windowed(healed, permitted=650))
    healed["status"]["reconciledAt"] = ago(11)
    assert not late(run, windowed(healed, permitted=650)), "it was compared before Argo CD healed it"


def test_a_deployment_may_say_once_more_that_it_is_overdue(run: Run) -> None:
    """Before it sees that a rollback's sync has completed it."""
    state = operation("Succeeded", started=2)
    assert failures(run, health=health("Degraded", 0), operationState=state, reconciledAt=ago(0)) == []


def remembering(app: KubernetesObject, *keys: str, sent: int = 40) -> KubernetesObject:
    changed = copy.deepcopy(app)
    annotations = changed["metadata"]["annotations"]
    now = int(datetime.now(UTC).timestamp())
    annotations[MEMORY] = json.dumps(json.loads(annotations[MEMORY]) | dict.fromkeys(keys, now - sent))
    return changed


def test_a_report_that_is_out_gets_a_receipt_and_is_not_repeated(run: Run) -> None:
    out = "release-verified:[0].hash:github:"
    assert fired(run, "release-verified", application()) == [True, False, False]
    assert fired(run, "release-verified", remembering(application(), out)) == [True, False, True]
    receipt = f"{NEW}:release-verified:[2].hash:github:"
    assert fired(run, "release-verified", remembering(application(), out, receipt))[0] is False
    assert fired(run, "release-verified", remembering(application(), receipt)) == [False, False, False]
    # Another revision's receipt says nothing of this one.
    assert fired(run, "release-verified", remembering(application(), receipt.replace(NEW, OLD))) == [True, False, False]


def test_a_report_of_an_earlier_release_without_receipt_is_not_taken_for_this_ones(run: Run) -> None:
    """The condition turns false once, so that the engine forgets the report, and is reported then."""
    out = "release-verified:[0].hash:github:"
    assert fired(run, "release-verified", remembering(application(), out, sent=200)) == [False, False, False]


def test_the_receipt_is_kept_apart_from_what_a_chat_was_told(run: Run) -> None:
    told = "release-verified:[0].hash:slack:releases"
    assert fired(run, "release-verified", remembering(application(), told)) == [True, False, False]


def test_a_verified_release_cannot_fail_any_more(run: Run) -> None:
    bad = application(health=health("Degraded"))
    assert any(fired(run, "release-failed", bad))
    assert not any(fired(run, "release-failed", remembering(bad, f"{NEW}:release-verified:[2].hash:github:")))


@pytest.mark.parametrize(
    ("status", "is_incident"),
    [
        ({"health": health("Degraded", 1)}, True),
        ({"health": health("Progressing", 601)}, True),
        # A pod that starts again is none.
        ({"health": health("Progressing", 20), "operationState": operation("Succeeded", started=5000)}, False),
        ({"operationState": operation("Succeeded", started=5000)}, False),
    ],
)
def test_what_breaks_after_a_release_was_verified_is_an_incident_and_takes_nothing_back(
    run: Run, status: dict[str, Any], is_incident: bool
) -> None:
    resources = [{**GONE_WRONG, "health": {"status": "Progressing", "message": "0 of 1 are available"}}]
    app = application(**status, resources=resources)
    assert not any(fired(run, "incident", app)), "a release that was not verified is a failure"
    app = remembering(app, f"{NEW}:release-verified:[2].hash:github:")
    assert fired(run, "incident", app) == [is_incident]
    assert fired(run, "chat", app).count(True) == is_incident
    assert not any(fired(run, "release-failed", app))
    said = notification(run, "incident", app)
    words = f"{INCIDENT} in a verified release, nothing is rolled back: {app['status']['health']['status']}: "
    assert said["message"] == f"{words}Deployment/guestbook: 0 of 1 are available"
    assert said["github"]["deployment"]["state"] == "success"
    assert said["webhook"]["events"]["body"].startswith('{"event": "incident", "state": "failure"')


def test_one_failure_of_a_revision_is_reported(run: Run) -> None:
    bad = application(operationState=operation("Failed"))
    assert not any(fired(run, "release-failed", remembering(bad, f"{NEW}:release-failed:[5].hash:github:")))


def comparison(message: str, seconds: int = 10) -> dict[str, Any]:
    condition = {"type": "ComparisonError", "message": message, "lastTransitionTime": ago(seconds)}
    return {"conditions": [condition], "sync": {"status": "Unknown", "revision": "refs/heads/main"}}


RENDERING = (
    "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = "
    "Manifest generation error (cached): failed to execute helm template command: failed running helm: "
    "`helm template . --name-template guestbook <api versions removed>` failed exit status 1: Error: values don't "
    "meet the schema"
)
UNREACHABLE = "Failed to load target state: rpc error: code = Unavailable desc = connection refused"


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


def test_a_release_that_argocd_takes_for_healing_is_no_drift(run: Run) -> None:
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


def checked(phase: str, between: bool, hook: str = "PostSync") -> dict[str, Any]:
    """An operation whose checks have failed; `between` two tries of it."""
    failed = [
        {"kind": "Job", "name": name, "hookType": hook, "hookPhase": "Failed", "message": "reached its backoff limit"}
        for name in ("migrations", "guestbook-check-answers-0a1b2c3")
    ]
    state = operation(phase, syncResult={"revision": NEW, "resources": failed})
    return state | ({"finishedAt": ago(1)} if between else {})


def test_a_failed_check_is_reported_before_argo_cd_tries_it_again(run: Run) -> None:
    """As it tries a sync again; meanwhile the release would serve users."""
    assert failures(run, operationState=checked("Running", between=True)) == ["operation"]
    assert failures(run, operationState=checked("Running", between=False)) == []
    assert failures(run, operationState=checked("Failed", between=True)) == ["operation"]
    assert failures(run, operationState=checked("Running", between=True, hook="PreSync")) == []
    late = checked("Running", between=True) | {"startedAt": ago(601)}
    assert failures(run, operationState=late) == ["operation"]


@pytest.mark.parametrize("end", ["failed timeout after 1m30s", "failed signal: killed"])
def test_a_renderer_that_was_slow_or_killed_is_no_fault_of_the_release(run: Run, end: str) -> None:
    message = f"Manifest generation error: failed to execute helm template command: `helm template .` {end}"
    app = application(conditions=[{"type": "ComparisonError", "message": message, "lastTransitionTime": ago(5)}])
    assert not any(fired(run, "unrenderable", app))


def notification(run: Run, template: str, app: KubernetesObject) -> dict[str, Any]:
    return yaml.safe_load(run("template", "notify", template, app))


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


def test_a_receipt_asks_github_for_nothing(run: Run) -> None:
    said = notification(run, "receipt", application())
    assert set(said["github"]) == {"repoURLPath", "revisionPath"}


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


def test_infrastructure_is_no_release() -> None:
    subscriptions = notification_values(settings())["subscriptions"]
    assert [subscription["selector"] for subscription in subscriptions] == [
        "slipway.dev/service,slipway.dev/environment"
    ]
