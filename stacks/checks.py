"""The rules between parts of a stack file: names that must exist, must differ, must fit together."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from manifests.app_project import SERVICE_KINDS
from manifests.model import SignOnProvider, adoptables
from manifests.model.kinds import OF_CORE
from stacks.environment_checks import check_environments, check_servers, check_tag_prefixes
from stacks.image_checks import check_argocd_image, check_bill_of_materials, check_images, check_known
from stacks.parts import Parts, duplicates, repeated
from stacks.people_checks import check_people
from stacks.placement_checks import check_placements
from stacks.problems import Problem, listed
from stacks.service_checks import check_pull_requests, check_quotas, check_repositories, check_services


def check_parts(parts: Parts) -> list[Problem]:
    """Every broken rule."""
    return [problem for check in _CHECKS for problem in check(parts)]


def _check_github(parts: Parts) -> Iterator[Problem]:
    if parts.github is None:
        return
    github = parts.github
    apps = {name: app.id for name in ("promoter", "requester", "argocd") if (app := getattr(github.value, name))}
    for name, other in repeated(apps.items()):
        yield Problem(github.at(name, "id"), f"the same App as {other}; use three Apps, each with its own rights")
    team = github.value.platform_team
    if team is not None and team not in parts.team_names:
        known = listed(sorted(parts.team_names))
        yield Problem(github.at("platformTeam"), f"{team!r} is not a team: use one of {known}")


def _check_address(parts: Parts) -> Iterator[Problem]:
    if parts.argocd is None or (url := parts.argocd.value.url) is None:
        return
    path = urlsplit(url).path.rstrip("/")
    configs = parts.argocd.value.values.get("configs")
    params = configs.get("params") if isinstance(configs, dict) else None
    told = params.get("server.rootpath") if isinstance(params, dict) else None
    if path and told != path:
        yield Problem(
            parts.argocd.at("url"),
            f"Argo CD answers below {path} only where its server is told so; set "
            f'`values.configs.params."server.rootpath": {path}` too, or use an address without a path',
        )


def _check_sign_on(parts: Parts) -> Iterator[Problem]:
    if parts.argocd is None or (sso := parts.argocd.value.sso) is None:
        return
    at = parts.argocd.at
    if parts.argocd.value.url is None:
        yield Problem(at("sso"), "the provider sends people back to Argo CD's address; set `argocd.url`")
    if sso.provider is SignOnProvider.OIDC and sso.issuer is None:
        yield Problem(at("sso", "issuer"), "missing with `provider: oidc`; set the provider's address")
    if sso.provider is SignOnProvider.GITHUB and sso.issuer is not None:
        yield Problem(at("sso", "issuer"), "it is for `provider: oidc`; remove it, or set that")
    if sso.provider is SignOnProvider.GITHUB and sso.cli_client_id is not None:
        yield Problem(
            at("sso", "cliClientId"), "Dex brings a client for the command; remove it, or use `provider: oidc`"
        )
    if sso.provider is SignOnProvider.GITHUB:
        for team in parts.teams:
            if (group := team.value.sso_group) is not None and ":" not in group:
                text = f"GitHub's teams come as <owner>:<team>, and {group!r} could only be an account; remove it"
                yield Problem(team.at("ssoGroup"), text)
    if parts.github is not None and parts.github.value.platform_team is None and not sso.admin:
        text = "Argo CD would have no administrator: its `admin` is off with single sign-on; set `github.platformTeam`"
        yield Problem(at("sso"), text)


def _check_teams(parts: Parts) -> Iterator[Problem]:
    yield from duplicates(parts.teams, lambda team: team.name)
    for team in parts.teams:
        if team.value.existing and team.value.members:
            yield Problem(team.at("members"), "the team is `existing`; use none, its members are managed elsewhere")
        members = team.value.members
        for index, first in repeated((index, member.login.lower()) for index, member in enumerate(members)):
            text = f"{members[int(index)].login!r} is also members[{first}]; use once"
            yield Problem(team.at("members", index, "login"), text)


def _check_differences(parts: Parts) -> Iterator[Problem]:
    for found in (*parts.environments, *parts.services):
        if "ignoreDifferences" in found.broken:
            continue
        for index, one in enumerate(found.value.ignore_differences):
            if not (one.json_pointers or one.jq_path_expressions or one.managed_fields_managers):
                text = "it names no field; add `jsonPointers`, `jqPathExpressions` or `managedFieldsManagers`"
                yield Problem(found.at("ignoreDifferences", index), text)
            groups = sorted(group for group, kind in SERVICE_KINDS if kind == one.kind)
            if not one.group and "*" not in one.kind and not OF_CORE.fullmatch(one.kind):
                known = groups[0] if groups else "its API group"
                text = f"missing, and {one.kind} is not of Kubernetes' core; use {known}"
                yield Problem(found.at("ignoreDifferences", index, "group"), text)


def _check_adopt(parts: Parts) -> Iterator[Problem]:
    if parts.github is None:
        return
    teams, services = [team.value for team in parts.teams], [service.value for service in parts.services]
    known = adoptables(parts.github.value, teams, services)
    for found in parts.adopt:
        if found.value not in known:
            yield Problem(found.path, f"{found.value!r} is nothing that this stack makes; use {listed(known)}")


_CHECKS: tuple[Callable[[Parts], Iterator[Problem]], ...] = (
    _check_github,
    lambda parts: check_images(parts.registry, parts.github, [found.value for found in parts.services]),
    lambda parts: check_known(parts.registry),
    lambda parts: check_argocd_image(parts.argocd),
    lambda parts: check_bill_of_materials(parts.registry),
    _check_address,
    _check_sign_on,
    _check_teams,
    check_environments,
    check_servers,
    lambda parts: check_people(parts.github, parts.teams, parts.environments),
    check_tag_prefixes,
    check_services,
    check_pull_requests,
    check_repositories,
    lambda parts: check_placements(parts.argocd_namespace, parts.environments, parts.services),
    check_quotas,
    _check_differences,
    _check_adopt,
)
