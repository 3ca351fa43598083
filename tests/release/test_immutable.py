"""What Kubernetes does not let change is told before it is merged: the sync of a whole release would fail."""

import copy
from pathlib import Path
from typing import Any

import pytest

from slipway_release.validation import check, immutable
from slipway_release.validation.files import Tree
from tests.objects import base, put
from tests.release.repository import needs_helm, write

CHANGED: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("Deployment", {}, {"spec.selector.matchLabels": {"app": "web", "b": "c"}}, "spec.selector"),
    ("DaemonSet", {}, {"spec.selector.matchLabels": {"app": "other"}}, "spec.selector"),
    ("StatefulSet", {}, {"spec.serviceName": "other"}, "spec.serviceName"),
    ("StatefulSet", {}, {"spec.podManagementPolicy": "Parallel"}, "spec.podManagementPolicy"),
    (
        "StatefulSet",
        {},
        {"spec.volumeClaimTemplates.0.spec.resources": {"requests": {"storage": "2Gi"}}},
        "spec.volumeClaimTemplates",
    ),
    ("StatefulSet", {}, {"spec.volumeClaimTemplates!": 0}, "spec.volumeClaimTemplates"),
    ("PersistentVolumeClaim", {}, {"spec.accessModes": ["ReadWriteMany"]}, "spec.accessModes"),
    ("PersistentVolumeClaim", {"spec.storageClassName": "a"}, {"spec.storageClassName": "b"}, "spec.storageClassName"),
    ("Service", {}, {"spec.clusterIP": "None"}, "spec.clusterIP"),
    ("RoleBinding", {}, {"roleRef.name": "other"}, "roleRef"),
    ("ConfigMap", {"immutable": True}, {"data": {"a": "c"}}, "data"),
)
LET_BE: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("Deployment", {}, {"spec.replicas": 3}),
    ("Deployment", {}, {"spec.template.metadata.labels": {"app": "web", "b": "c"}}),
    ("StatefulSet", {}, {"spec.podManagementPolicy": "OrderedReady"}),
    ("StatefulSet", {}, {"spec.volumeClaimTemplates.0.spec.resources": {"requests": {"storage": "1024Mi"}}}),
    ("StatefulSet", {}, {"spec.volumeClaimTemplates.0.spec.volumeMode": "Filesystem"}),
    ("StatefulSet", {}, {"spec.replicas": 2, "spec.minReadySeconds": 5}),
    ("PersistentVolumeClaim", {}, {"spec.resources": {"requests": {"storage": "1Gi"}}}),
    ("Service", {}, {"spec.type": "NodePort"}),
    ("RoleBinding", {}, {"subjects": [{"kind": "ServiceAccount", "name": "b", "namespace": "default"}]}),
    ("ConfigMap", {}, {"data": {"a": "c"}}),
)
"""`tests/admission` has a real API server judge both."""


def step(kind: str, was: dict[str, Any], change: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """An object before and after a change."""
    old = base(kind)
    for path, value in was.items():
        put(old, path, value)
    new = copy.deepcopy(old)
    for path, value in change.items():
        put(new, path, value)
    return old, new


@pytest.mark.parametrize(("kind", "was", "change", "path"), CHANGED)
def test_a_field_that_cannot_change_is_named(kind: str, was: dict[str, Any], change: dict[str, Any], path: str) -> None:
    old, new = step(kind, was, change)
    (found,) = immutable.differences([old], [new])
    assert f"{kind} 'web': {path} differs from what runs" in found


@pytest.mark.parametrize(("kind", "was", "change"), LET_BE)
def test_what_may_change_is_let_be(kind: str, was: dict[str, Any], change: dict[str, Any]) -> None:
    old, new = step(kind, was, change)
    assert list(immutable.differences([old], [new])) == []


def test_what_argo_cd_makes_again_may_change_and_so_may_a_hook() -> None:
    old, new = step("RoleBinding", {}, {"roleRef.name": "other"})
    new["metadata"]["annotations"] = {"argocd.argoproj.io/sync-options": "Force=true,Replace=true"}
    assert list(immutable.differences([old], [new])) == []
    old["metadata"]["annotations"] = {"argocd.argoproj.io/hook": "PreSync"}
    new["metadata"]["annotations"] = {}
    assert list(immutable.differences([old], [new])) == []


@needs_helm
def test_a_change_of_the_chart_is_compared_with_what_is_released(tree: Tree, template: Path) -> None:
    file = tree.folder / "helm-charts/guestbook/templates/_helpers.tpl"
    own = "app.kubernetes.io/instance: {{ .Release.Name }}"
    text = file.read_text()
    assert own in text
    write(file, text.replace(own, f"{own}\ntier: web"))
    found = [str(problem) for problem in check.problems(tree, Tree(template))]
    (said,) = (text for text in found if "differs from what runs" in text)
    assert said.startswith("environments/staging/guestbook (rendered): Deployment")
