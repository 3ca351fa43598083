"""What clusters say about rights: Argo CD's own evaluation of its policy, and Kubernetes' SubjectAccessReview."""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import kubernetes.client
import urllib3.exceptions

from components.argocd.kubeconfig import opened
from manifests.access import Action, Right, rights_by_place
from manifests.infrastructure import cluster_group, role_bindings
from manifests.model import Environment, Service, Settings, Team, placement_name
from stacks.access_check import argocd, infrastructure

_ASKED = {
    Action.LOGS: ("get", "", "pods", "log"),
    Action.CHANGE: ("patch", "apps", "deployments", None),
    Action.EXEC: ("create", "", "pods", "exec"),
}
"""What an action is in Kubernetes: verb, group, resource and subresource. The others are not done there."""
_GIVEN_BY = re.compile(r'allowed by (ClusterRoleBinding|RoleBinding) "([^"/]+)')
"""How Kubernetes says which binding gives a right."""


def differences(settings: Settings) -> Iterator[str]:
    """What Argo CD and Kubernetes allow otherwise than declared; each environment's own cluster is asked."""
    yield from _asked(settings, settings.cluster.context, "cluster.context", partial(_own, settings))
    for environment in settings.environments:
        if not environment.is_remote:
            continue
        setting = f"environments[{environment.name}].context"
        if environment.context is None:
            yield f"cluster {environment.cluster}: it is not asked; set {setting} to its context in the kubeconfig"
        else:
            yield from _asked(settings, environment.context, setting, partial(_namespaces, settings, [environment]))


def cases(settings: Settings) -> int:
    """How many questions Kubernetes is asked: each team, place and action."""
    asked = [place for _, place in settings.placements() if not place.is_remote or place.context is not None]
    return len(asked) * len(_teams(settings)) * len(_ASKED)


def _asked(settings: Settings, context: str, setting: str, ask: Callable[[Any], Iterator[str]]) -> Iterator[str]:
    client = opened(settings.cluster.kubeconfig, context, setting)
    if isinstance(client, list):
        yield from cast("list[str]", client)
        return
    try:
        yield from ask(client)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield f"cluster {context}: it does not answer: {error}"
    except kubernetes.client.ApiException as error:
        shown = str(error).splitlines()[0]
        needed = "read Argo CD's settings and role bindings, and review access"
        yield f"cluster {context}: {shown}; the context's user must {needed}"


def _own(settings: Settings, client: Any) -> Iterator[str]:
    """Asks the cluster that Argo CD runs on."""
    yield from argocd.differences(settings, client)
    yield from _namespaces(settings, [one for one in settings.environments if not one.is_remote], client)


def _namespaces(settings: Settings, environments: Sequence[Environment], client: Any) -> Iterator[str]:
    """Asks the cluster that these environments run on."""
    api = cast(Any, kubernetes.client).AuthorizationV1Api(client)
    bindings = cast(Any, kubernetes.client).RbacAuthorizationV1Api(client)
    rights = rights_by_place(settings)
    for environment in environments:
        for service in settings.services_of(environment):
            here = rights[service.name, environment.name]
            yield from _namespace(settings, api, service, environment, here)
            yield from _people(settings, bindings, here)
    if environments:
        context = shlex.quote(environments[0].context or settings.cluster.context)
        yield from infrastructure.differences(settings, environments, client, f"kubectl --context {context}")


def _namespace(
    settings: Settings, api: Any, service: Service, environment: Environment, rights: list[Right]
) -> Iterator[str]:
    """Every team, those included that have no right there."""
    declared = {right.team: right.actions for right in rights}
    namespace = placement_name(service, environment)
    for team in _teams(settings):
        group = cluster_group(settings, team)
        for action, (verb, api_group, resource, sub) in _ASKED.items():
            attributes = {
                "namespace": namespace, "verb": verb, "group": api_group, "resource": resource, "subresource": sub,
            }  # fmt: skip
            body = {"spec": {"user": "slipway:access", "groups": [group], "resourceAttributes": attributes}}
            status = api.create_subject_access_review(body).status
            may = bool(status.allowed)
            if may is not (action in declared.get(team.name, ())):
                what = f"{verb} {resource}{f'/{sub}' if sub else ''} in {namespace}"
                said = "and it is not declared" if may else "and it is declared"
                remedy = _remedy(settings, rights, status.reason or "") if may else _synced(environment)
                yield f"Kubernetes: {group} {'may' if may else 'may not'} {what} ({action}), {said}; {remedy}"


def _people(settings: Settings, api: Any, rights: Sequence[Right]) -> Iterator[str]:
    """Users and groups that have a role in a namespace beside the teams; what controllers need is not looked at."""
    groups = {cluster_group(settings, team) for team in settings.teams}
    kubectl, namespace = _kubectl(settings, rights[0])
    listed: list[Any] = api.list_namespaced_role_binding(namespace).items
    for binding in listed:
        subjects: list[Any] = binding.subjects or []
        for subject in subjects:
            known = subject.kind == "ServiceAccount" or subject.name in groups or subject.name.startswith("system:")
            if not known:
                name, role = binding.metadata.name, binding.role_ref
                what = f"{subject.kind} {subject.name} has {role.kind} {role.name} in {namespace} beside the teams"
                command = f"{kubectl} --namespace {namespace} delete rolebinding {shlex.quote(name)}"
                yield f"Kubernetes: {what}, by RoleBinding {name}; `{command}`"


def _teams(settings: Settings) -> list[Team]:
    """Those whose rights come by Git; the platform's has its own way into the cluster."""
    return [team for team in settings.teams if team.name != settings.github.platform_team]


def _remedy(settings: Settings, rights: Sequence[Right], reason: str) -> str:
    """What takes a right away: the binding goes that gives it, as Kubernetes says in its reason."""
    place = rights[0]
    kubectl, namespace = _kubectl(settings, place)
    within = f"{kubectl} --namespace {namespace}"
    found = _GIVEN_BY.search(reason)
    if found is None:
        return f"`{within} get rolebindings` shows what may give it"
    kind, name = found.groups()
    if kind == "ClusterRoleBinding":
        return f"{kind} {name} gives it; `{kubectl} delete clusterrolebinding {shlex.quote(name)}`"
    if name in {binding["metadata"]["name"] for binding in role_bindings(settings, rights)}:
        return f"{kind} {name} gives it, and is not as in Git; {_synced(place.environment)}"
    return f"{kind} {name} gives it, and is not in Git; `{within} delete rolebinding {shlex.quote(name)}`"


def _kubectl(settings: Settings, place: Right) -> tuple[str, str]:
    """The command for the cluster of a place, and the place's namespace."""
    context = shlex.quote(place.environment.context or settings.cluster.context)
    return f"kubectl --context {context}", placement_name(place.service, place.environment)


def _synced(environment: Environment) -> str:
    return f"`argocd app sync infrastructure-{environment.name}` puts it back"
