"""What every service's namespace has: the namespace, its limits, its network policies and who may look into it.

Rendered into `infrastructure/<environment>/` of the environment repository and kept by an Application of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from manifests.access import Action, Right, Role, rights_by_place
from manifests.admission import admission
from manifests.argocd.labels import ENVIRONMENT_LABEL, MANAGED_BY, SERVICE_LABEL
from manifests.model import Dns, Environment, Removal, Service, Settings, Team, placement_name
from manifests.yaml_text import documents

_Object = dict[str, Any]

_NAMESPACE_NAME = "kubernetes.io/metadata.name"
_RBAC = "rbac.authorization.k8s.io"
_ENFORCED, _LEVEL = "pod-security.kubernetes.io/enforce", "restricted"

DEFAULT_REQUESTS = {"cpu": "50m", "memory": "64Mi"}
DEFAULT_LIMITS = {"memory": "256Mi"}
"""What a container in a namespace with a quota gets that says nothing else."""


def infrastructure_files(settings: Settings) -> dict[str, str]:
    """All files below `infrastructure/`, by path in the repository."""
    files: dict[str, str] = {}
    rights = rights_by_place(settings)
    for environment in settings.environments:
        kinds = infrastructure_objects(settings, environment, rights)
        # An empty file keeps the folder, and with it the Application, where an environment has no service yet.
        files |= {f"infrastructure/{environment.name}/{kind}.yaml": documents(items) for kind, items in kinds.items()}
    return files


def infrastructure_objects(
    settings: Settings, environment: Environment, rights: Mapping[tuple[str, str], list[Right]] | None = None
) -> dict[str, list[_Object]]:
    """The objects of an environment, by the file that has them.

    Args:
        settings: the stack's settings.
        environment: the environment.
        rights: those of every place, where they are known already.
    """
    known = rights_by_place(settings) if rights is None else rights
    pull_requests = settings.pull_request_places(environment)
    places = [*((service, environment) for service in settings.services_of(environment)), *pull_requests]
    return {
        "admission": admission(settings, environment),
        "namespaces": [namespace(settings, *place) for place in places],
        "quotas": [item for place in places for item in quotas(*place)],
        "network-policies": [item for place in places for item in network_policies(settings, *place)],
        "role-bindings": [
            item
            for service, place in places
            for item in role_bindings(settings, _moved(known[service.name, environment.name], place))
        ],
    }


def namespace(settings: Settings, service: Service, environment: Environment) -> _Object:
    """The namespace of a service in an environment; with the workload it stays or goes."""
    kept = {
        # One that stays after its service has left is not a difference from Git.
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
    }
    annotations = {**environment.namespace_annotations, **(kept if environment.removes is Removal.ORPHAN else {})}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": placement_name(service, environment),
            "labels": {
                MANAGED_BY: settings.mark,
                **_labels(service, environment),
                _ENFORCED: _LEVEL,
                "pod-security.kubernetes.io/warn": _LEVEL,
                **environment.namespace_labels,
            },
            **({"annotations": annotations} if annotations else {}),
        },
    }


def pod_security(environment: Environment) -> str:
    """The level of Pod Security that the namespaces of an environment enforce."""
    return environment.namespace_labels.get(_ENFORCED, _LEVEL)


def quotas(service: Service, environment: Environment) -> Iterator[_Object]:
    """The limits of a namespace, and what a container gets that asks for nothing; none without a quota."""
    quota = environment.quota
    if quota is None:
        return
    hard = {
        "requests.cpu": quota.cpu,
        "requests.memory": quota.memory,
        "limits.memory": quota.memory,
        "pods": str(quota.pods),
    }
    yield _object("v1", "ResourceQuota", _metadata("quota", service, environment), {"spec": {"hard": hard}})
    # With a quota, a container without requests would be refused.
    default = {"type": "Container", "defaultRequest": DEFAULT_REQUESTS, "default": DEFAULT_LIMITS}
    yield _object("v1", "LimitRange", _metadata("defaults", service, environment), {"spec": {"limits": [default]}})


def network_policies(settings: Settings, service: Service, environment: Environment) -> Iterator[_Object]:
    """Only their own namespace and the cluster's entry points reach the pods."""

    def policy(name: str, spec: _Object) -> _Object:
        return _object(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            _metadata(name, service, environment),
            {"spec": {"podSelector": {}} | spec},
        )

    yield policy("deny-by-default", {"policyTypes": ["Ingress", "Egress"]})
    yield policy(
        "allow-same-namespace",
        {
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}]}],
            "egress": [{"to": [{"podSelector": {}}]}],
        },
    )
    yield policy("allow-dns", {"policyTypes": ["Egress"], "egress": [_to_dns(settings.cluster.dns)]})
    if settings.cluster.ingress_namespaces:
        entry = {
            "namespaceSelector": {
                "matchExpressions": [
                    {"key": _NAMESPACE_NAME, "operator": "In", "values": list(settings.cluster.ingress_namespaces)}
                ]
            }
        }
        yield policy("allow-ingress", {"policyTypes": ["Ingress"], "ingress": [{"from": [entry]}]})
    if environment.allow_from:
        yield policy(
            "allow-from-addresses",
            {"policyTypes": ["Ingress"], "ingress": [_addresses("from", environment.allow_from)]},
        )
    if environment.allow_to:
        yield policy(
            "allow-to-addresses", {"policyTypes": ["Egress"], "egress": [_addresses("to", environment.allow_to)]}
        )
    if environment.outbound:
        yield policy("allow-outbound", {"policyTypes": ["Egress"], "egress": [{}]})


def _to_dns(dns: Dns) -> _Object:
    pods = [{"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: name}}} for name in dns.namespaces]
    ports = [{"port": port, "protocol": protocol} for port in dns.ports for protocol in ("UDP", "TCP")]
    return {"to": [*pods, *_addresses("to", dns.addresses)["to"]], "ports": ports}


def _addresses(direction: str, ranges: tuple[str, ...]) -> _Object:
    return {direction: [{"ipBlock": {"cidr": cidr}} for cidr in ranges]}


def role_bindings(settings: Settings, rights: Sequence[Right]) -> Iterator[_Object]:
    """Who may look into the namespace, and who may also change objects by hand; the platform's team has its own way.

    Args:
        settings: the stack's settings.
        rights: those of the place whose namespace it is; the owner of the service is among them.
    """
    service, environment = rights[0].service, rights[0].environment
    groups: dict[str, list[str]] = {}
    for right in rights:
        if right.roles != (Role.PLATFORM,):
            role = "edit" if Action.CHANGE in right.actions else "view"
            groups.setdefault(role, []).append(cluster_group(settings, settings.team(right.team)))
    for role, names in groups.items():
        body: _Object = {
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": name} for name in names],
        }
        # A role reference cannot be changed, so the role is part of the name.
        yield _object(f"{_RBAC}/v1", "RoleBinding", _metadata(f"team-{role}", service, environment), body)


def _moved(rights: Sequence[Right], place: Environment) -> list[Right]:
    """The same rights where pull requests run that are like another environment."""
    return [replace(right, environment=place) for right in rights]


def cluster_group(settings: Settings, team: Team) -> str:
    """A team's group in the clusters."""
    return team.cluster_group or f"{settings.cluster.group_prefix or f'{settings.github.owner}:'}{team.name}"


def _labels(service: Service, environment: Environment) -> dict[str, str]:
    return {SERVICE_LABEL: service.name, ENVIRONMENT_LABEL: environment.name}


def _metadata(name: str, service: Service, environment: Environment) -> _Object:
    return {"name": name, "namespace": placement_name(service, environment), "labels": _labels(service, environment)}


def _object(version: str, kind: str, metadata: _Object, body: _Object) -> _Object:
    return {"apiVersion": version, "kind": kind, "metadata": metadata} | body
