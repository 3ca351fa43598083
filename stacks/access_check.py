"""Asks GitHub, Argo CD and Kubernetes who may do what there, and names each difference to what is declared."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import kubernetes.client
import kubernetes.config
import urllib3.exceptions

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.errors import GitHubError
from manifests.access import Action, Right, rights
from manifests.argocd.rbac import rbac_values
from manifests.model import Settings, placement_name

MEND = "`pulumi up` puts it back"
_ASKED = {
    Action.VIEW: ("get", "pods", None),
    Action.LOGS: ("get", "pods", "log"),
    Action.CHANGE: ("create", "pods", "exec"),
}
"""What an action is in Kubernetes: verb, resource and subresource. Others are not done there."""


def differences(settings: Settings) -> Iterator[str]:
    """What is otherwise than declared, a line each: where, what, and what mends it."""
    token = os.environ.get("GITHUB_TOKEN")
    if token:
        try:
            yield from _github(settings, GitHubApi(settings.github.api_url, Token(token)))
        except GitHubError as error:
            yield f"GitHub: it cannot be asked: {error}"
    else:
        yield "GitHub: not asked; set GITHUB_TOKEN to a token that administers the environment repository"
    yield from _cluster(settings)


def _github(settings: Settings, api: GitHubApi) -> Iterator[str]:
    owner, repository = settings.github.owner, settings.github.environment_repository
    teams = [(team.name, repository) for team in settings.teams]
    teams += [(service.team, service.repository_name) for service in settings.services]
    for team, name in dict.fromkeys(teams):
        wanted = "maintain" if (team, name) == (settings.github.platform_team, repository) else "push"
        found = _permission(api, f"/orgs/{owner}/teams/{team}/repos", name)
        if found != wanted:
            yield f"GitHub: team {team} has {found or 'nothing'} on {owner}/{name}, declared is {wanted}; {MEND}"
    for environment in settings.environments:
        path = f"/repos/{owner}/{repository}/environments/{quote(environment.name, safe='')}"
        shown: Any = api.find(path)
        where = f"GitHub: environment {environment.name} of {owner}/{repository}"
        if shown is None:
            yield f"{where}: it is not there; {MEND}"
            continue
        rules = {rule["type"]: rule for rule in shown["protection_rules"]}
        asked = rules.get("required_reviewers", {}).get("reviewers", [])
        reviewers = {str(one["reviewer"].get("slug") or one["reviewer"].get("login")) for one in asked}
        if reviewers != set(environment.reviewers):
            named, wanted = ", ".join(sorted(reviewers)) or "nobody", ", ".join(environment.reviewers) or "nobody"
            yield f"{where}: approved by {named}, declared is {wanted}; {MEND}, where the plan of GitHub has reviewers"
        policies: Any = api.find(f"{path}/deployment-branch-policies") or {"branch_policies": []}
        branches = [str(entry["name"]) for entry in policies["branch_policies"]]
        if branches != ["main"]:
            reached = ", ".join(branches) or "every branch"
            yield f"{where}: its keys are given to workflows of {reached}, declared is main; {MEND}"


def _permission(api: GitHubApi, path: str, name: str) -> str | None:
    """What a team may do in a repository; None for nothing."""
    for listed in cast("list[dict[str, Any]]", api.find(f"{path}?per_page=100") or []):
        if str(listed["name"]).lower() == name.lower():
            order = ("admin", "maintain", "push", "triage", "pull")
            return next((one for one in order if listed["permissions"].get(one)), None)
    return None


def _cluster(settings: Settings) -> Iterator[str]:
    path, context = Path(settings.cluster.kubeconfig).expanduser(), settings.cluster.context
    try:
        client = cast(Any, kubernetes.config).new_client_from_config(str(path), context=context)
        client.rest_client.pool_manager.connection_pool_kw["retries"] = False
        yield from _argocd(settings, client)
        yield from _kubernetes(settings, client)
    except kubernetes.config.ConfigException as error:
        yield f"cluster {context}: {path} cannot be used: {error}"
    except (urllib3.exceptions.HTTPError, OSError) as error:
        yield f"cluster {context}: it does not answer: {error}"
    except kubernetes.client.ApiException as error:
        shown = str(error).splitlines()[0]
        yield f"cluster {context}: {shown}; the context's user must read Argo CD's settings and review access"


def _argocd(settings: Settings, client: Any) -> Iterator[str]:
    api = cast(Any, kubernetes.client).CoreV1Api(client)
    namespace, declared = settings.argocd.namespace, rbac_values(settings)
    found: dict[str, str] = api.read_namespaced_config_map("argocd-rbac-cm", namespace).data or {}
    configuration: dict[str, str] = api.read_namespaced_config_map("argocd-cm", namespace).data or {}
    before, after = (set(text.splitlines()) for text in (declared["policy.csv"], found.get("policy.csv", "")))
    for rule in sorted(before - after):
        yield f"Argo CD: the rule `{rule}` is missing; {MEND}"
    for rule in sorted(after - before):
        yield f"Argo CD: the rule `{rule}` is not declared; remove it from `argocd.values`, or {MEND}"
    if found.get("policy.default", ""):
        yield f"Argo CD: who has no role gets {found['policy.default']}, declared is nothing; {MEND}"
    key = "application.sync.requireOverridePrivilegeForRevisionSync"
    if configuration.get(key) != "true":
        yield f"Argo CD: who may sync may sync every revision ({key}); {MEND}"


def _kubernetes(settings: Settings, client: Any) -> Iterator[str]:
    api = cast(Any, kubernetes.client).AuthorizationV1Api(client)
    for right in rights(settings):
        # Only the owner is bound in the namespace; approvers and the platform's team have no road there.
        if right.environment.cluster is None and right.team == right.service.team:
            yield from _namespace(settings, api, right)


def _namespace(settings: Settings, api: Any, right: Right) -> Iterator[str]:
    group = f"{settings.cluster.group_prefix or f'{settings.github.owner}:'}{right.team}"
    namespace = placement_name(right.service, right.environment)
    for action, (verb, resource, sub) in _ASKED.items():
        attributes = {"namespace": namespace, "verb": verb, "resource": resource, "subresource": sub}
        body = {"spec": {"user": "slipway:access", "groups": [group], "resourceAttributes": attributes}}
        may = bool(api.create_subject_access_review(body).status.allowed)
        if may is not (action in right.actions):
            word = "may" if may else "may not"
            what = f"{verb} {resource}{f'/{sub}' if sub else ''}"
            yield (
                f"Kubernetes: {group} {word} {what} in {namespace}, declared is the opposite ({action}); sync the"
                f" Application infrastructure-{right.environment.name}: `argocd app sync infrastructure-"
                f"{right.environment.name}`"
            )
