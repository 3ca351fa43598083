"""What guards the namespaces of services in a cluster, compared with what Git has: Argo CD should have healed it."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, cast

from components.argocd.cluster_api import find
from manifests.infrastructure import infrastructure_objects
from manifests.model import Environment, Settings, placement_name

GROUPS = {
    "Namespace": "/api/v1/namespaces",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/networkpolicies",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "ValidatingAdmissionPolicy": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings",
}
"""The kinds that decide who may do what, and where all of them are listed. Quotas do not."""
_COMPARED = ("labels", "spec", "roleRef", "subjects")


def differences(settings: Settings, environments: Sequence[Environment], client: Any, kubectl: str) -> Iterator[str]:
    """What is otherwise than Git has it on the cluster that these environments run on.

    Args:
        settings: the stack's settings.
        environments: the environments.
        client: of the cluster.
        kubectl: the command for it.
    """
    found = {
        (kind, item["metadata"].get("namespace"), item["metadata"]["name"]): item
        for kind, path in GROUPS.items()
        # An older cluster does not know every kind.
        for item in (find(client, path) or {"items": []})["items"]
    }
    for environment in environments:
        synced = f"`argocd app sync infrastructure-{environment.name}` puts it back"
        declared = [item for items in infrastructure_objects(settings, environment).values() for item in items]
        wanted = {_identity(item): item for item in declared if item["kind"] in GROUPS}
        for key, item in wanted.items():
            kind, namespace, name = key
            where = f"Kubernetes: {kind} {name}{f' in {namespace}' if namespace else ''}"
            if key not in found:
                yield f"{where}: it is not there; {synced}"
            elif changed := sorted(_changed(_guarding(kind, found[key]), _guarding(kind, item))):
                yield f"{where}: {', '.join(changed)} is not as in Git; {synced}"
        if environment.is_production_like:
            # Elsewhere those who may change objects by hand may open them.
            places = {placement_name(service, environment) for service in settings.services_of(environment)}
            for kind, namespace, name in sorted(found.keys() - wanted.keys()):
                if kind == "NetworkPolicy" and namespace in places:
                    command = f"{kubectl} --namespace {namespace} delete networkpolicy {shlex.quote(name)}"
                    yield f"Kubernetes: NetworkPolicy {name} in {namespace} is not in Git; `{command}`"


def _identity(item: dict[str, Any]) -> tuple[str, str | None, str]:
    metadata = item["metadata"]
    return item["kind"], metadata.get("namespace"), metadata["name"]


def _guarding(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    """What of an object decides; labels are what policies find namespaces by."""
    labels: dict[str, Any] = {"labels": item["metadata"].get("labels")} if kind == "Namespace" else {}
    return labels | {key: item[key] for key in _COMPARED if key in item}


def _changed(given: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """The paths at which something that is wanted is otherwise; what the cluster adds by itself is let be."""
    if isinstance(given, dict) and isinstance(wanted, dict):
        present = cast("dict[str, Any]", given)
        for key, value in cast("dict[str, Any]", wanted).items():
            yield from _changed(present.get(key), value, f"{path}.{key}" if path else key)
    elif isinstance(given, list) and isinstance(wanted, list):
        present, declared = cast("list[Any]", given), cast("list[Any]", wanted)
        if len(present) != len(declared):
            yield path
        else:
            for one, other in zip(present, declared, strict=True):
                yield from _changed(one, other, path)
    elif (given or None) != (wanted or None):
        yield path
