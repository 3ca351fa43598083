"""AppProjects: what may be deployed where. Everything is named; there is no `*`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from manifests import admission
from manifests.application import API_VERSION, INFRASTRUCTURE, PART_OF, destination, infrastructure_name
from manifests.argocd.labels import ENVIRONMENT_LABEL
from manifests.model import Environment, SecretsBackend, Settings, placement_name

Kind = tuple[str, str]
"""API group and kind."""

SERVICE_KINDS: tuple[Kind, ...] = (
    ("", "ConfigMap"),
    ("", "PersistentVolumeClaim"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("batch", "Job"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("networking.k8s.io", "Ingress"),
    ("policy", "PodDisruptionBudget"),
)
"""What a service may consist of. A Secret is not among them: Git never holds one."""
SECRET_KINDS: dict[SecretsBackend, tuple[Kind, ...]] = {
    SecretsBackend.NONE: (),
    SecretsBackend.EXTERNAL_SECRETS: (("external-secrets.io", "ExternalSecret"),),
    SecretsBackend.SEALED_SECRETS: (("bitnami.com", "SealedSecret"),),
    SecretsBackend.SOPS: (("isindir.github.com", "SopsSecret"),),
}
INFRASTRUCTURE_KINDS: tuple[Kind, ...] = (
    ("", "LimitRange"),
    ("", "ResourceQuota"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
)
INFRASTRUCTURE_CLUSTER_KINDS: tuple[Kind, ...] = (("", "Namespace"), *admission.KINDS)


def service_kinds(settings: Settings, environment: Environment) -> tuple[Kind, ...]:
    """What a service may consist of in an environment. Argo CD enforces it; pull requests are checked against it."""
    more = (kind.rpartition("/") for kind in environment.kinds)
    return (*SERVICE_KINDS, *SECRET_KINDS[settings.secrets], *((group, kind) for group, _, kind in more))


def app_project(settings: Settings, environment: Environment) -> dict[str, Any]:
    """The AppProject of an environment: the namespaces of its services and the kinds they may consist of."""
    namespaces = [placement_name(service, environment) for service in settings.services_of(environment)]
    found = project(
        settings,
        environment.name,
        f"Services in {environment.name}",
        {**PART_OF, ENVIRONMENT_LABEL: environment.name},
        [destination(environment, namespace) for namespace in namespaces],
        namespaced=service_kinds(settings, environment),
    )
    if environment.sync_windows:
        found["spec"]["syncWindows"] = [
            {
                "kind": window.kind.value,
                "schedule": window.schedule,
                "duration": window.duration,
                "timeZone": window.time_zone,
                "manualSync": window.manual_sync,
                "applications": ["*"],
            }
            for window in environment.sync_windows
        ]
    return found


def infrastructure_project(
    settings: Settings, leaving: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> dict[str, Any]:
    """The AppProject of namespaces, quotas, network policies and role bindings.

    Args:
        settings: the stack's settings.
        leaving: more namespaces, by environment: those that only Git still has.
    """
    destinations = [
        destination(environment, namespace)
        for environment in settings.environments
        for namespace in (
            infrastructure_name(environment),
            *(placement_name(service, environment) for service in settings.services_of(environment)),
            *(placement_name(service, place) for service, place in settings.pull_request_places(environment)),
            *leaving.get(environment.name, ()),
        )
    ]
    return project(
        settings,
        INFRASTRUCTURE,
        "Namespaces of services, their limits and who may look into them",
        PART_OF,
        destinations,
        namespaced=INFRASTRUCTURE_KINDS,
        cluster=INFRASTRUCTURE_CLUSTER_KINDS,
    )


def project(
    settings: Settings,
    name: str,
    description: str,
    labels: dict[str, str],
    destinations: list[dict[str, str]],
    *,
    namespaced: list[Kind] | tuple[Kind, ...],
    cluster: list[Kind] | tuple[Kind, ...] = (),
) -> dict[str, Any]:
    """An AppProject that knows the environment repository alone.

    Args:
        settings: the stack's settings.
        name: its name.
        description: for people.
        labels: its labels.
        destinations: where it may deploy.
        namespaced: the kinds that it may deploy there.
        cluster: the kinds without a namespace.
    """
    return {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": name, "namespace": settings.argocd.namespace, "labels": labels},
        "spec": {
            "description": description,
            "sourceRepos": [settings.github.environment_repository_url],
            "destinations": destinations,
            "clusterResourceWhitelist": [{"group": group, "kind": kind} for group, kind in cluster],
            "namespaceResourceWhitelist": [{"group": group, "kind": kind} for group, kind in namespaced],
            "orphanedResources": {"warn": False},
        },
    }
