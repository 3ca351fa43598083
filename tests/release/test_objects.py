"""What Kubernetes would refuse, or Argo CD would not heed, is said before it is merged."""

from typing import Any

import pytest
import yaml

from slipway_release.validation import objects


def told(text: str) -> list[str]:
    return list(objects.check(yaml.safe_load(text)))


def workload(kind: str = "Deployment", container: dict[str, Any] | None = None, **pod: Any) -> dict[str, Any]:
    """A workload that violates nothing but what it is given."""
    containers = [{"name": "web", "image": "x", **(container or {})}]
    own = {"containers": containers, **({"restartPolicy": "Never"} if kind in {"Job", "CronJob"} else {}), **pod}
    spec: dict[str, Any] = {"template": {"spec": own}}
    if kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    group = "batch" if kind in {"Job", "CronJob"} else "apps"
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{apiVersion: batch/v1beta1, kind: CronJob}", "use batch/v1"),
        ("{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler}", "use autoscaling/v2"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {labels: {version: 1.0+b}}}", "'1.0+b' is not a value"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {labels: {a b: c}}}", "labels: 'a b' is not a key"),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {annotations: {a/b/c: d}}}", "annotations: 'a/b/c' is not a key"),
        ("{apiVersion: v1, kind: ConfigMap, data: {a/b: c}}", "'a/b' is not a key"),
        (f"{{apiVersion: v1, kind: ConfigMap, data: {{a: {'x' * 1_048_577}}}}}", "at most 1,048,576"),
        ("{apiVersion: v1, kind: Service, metadata: {name: a.b}, spec: {ports: [{port: 80}]}}", "a DNS label"),
        ("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {selector: {}}}", "spec.ports is empty"),
        ("{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}, {port: 81}]}}", "one without a name"),
        ("{apiVersion: v1, kind: Service, spec: {ports: [{port: '80'}]}}", "port '80' is not a port"),
        ("{apiVersion: v1, kind: X, metadata: {annotations: {argocd.argoproj.io/hook: presync}}}", "'presync'"),
        ("{apiVersion: v1, kind: X, metadata: {annotations: {argocd.argoproj.io/sync-wave: first}}}", "takes 0"),
        (
            "{apiVersion: v1, kind: X, metadata: {annotations: {argocd.argoproj.io/hook-delete-policy: hook-failed}}}",
            "does not know 'hook-failed'",
        ),
    ],
)
def test_what_would_fail_or_have_no_effect_is_named(text: str, said: str) -> None:
    (found,) = told(text)
    assert said in found


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (workload(container={"name": "My_C"}), "no name that Kubernetes takes"),
        (workload(initContainers=[{"name": "web"}]), "is there 2 times"),
        (workload(container={"ports": [{"containerPort": "8080"}]}), "without quotes"),
        (workload(container={"ports": [{"containerPort": 80800}]}), "from 1 to 65535"),
        (workload(restartPolicy="OnFailure"), "restart always"),
        (workload("Job", restartPolicy="Always"), "use Never or OnFailure"),
        (workload("CronJob", restartPolicy=None), "use Never or OnFailure"),
        (workload(container={"resources": {"limits": {"memory": "128MB"}}}), "is not a quantity"),
        (workload(container={"resources": {"limits": {"cpu": "-1"}}}), "is not a quantity"),
        (workload(container={"resources": {"requests": {"cpu": 2}, "limits": {"cpu": "1500m"}}}), "at most its limit"),
        (workload(container={"resources": {"limits": {"nvidia.com/gpu": "500m"}}}), "use a whole number"),
        (workload(container={"resources": {"requests": {"nvidia.com/gpu": 1}}}), "limits.nvidia.com/gpu is missing"),
        ({**workload(), "spec": {"replicas": "2", **workload()["spec"]}}, "'2' is not a whole number"),
    ],
)
def test_what_no_pod_can_have_is_named(manifest: dict[str, Any], said: str) -> None:
    (found,) = objects.check(manifest)
    assert said in found


@pytest.mark.parametrize(
    "manifest",
    [
        workload(),
        workload("Job"),
        workload(initContainers=[{"name": "side", "restartPolicy": "Always"}]),
        workload(container={"resources": {"requests": {"cpu": 0.5, "memory": "1e6"}, "limits": {"memory": "1Gi"}}}),
        workload(container={"resources": {"limits": {"nvidia.com/gpu": 1, "ephemeral-storage": "2Gi"}}}),
        {**workload(), "spec": {"replicas": 2.0, **workload()["spec"]}},
        {"apiVersion": "v1", "kind": "Service", "spec": {"type": "ExternalName", "externalName": "db.example.com"}},
        {"apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "None"}},
        {"apiVersion": "v1", "kind": "X", "metadata": {"annotations": {"Example.com/Key": "a b"}, "labels": {"a": ""}}},
        {"apiVersion": "v1", "kind": "X", "metadata": {"annotations": {"argocd.argoproj.io/hook": "PreSync, Sync"}}},
        {"apiVersion": "v1", "kind": "X", "metadata": {"annotations": {"argocd.argoproj.io/sync-wave": "-5"}}},
        {"apiVersion": "v1", "kind": "ConfigMap", "binaryData": {"a": "A" * 1_300_000}},
    ],
)
def test_what_kubernetes_takes_is_taken(manifest: dict[str, Any]) -> None:
    assert list(objects.check(manifest)) == []
