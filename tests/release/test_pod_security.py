"""Pods that their namespace would not have: nothing else says so before a release has no pod."""

from typing import Any

import pytest

from slipway_release.validation import pod_security
from slipway_release.validation.files import Tree
from tests.objects import LEVELS, PODS
from tests.release.repository import needs_helm, settled, told, write
from tests.release.repository import workload as written
from tests.stacks.builders import values

PINNED = f"ghcr.io/acme/other@sha256:{'a' * 64}"


def workload(pod: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"template": {"spec": pod}},
    }


@pytest.mark.parametrize(("pod", "strictest"), PODS, ids=range(len(PODS)))
def test_a_level_takes_what_kubernetes_says_it_takes(pod: dict[str, Any], strictest: str) -> None:
    taken = [level for level in LEVELS if not list(pod_security.check(workload(pod), level))]
    assert taken == list(LEVELS[: LEVELS.index(strictest) + 1])


def test_what_a_container_lacks_is_said_at_once_with_the_setting() -> None:
    bare = workload({"containers": [{"name": "web", "image": "x"}]})
    (found,) = pod_security.check(bare, "restricted")
    assert (
        "container 'web': securityContext lacks allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}" in found
    )
    assert "runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}" in found
    assert "`namespaceLabels`" in found
    assert list(pod_security.check(bare, None)) == []


@needs_helm
def test_the_level_is_that_of_the_environments_namespaces(tree: Tree) -> None:
    file = tree.folder / "helm-charts/guestbook/templates/a.yaml"
    write(file, written("Pod", "v1", f"{{containers: [{{name: a, image: '{PINNED}'}}]}}"))
    settled(tree, environments=[item | {"kinds": ["Pod"]} for item in values()["environments"]])
    assert told(tree).count("Pod Security restricted") == 3
    labels = {"kinds": ["Pod"], "namespaceLabels": {"pod-security.kubernetes.io/enforce": "baseline"}}
    settled(tree, environments=[item | labels for item in values()["environments"]])
    assert told(tree) == ""
