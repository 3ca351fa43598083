"""What commands print is whole in a terminal of 80 columns."""

import io
import re
import subprocess
from typing import Any
from unittest.mock import create_autospec

import pytest
from rich.console import Console, RenderableType

from sandbox.applications import wait_for_applications
from sandbox.cluster import Cluster
from sandbox.errors import SandboxError
from sandbox.pulumi import changes
from sandbox.pulumi.events import Step
from sandbox.released import Released
from sandbox.status import ServiceStatus, document_of, table
from tests.docs.markdown import ROOT

COLUMNS = 80
PLACES: dict[str, Any] = {
    "slipwayVersion": "0.2.0",
    "running": {"kubernetes": True},
    "kubeconfig": ".sandbox/kubeconfig",
    "githubUrl": "http://10.201.0.1:3000/",
    "credentials": ".sandbox/credentials.json",
    "argocd": {"url": "http://10.201.0.2:30080"},
    "repositories": [],
    "pullRequests": [],
}


def shown(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=COLUMNS)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def state(production: str) -> dict[str, Any]:
    """Of one service, whose production runs on a cluster."""
    common = {"environment": "production", "cluster": production, "sync": "OutOfSync", "health": "Progressing"}
    service = ServiceStatus(service="guestbook", drift=True, problem="", release=Released("1.2.3"), **common)
    infrastructure = {"name": "infrastructure-production", "problem": "", "environment": "dev", "cluster": "in-cluster"}
    return {**PLACES, "services": [document_of(service)], "infrastructure": [common | infrastructure]}


def test_status_names_each_environment_and_no_cluster_where_there_is_one() -> None:
    said = shown(table(state("in-cluster")))
    assert "guestbook       production   1.2.3    OutOfSync  Progressing  drift" in said
    assert "infrastructure  dev" in said
    assert "in-cluster" not in said


def test_status_names_each_pull_request_that_runs() -> None:
    found = state("in-cluster")
    common = {"service": "guestbook", "cluster": "in-cluster", "sync": "Synced", "problem": ""}
    found["pullRequests"] = [common | {"number": 1, "health": "Healthy"}, common | {"number": 12, "health": "Degraded"}]
    said = shown(table(found))
    assert re.search(r"guestbook +pull request 1 +Synced +Healthy", said)
    assert re.search(r"guestbook +pull request 12 +Synced +Degraded", said)


def test_up_waits_for_no_pull_request_and_for_everything_else() -> None:
    def applied(name: str, health: str, **labels: str) -> dict[str, Any]:
        status = {"sync": {"status": "Synced"}, "health": {"status": health}}
        named = {f"slipway.dev/{key}": value for key, value in labels.items()}
        automated = {"syncPolicy": {"automated": {}}, "destination": {"namespace": name}}
        return {"metadata": {"name": name, "labels": named}, "spec": automated, "status": status}

    broken = applied("guestbook-pr-7", "Degraded", service="guestbook")
    good = applied("guestbook-dev", "Healthy", service="guestbook", environment="dev")
    cluster = create_autospec(Cluster, instance=True)
    cluster.applications.return_value = [broken, good, applied("infrastructure-dev", "Healthy", environment="dev")]
    found = wait_for_applications(cluster, lambda _text: None, 0)
    assert [one.name for one in found] == ["guestbook-dev", "infrastructure-dev"]
    cluster.applications.return_value = [broken, applied("guestbook-dev", "Degraded", service="g", environment="dev")]
    with pytest.raises(SandboxError, match="guestbook-dev Synced/Degraded"):
        wait_for_applications(cluster, lambda _text: None, 0)


def test_status_names_the_clusters_where_there_are_two() -> None:
    said = shown(table(state("second")))
    assert "second" in said
    assert "in-cluster" in said
    assert "…" not in said


@pytest.mark.parametrize(
    ("running", "said"),
    [
        ({"kubernetes": True, "github": True}, "The platform is not made yet"),
        ({"kubernetes": False, "github": True}, "Kubernetes does not answer: what runs is not known. `make up`"),
        ({"kubernetes": True, "github": False}, "GitHub does not answer: which versions are wanted"),
    ],
)
def test_status_says_what_is_not_known_and_what_to_do(running: dict[str, bool], said: str) -> None:
    assert said in shown(table({**PLACES, "running": running, "services": [], "infrastructure": []}))
    assert "not known" not in shown(table(state("in-cluster")))


def test_status_says_what_became_of_a_release() -> None:
    found = state("in-cluster")
    release = Released(
        version="1.2.3",
        verified=True,
        taken_back="1.3.0",
        held=["1.3.0"],
        waits="http://10.201.0.1:3000/acme/environments/pull/7",
        frozen="the shop's big day",
    )
    service = ServiceStatus("guestbook", "production", "in-cluster", "OutOfSync", "Progressing", True, "", release)
    found["services"] = [document_of(service)]
    said = shown(table(found))
    assert "1.2.3 ✓  OutOfSync  Progressing  drift, 1.3.0 taken" in said
    notes = " ".join(line[56:].strip() for line in said.splitlines())
    assert "drift, 1.3.0 taken back, 1.3.0 on hold, pull request 7 waits, frozen" in " ".join(notes.split())


def test_a_preview_names_each_resource_in_full() -> None:
    names = [f"{one}-pull-secrets-of-a-service-with-a-long-name" for one in ("dev", "staging")]
    kind = "kubernetes:core/v1:Namespace"
    paths = [f'metadata.annotations["pulumi.com/{one}"]' for one in range(3)]
    steps = [Step("update", f"urn:pulumi:s::p::{kind}::{name}", tuple(paths)) for name in names]
    said = shown(changes.table(steps))
    assert all(name[-12:] in said and name[:12] in said for name in names)
    assert "Namespace" in said
    assert "…" not in said


def test_make_help_fits_a_terminal_and_has_every_target() -> None:
    ran = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line for line in ran.stdout.splitlines() if len(line) > COLUMNS] == []
    targets = [line.split()[1] for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:")]
    listed = [line.split()[0] for line in ran.stdout.splitlines() if line.startswith("  ") and line[2] != " "]
    assert sorted(listed) == sorted(set(targets) - {"help"})
