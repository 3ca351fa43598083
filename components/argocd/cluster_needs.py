"""What charts and settings need of a cluster that somebody else installs there: told before a release fails for it."""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import kubernetes.client

from components.argocd.cluster_api import call, find, minor_version
from components.github.preflight.findings import Advice
from manifests.app_project import SECRET_KINDS
from manifests.model import Admission, Environment, SecretsBackend
from manifests.model.entry import HttpRoute, Ingress

OLDEST_WITH_POLICIES = 30
"""The first minor version of Kubernetes 1 that has ValidatingAdmissionPolicies."""
_CLASSES = "/apis/networking.k8s.io/v1/ingressclasses"
_DEFAULT = "ingressclass.kubernetes.io/is-default-class"
_GATEWAYS = "/apis/gateway.networking.k8s.io/v1"


def needs(client: Any, environments: Sequence[Environment], secrets: SecretsBackend, setting: str) -> Iterator[str]:
    """What the cluster of some environments lacks; what may still come before the first release is advice.

    Args:
        client: of the cluster.
        environments: those that run on it.
        secrets: how services get secrets.
        setting: the setting that names the cluster's context.
    """
    yield from _policies(client, environments, setting)
    try:
        for environment in environments:
            where = f"environments[{environment.name}]"
            if environment.ingress is not None:
                yield from _ingress(client, environment.ingress, f"{where}.ingress")
            if environment.http_route is not None:
                yield from _route(client, environment.http_route, f"{where}.httpRoute")
        for group, kind in SECRET_KINDS[secrets] if environments else ():
            if find(client, f"/apis/{group}") is None:
                text = f"secrets: the cluster of {setting} does not know {kind} ({group})"
                yield Advice(f"{text}; install what makes Secrets of it before the first release")
    except kubernetes.client.ApiException as error:
        # Who may not look at these may still install the platform.
        if cast("Any", error).status not in {401, 403}:
            raise


def _policies(client: Any, environments: Sequence[Environment], setting: str) -> Iterator[str]:
    found = minor_version(client)
    guarded = [one.name for one in environments if one.admission is not Admission.OFF]
    if guarded and found is not None and found < (1, OLDEST_WITH_POLICIES):
        yield (
            f"{setting}: Kubernetes {found[0]}.{found[1]} does not know ValidatingAdmissionPolicy, which came with"
            f" 1.{OLDEST_WITH_POLICIES}; upgrade the cluster, or set `admission: off` for {', '.join(guarded)}"
        )


def _ingress(client: Any, ingress: Ingress, where: str) -> Iterator[Advice]:
    name = ingress.class_name
    if name is not None and find(client, f"{_CLASSES}/{name}") is None:
        yield Advice(f"{where}.className: the cluster has no IngressClass {name}; install its controller first")
    if name is None:
        classes: list[dict[str, Any]] = call(client, "GET", _CLASSES)["items"]
        if not any(_is_default(one["metadata"]) for one in classes):
            known = ", ".join(sorted(one["metadata"]["name"] for one in classes)) or "none at all"
            text = f"{where}.className: missing, and no IngressClass of the cluster is the default one"
            yield Advice(f"{text}; name the class ({known}), or no controller may take the Ingresses")


def _is_default(metadata: dict[str, Any]) -> bool:
    annotations: dict[str, str] = metadata.get("annotations") or {}
    return annotations.get(_DEFAULT) == "true"


def _route(client: Any, route: HttpRoute, where: str) -> Iterator[Advice]:
    if find(client, _GATEWAYS) is None:
        yield Advice(f"{where}: the cluster does not know the Gateway API ({_GATEWAYS[6:]}); install it first")
    elif find(client, f"{_GATEWAYS}/namespaces/{route.gateway_namespace}/gateways/{route.gateway}") is None:
        text = f"{where}.gateway: there is no Gateway {route.gateway} in the namespace {route.gateway_namespace}"
        yield Advice(f"{text}; make it before the first release")
