"""Fields that Kubernetes does not know, and values of another type: the sync of a whole release would fail."""

from typing import Any

import pytest
import yaml

from slipway_release.validation import rules, structure

POD = "{containers: [{name: web, image: 'a@sha256:" + "0" * 64 + "', %s}]}"


def deployment(container: str = "", spec: str = "") -> dict[str, Any]:
    template = "{metadata: {labels: {a: b}}, spec: " + POD % container + "}"
    head = "apiVersion: apps/v1, kind: Deployment, metadata: {name: a}"
    body = f"{spec} selector: {{matchLabels: {{a: b}}}}, template: {template}"
    return yaml.safe_load(f"{{{head}, spec: {{{body}}}}}")


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (deployment(spec="replica: 2,"), "spec.replica is not a field that Kubernetes knows; did you mean replicas?"),
        (deployment("resources: {limit: {cpu: 1}}"), "did you mean limits?"),
        (deployment("imagePullPolicy: always"), "'always' is not one of Always, IfNotPresent, Never"),
        (deployment("command: sh"), "command is 'sh', and Kubernetes wants a list"),
        (deployment("env: {A: b}"), "env is a mapping, and Kubernetes wants a list"),
        (deployment("env: [{name: A, value: b}, {name: A, value: c}]"), "env has name A twice"),
        (deployment("ports: [{containerPort: 80}, {containerPort: 80, protocol: TCP}]"), "containerPort 80"),
        (deployment("volumeMounts: [{name: a}]"), "volumeMounts[0].mountPath is missing"),
        (deployment("readinessProbe: {periodSeconds: 10s}"), "periodSeconds is '10s', and Kubernetes wants a whole"),
        (deployment("securityContext: {runAsNonRoot: 'true'}"), "is 'true', and Kubernetes wants true or false"),
        (deployment("workingDir: 1"), "workingDir is 1, and Kubernetes wants a text"),
        (deployment("stdin: [true]"), "stdin is a list, and Kubernetes wants true or false"),
        (deployment(spec="replicas: 1.5,"), "spec.replicas is 1.5, and Kubernetes wants a whole number"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "dat": {}}, "did you mean data?"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": []}, "spec is a list"),
    ],
)
def test_what_a_sync_would_fail_at_is_named_by_its_place(manifest: dict[str, Any], said: str) -> None:
    found = list(structure.check(manifest))
    assert any(said in text for text in found), found
    assert any(said in str(problem) for problem in rules.check_manifest("x", manifest, None)) or "wants" in said


@pytest.mark.parametrize(
    "manifest",
    [
        deployment(spec="replicas: 2.0, strategy: null,"),
        deployment("resources: {limits: {cpu: 1, memory: 1Gi}}, ports: [{containerPort: 53, protocol: UDP}]"),
        deployment("ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53}]"),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "creationTimestamp": None}, "data": None},
        {**deployment(), "status": {}},
        {"apiVersion": "example.com/v1", "kind": "Anything", "metadata": {"name": "a"}, "spec": 1},
    ],
)
def test_what_kubernetes_takes_is_taken(manifest: dict[str, Any]) -> None:
    assert list(structure.check(manifest)) == []


def test_fields_of_a_newer_kubernetes_are_let_be() -> None:
    assert [structure.is_newer(version) for version in (None, "1.35.4", "v1.36", "2.0.1")] == [False, False, True, True]
    manifest = deployment(spec="pace: slow,")
    assert list(structure.check(manifest))
    assert list(structure.check(manifest, unknown=False)) == []
    assert "pace" not in str(rules.check_manifest("x", manifest, None, newer=True))
