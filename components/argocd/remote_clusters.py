"""Checks of the clusters that Argo CD does not run on; each problem has its remedy."""

import base64
from collections.abc import Iterator
from typing import Any, cast

from components.argocd.cluster_api import (
    UNREACHABLE,
    call,
    find,
    foreign_namespaces,
    missing_rights,
    trouble,
    untested_kubernetes,
)
from components.argocd.cluster_needs import needs
from components.argocd.kubeconfig import opened
from components.argocd.registered_cluster import cluster_secret
from manifests.model import Environment, Settings, placement_name

IN_CLUSTER = "in-cluster"
"""What Argo CD calls the cluster that it runs on."""
PULLING_RIGHTS = (("", "namespaces"), ("", "secrets"))
REGISTERING_RIGHTS = (("", "serviceaccounts"), ("rbac.authorization.k8s.io", "clusterrolebindings"))
_LABEL = "argocd.argoproj.io/secret-type=cluster"
_IDENTITY = "/api/v1/namespaces/kube-system"
"""The object whose id tells one cluster from another."""


def remote_problems(settings: Settings, client: Any) -> list[str]:
    """What is in the way there.

    Args:
        settings: the stack's settings.
        client: of Argo CD's own cluster; None where that cannot be asked.
    """
    own = _identity(client) if client is not None else None
    contexts: dict[str, Environment] = {}
    for environment in settings.environments:
        if environment.context is not None:
            contexts.setdefault(environment.context, environment)
    return [problem for context, first in contexts.items() for problem in _asked(settings, first, context, own)]


def _asked(settings: Settings, environment: Environment, context: str, own: str | None) -> list[str]:
    setting = f"environments[{environment.name}].context"
    there = opened(settings.cluster.kubeconfig, context, setting)
    if isinstance(there, list):
        return cast("list[str]", there)
    pulls, registers = settings.registry.pull_username is not None, environment.server is not None
    if not (pulls or registers):
        return []  # Nothing is made there.
    rights = [*(PULLING_RIGHTS if pulls else ()), *(REGISTERING_RIGHTS if registers else ())]
    try:
        if own is not None and _identity(there) == own:
            remedy = f"name the context of {environment.cluster}, or remove `cluster`, `context` and `server`"
            return [f"{setting}: {context} leads to the cluster that Argo CD runs on; {remedy}"]
        return [
            *untested_kubernetes(there, setting),
            *needs(there, _environments(settings, context), settings.secrets, setting),
            *missing_rights(there, rights, setting),
            *foreign_namespaces(there, settings, _namespaces(settings, context)),
        ]
    except UNREACHABLE as error:
        return [trouble(error, there, setting, context)]


def _environments(settings: Settings, context: str) -> list[Environment]:
    return [environment for environment in settings.environments if environment.context == context]


def _namespaces(settings: Settings, context: str) -> dict[str, str]:
    return {
        placement_name(service, environment): f"services[{service.name}].name"
        for service, environment in settings.all_placements()
        if environment.context == context
    }


def _identity(client: Any) -> str | None:
    found = find(client, _IDENTITY)
    return None if found is None else found["metadata"].get("uid")


def registration_problems(settings: Settings, client: Any) -> Iterator[str]:
    """Clusters that Argo CD would not know, and those that it would know twice: their Applications stay Unknown.

    Args:
        settings: the stack's settings.
        client: of Argo CD's own cluster.
    """
    ours = settings.registered_clusters()
    named = [environment for environment in settings.environments if environment.cluster]
    if not named:
        return
    namespace = settings.argocd.namespace
    found = call(client, "GET", f"/api/v1/namespaces/{namespace}/secrets", query=[("labelSelector", _LABEL)])["items"]
    # Before, it was called after an environment.
    made = {*map(cluster_secret, ours), *(f"cluster-{environment.name}" for environment in settings.environments)}
    others = [item for item in found if item.get("metadata", {}).get("name") not in made]
    known = {_field(item, "name") for item in found} | {IN_CLUSTER}
    for cluster, environment in {one.cluster: one.name for one in named if one.cluster not in ours}.items():
        if cluster not in known:
            yield (
                f"environments[{environment}].cluster: Argo CD in {namespace} knows no cluster {cluster!r}, only"
                f" {', '.join(sorted(known))}; register it by the environment's `server` and `context`, or by"
                f" `argocd cluster add <context> --name {cluster}`"
            )
    for cluster, environment in ours.items():
        for item in others:
            if cluster == _field(item, "name") or environment.server == _field(item, "server"):
                yield (
                    f"environments[{environment.name}].server: Argo CD in {namespace} knows this cluster already, as"
                    f" {_field(item, 'name')!r} at {_field(item, 'server')}; remove `server`, or what it knows:"
                    f" `kubectl --namespace {namespace} delete secret {item['metadata']['name']}`"
                )


def _field(secret: dict[str, Any], key: str) -> str:
    data: dict[str, str] = secret.get("data") or {}
    return base64.b64decode(data.get(key, "")).decode(errors="replace")
