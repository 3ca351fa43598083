"""Health that Argo CD is taught: the real `argocd` judges an object with the script as the chart's values carry it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from manifests.argocd.values import helm_values
from tests.argocd.example import settings


@pytest.fixture
def health(argocd: Path, no_cluster: dict[str, str], tmp_path: Path) -> Any:
    """Judges an object: its health and the message."""
    data = helm_values(settings())["configs"]["cm"]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}},
        "data": {key: str(value) for key, value in data.items()},
    }
    (tmp_path / "argocd-cm.yaml").write_text(json.dumps(config))

    def judged(item: dict[str, Any]) -> str:
        (tmp_path / "object.yaml").write_text(json.dumps(item))
        command = [argocd, "admin", "settings", "resource-overrides", "health", tmp_path / "object.yaml"]
        command += ["--argocd-cm-path", tmp_path / "argocd-cm.yaml"]
        ran = subprocess.run(command, env=no_cluster, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return judged


def ingress(address: bool, **annotations: str) -> dict[str, Any]:
    metadata = {"name": "a", "annotations": {f"slipway.dev/{key}": value for key, value in annotations.items()}}
    balancer = {"ingress": [{"ip": "192.0.2.1"}]} if address else {}
    item = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata}
    return item | {"status": {"loadBalancer": balancer}}


def service(kind: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": kind}}


def deployment(condition: dict[str, str] | None = None, **status: int) -> dict[str, Any]:
    counts = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, **status}
    exceeded = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    conditions = [condition, exceeded] if condition else []
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a", "generation": 2},
        "spec": {"replicas": 2},
        "status": {**counts, "conditions": conditions},
    }


def test_an_ingress_is_good_with_an_address_or_where_none_is_expected(health: Any) -> None:
    assert "Healthy" in health(ingress(address=True))
    assert "Healthy" in health(ingress(address=False, **{"wait-for-address": "false"}))
    assert "Healthy" in health(ingress(address=False, **{"wait-for-address": "False"}))
    waiting = health(ingress(address=False))
    assert "Progressing" in waiting
    assert "has no address" in waiting


def test_a_service_waits_for_an_address_only_where_it_balances_load(health: Any) -> None:
    assert "Healthy" in health(service("ClusterIP"))
    assert "has no address" in health(service("LoadBalancer"))


def test_a_rollout_that_a_quota_stops_says_so(health: Any) -> None:
    message = 'pods "a-1" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2'
    full = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    said = health(deployment(full, updatedReplicas=0))
    assert "Degraded" in said
    assert f"MESSAGE: {message}; " in said


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        ({}, {}),
        ({"suspend": True}, {}),
        ({}, {"lastScheduleTime": "2026-01-02T00:00:00Z"}),
        ({}, {"lastScheduleTime": "2026-01-02T00:00:00Z", "lastSuccessfulTime": "2026-01-01T00:00:00Z"}),
        ({}, {"lastScheduleTime": "2026-01-02T00:00:00Z", "lastSuccessfulTime": "2026-01-02T00:01:00Z"}),
    ],
)
def test_a_failed_run_of_a_cron_job_is_not_a_fault_of_a_release(
    health: Any, spec: dict[str, bool], status: dict[str, str]
) -> None:
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}, "spec": spec, "status": status}
    assert "Healthy" in health(job)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, "Healthy"),
        ({"updatedReplicas": 1}, "1 out of 2 new replicas"),
        ({"replicas": 3}, "1 old replicas are pending"),
        ({"availableReplicas": 1}, "1 of 2 updated replicas"),
        ({"observedGeneration": 1}, "observed deployment generation less"),
    ],
)
def test_a_rollout_is_judged_as_argocd_does_it(health: Any, status: dict[str, int], words: str) -> None:
    assert words in health(deployment(None, **status))


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("ScalingActive", "FailedGetResourceMetric", "Progressing"),
        ("ScalingActive", "FailedGetExternalMetric", "Progressing"),
        ("AbleToScale", "FailedUpdateScale", "Progressing"),
        ("ScalingActive", "InvalidSelector", "Degraded"),
        ("ScalingActive", "ScalingDisabled", "Healthy"),
        (None, "", "Waiting to Autoscale"),
    ],
)
def test_an_autoscaler_that_has_no_metrics_yet_takes_no_release_back(
    health: Any, kind: str | None, reason: str, words: str
) -> None:
    able = {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale"}
    failing = {"type": kind, "status": "False", "reason": reason, "message": "no metrics returned"}
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "a"}}
    status = {"currentReplicas": 2, "conditions": [able, failing] if kind != "AbleToScale" else [failing]}
    said = health(scaler | {"status": status if kind else {}})
    assert words in said
    assert (words == "Healthy") is ("no metrics" not in said and kind is not None)
