"""Argo CD's own engine of notifications, asked about made-up Applications."""

import copy
import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from manifests.argocd.notifications import GITHUB_KEY, NOTIFICATIONS_SECRET, SLACK_KEY, notification_values
from manifests.argocd.triggers import PERMITTED_KEY
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
    """A time that is filled in when it is used: parameters of tests are made long before. It may be yet to come."""
    return f"{seconds} s ago"


def _filled_in(text: str) -> str:
    now = datetime.now(UTC)

    def time(found: re.Match[str]) -> str:
        return (now - timedelta(seconds=int(found[1]))).strftime("%Y-%m-%dT%H:%M:%SZ")

    return re.sub(r"(-?\d+) s ago", time, text)


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


def notifications_command(argocd: Path, environment: dict[str, str], folder: Path) -> Run:
    """Runs commands of `argocd admin notifications` with the platform's configuration, which is written to a folder."""
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
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
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


def remembering(app: KubernetesObject, *keys: str, sent: int = 40) -> KubernetesObject:
    changed = copy.deepcopy(app)
    annotations = changed["metadata"]["annotations"]
    now = int(datetime.now(UTC).timestamp())
    annotations[MEMORY] = json.dumps(json.loads(annotations[MEMORY]) | dict.fromkeys(keys, now - sent))
    return changed


def windowed(app: KubernetesObject, *, permitted: int | None = 100_000) -> KubernetesObject:
    """Of an environment with sync windows; `permitted` seconds ago the last one that held it up was over."""
    annotations = app["metadata"]["annotations"]
    annotations |= {"slipway.dev/sync-windows": "denied for 58h from 0 22 * * 5 (UTC), by hand too", MEMORY: "{}"}
    return app if permitted is None else remembering(app, PERMITTED_KEY, sent=permitted)


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


def checked(phase: str, between: bool, hook: str = "PostSync") -> dict[str, Any]:
    """An operation whose checks have failed; `between` two tries of it."""
    failed = [
        {"kind": "Job", "name": name, "hookType": hook, "hookPhase": "Failed", "message": "reached its backoff limit"}
        for name in ("migrations", "guestbook-check-answers-0a1b2c3")
    ]
    state = operation(phase, syncResult={"revision": NEW, "resources": failed})
    return state | ({"finishedAt": ago(1)} if between else {})


def notification(run: Run, template: str, app: KubernetesObject) -> dict[str, Any]:
    return yaml.safe_load(run("template", "notify", template, app))
