"""The rules between parts of a stack file: names that must exist, must differ, must fit together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from manifests.app_project import SERVICE_KINDS
from manifests.model import (
    AUTOMATION,
    PULL_REQUESTS,
    ArgoCD,
    Environment,
    GitHub,
    Images,
    Registry,
    Service,
    SignOnProvider,
    Team,
    adoptables,
)
from manifests.model.image_names import IMAGE_PART, IMAGE_PART_MEANING
from manifests.model.kinds import OF_CORE
from stacks.image_checks import check_argocd_image, check_bill_of_materials, check_images, check_known
from stacks.people_checks import check_people
from stacks.placement_checks import check_placements
from stacks.problems import Problem, listed
from stacks.quotas import check_quantities, check_quota
from stacks.reading import Found
from templates.service_template import ServiceTemplate

RESERVED_ENVIRONMENTS = frozenset({"default", "infrastructure", AUTOMATION, PULL_REQUESTS})


@dataclass(frozen=True)
class Parts:
    """What could be read of a stack file, and the names that are in it even where the rest could not be read."""

    github: Found[GitHub] | None
    argocd_namespace: str
    argocd: Found[ArgoCD] | None
    registry: Found[Registry] | None
    keeps_keys_from_pull_requests: str
    """Why the image of a pull request could not be built; empty where the workflow's own token is enough."""
    teams: list[Found[Team]]
    environments: list[Found[Environment]]
    services: list[Found[Service]]
    adopt: list[Found[str]]
    team_names: set[str]
    environment_names: set[str]
    templates: Mapping[str, ServiceTemplate]

    @property
    def makes_pull_secrets(self) -> bool:
        """Whether namespaces get a Secret that pods pull with."""
        return self.registry is not None and self.registry.value.pull_username is not None


def check_parts(parts: Parts) -> list[Problem]:
    """Every broken rule."""
    return [problem for check in _CHECKS for problem in check(parts)]


def _check_github(parts: Parts) -> Iterator[Problem]:
    if parts.github is None:
        return
    github = parts.github
    apps = {name: app.id for name in ("promoter", "requester", "argocd") if (app := getattr(github.value, name))}
    for name, other in _repeated(apps.items()):
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
    if parts.github is not None and parts.github.value.platform_team is None and not sso.admin:
        text = "Argo CD would have no administrator: its `admin` is off with single sign-on; set `github.platformTeam`"
        yield Problem(at("sso"), text)


def _check_teams(parts: Parts) -> Iterator[Problem]:
    yield from _duplicates(parts.teams, lambda team: team.name)
    for team in parts.teams:
        if team.value.existing and team.value.members:
            yield Problem(team.at("members"), "the team is `existing`; use none, its members are managed elsewhere")
        members = team.value.members
        for index, first in _repeated((index, member.login.lower()) for index, member in enumerate(members)):
            text = f"{members[int(index)].login!r} is also members[{first}]; use once"
            yield Problem(team.at("members", index, "login"), text)


def _check_environments(parts: Parts) -> Iterator[Problem]:
    if not parts.environment_names:
        yield Problem("environments", "there is none; use a list with at least one, in promotion order")
    yield from _duplicates(parts.environments, lambda environment: environment.name)
    seen: list[str] = []
    # Where one cannot be read at all, its place is not known.
    unread = parts.environment_names - {found.value.name for found in parts.environments}
    for found in parts.environments:
        environment = found.value
        if environment.name in RESERVED_ENVIRONMENTS:
            yield Problem(found.at("name"), f"{environment.name!r} is the platform's own; use another name")
        for index, first in _repeated((index, one.identity) for index, one in enumerate(environment.sync_windows)):
            text = f"begins when syncWindows[{first}] begins and lasts as long, which Argo CD refuses; use once"
            yield Problem(found.at("syncWindows", index), text)
        yield from _check_branch(found)
        yield from _check_cluster(parts, found)
        yield from _check_production(found)
        for key in ("approvers", "operators", "viewers"):
            yield from _check_team_list(found, key, getattr(environment, key), parts.team_names)
        for index, name in enumerate(environment.requires):
            if name not in seen and name not in unread:
                what = "comes later" if name in parts.environment_names and name != environment.name else "is none"
                what = "is this one" if name == environment.name else what
                earlier = f"allowed are earlier environments: {listed(seen)}"
                yield Problem(found.at("requires", index), f"{name!r} {what}; {earlier}")
        seen.append(environment.name)


def _check_team_list(found: Found[Environment], key: str, teams: Sequence[str], known: set[str]) -> Iterator[Problem]:
    yield from _unknown(found, key, teams, "a team", known)
    for index, first in _repeated(enumerate(teams)):
        yield Problem(found.at(key, index), f"{teams[index]!r} is also {key}[{first}]; use once")


def _check_cluster(parts: Parts, found: Found[Environment]) -> Iterator[Problem]:
    environment = found.value
    if environment.context is not None and not environment.is_remote:
        yield Problem(found.at("context"), "the environment runs beside Argo CD; remove it, or name its `cluster`")
    if environment.server is not None and not (environment.is_remote and environment.context):
        yield Problem(found.at("server"), "it registers a `cluster` by its `context`; add both, or remove it")
    if environment.is_remote and environment.context is None and parts.makes_pull_secrets:
        text = "missing with `registry.pullUsername`; add the context of `cluster.kubeconfig` that reaches the cluster"
        yield Problem(found.at("context"), text)


def _check_servers(parts: Parts) -> Iterator[Problem]:
    """A cluster is registered once, by the first environment that says how."""
    first: dict[str | None, tuple[str, str]] = {}
    for found in parts.environments:
        environment = found.value
        if environment.server is None:
            continue
        name, server = first.setdefault(environment.cluster, (environment.name, environment.server))
        if server != environment.server:
            text = f"{environment.cluster} is at {server} in {name}; use one address, or another `cluster`"
            yield Problem(found.at("server"), text)


def _check_branch(found: Found[Environment]) -> Iterator[Problem]:
    if found.broken & {"images", "branch"}:
        return
    environment = found.value
    if environment.images is Images.BRANCH and environment.branch is None:
        yield Problem(found.at("branch"), "missing with `images: branch`; use the service branch that it follows")
    if environment.images is not Images.BRANCH and environment.branch is not None:
        text = f"{environment.branch!r} with `images: {environment.images}`; allowed with `images: branch` only"
        yield Problem(found.at("branch"), text)
    if environment.images is Images.BRANCH and environment.tag_prefix is not None:
        text = "an environment with `images: branch` takes no tags; allowed with `images: main` or `images: release`"
        yield Problem(found.at("tagPrefix"), text)


def _check_production(found: Found[Environment]) -> Iterator[Problem]:
    """Production takes versioned tags only; who wants something else must not call it production."""
    environment = found.value
    if environment.name.startswith("prod") and environment.images is not Images.RELEASE:
        text = f"{environment.name} would take unversioned images; use `release`"
        yield Problem(found.at("images"), text)


def _check_tag_prefixes(parts: Parts) -> Iterator[Problem]:
    prefixes = [(found, found.value.tag_prefix) for found in parts.environments if found.value.tag_prefix]
    for found, first in _repeated(prefixes):
        text = f"{found.value.tag_prefix!r} also belongs to {first.value.name}; use a prefix of its own"
        yield Problem(found.at("tagPrefix"), text)
    for found, prefix in prefixes:
        for other, shorter in prefixes:
            # Rules of tags know patterns only: `prod-v*` is about `prod-v2-v1.0.0` too.
            if prefix.startswith(f"{shorter}-v"):
                text = f"tags that begin with {prefix!r} fit the rules of {other.value.name} ({shorter}-v*) too"
                yield Problem(found.at("tagPrefix"), f"{text}; use a prefix without `-v`")


def _check_services(parts: Parts) -> Iterator[Problem]:
    yield from _duplicates(parts.services, lambda service: service.name)
    for found in parts.services:
        service = found.value
        if service.team not in parts.team_names:
            yield Problem(
                found.at("team"), f"{service.team!r} is not a team: use one of {listed(sorted(parts.team_names))}"
            )
        if service.template not in parts.templates:
            yield Problem(
                found.at("template"), f"{service.template!r} is not a template: use one of {listed(parts.templates)}"
            )
        chosen = service.environments or ()
        yield from _unknown(found, "environments", chosen, "an environment", parts.environment_names)
        for index, first in _repeated(enumerate(chosen)):
            yield Problem(found.at("environments", index), f"{chosen[index]!r} is also environments[{first}]; use once")
        here = set(chosen) if service.environments is not None else parts.environment_names
        for name in service.overrides:
            if name not in here:
                text = f"the service does not run in {name!r}; use one of {listed(sorted(here))}"
                yield Problem(found.at("overrides", name), text)


def _check_pull_requests(parts: Parts) -> Iterator[Problem]:
    environments = {found.value.name: found.value for found in parts.environments}
    for found in parts.services:
        service = found.value
        if service.pull_requests is None or "pullRequests" in found.broken:
            continue
        here = [name for name in environments if service.environments is None or name in service.environments]
        wanted = service.pull_requests.environment or (here[0] if here else None)
        if wanted is not None and wanted not in here:
            text = f"the service does not run in {wanted!r}; use one of {listed(sorted(here))}"
            yield Problem(found.at("pullRequests", "environment"), text)
        if reason := parts.keeps_keys_from_pull_requests:
            yield Problem(found.at("pullRequests"), f"{reason}, which runs of pull requests do not get; remove it")
        if wanted in here and environments[wanted].is_production_like:
            text = f"{wanted} takes versioned releases only; use another environment"
            yield Problem(found.at("pullRequests", "environment"), text)


def _check_repositories(parts: Parts) -> Iterator[Problem]:
    names: list[tuple[str, str]] = []
    if parts.github is not None:
        names.append((parts.github.at("environmentRepository"), parts.github.value.environment_repository.lower()))
    for found in parts.services:
        key = "name" if found.value.repository is None else "repository"
        names.append((found.at(key), found.value.repository_name.lower()))
        if not IMAGE_PART.fullmatch(found.value.repository_name.lower()):
            text = f"{found.value.repository_name!r} cannot be part of an image's name"
            yield Problem(found.at(key), f"{text}; use {IMAGE_PART_MEANING}")
    for path, first in _repeated(names):
        yield Problem(path, f"the repository is also that of {first}; use a repository of its own (why: docs/adr/0019)")


def _check_quotas(parts: Parts) -> Iterator[Problem]:
    for found in parts.services:
        if "overrides" not in found.broken:
            yield from check_quantities(found)
        for environment in parts.environments:
            chosen = found.value.environments
            here = chosen is None or environment.value.name in chosen
            template = parts.templates.get(found.value.template)
            if here and template is not None and "overrides" not in found.broken:
                yield from check_quota(environment, found.value, template)


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


def _duplicates(parts: Iterable[Found[Any]], name: Callable[[Any], str]) -> Iterator[Problem]:
    for path, first in _repeated((part.at("name"), name(part.value)) for part in parts):
        yield Problem(path, f"the name is that of {first} too; use each name once")


def _unknown(found: Found[Any], key: str, names: Iterable[str], what: str, known: set[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in known:
            yield Problem(found.at(key, index), f"{name!r} is not {what}; use one of {listed(sorted(known))}")


def _repeated(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Those whose second half came before, each with the one it came with first."""
    first: dict[Any, Any] = {}
    for thing, value in pairs:
        if value in first:
            yield thing, first[value]
        first.setdefault(value, thing)


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
    _check_environments,
    _check_servers,
    lambda parts: check_people(parts.github, parts.teams, parts.environments),
    _check_tag_prefixes,
    _check_services,
    _check_pull_requests,
    _check_repositories,
    lambda parts: check_placements(parts.argocd_namespace, parts.environments, parts.services),
    _check_quotas,
    _check_differences,
    _check_adopt,
)
