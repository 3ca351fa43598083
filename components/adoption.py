"""Adoption: what exists already is taken into the state, as `slipway:adopt` names it, and not made a second time.

Pulumi imports a resource whose options say under which id it exists, and then brings it to what is declared. This says
the ids. Only what cannot be made twice has one: GitHub takes the settings of a repository, accesses and secrets again,
and server-side apply does so in the cluster.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.parse import quote

import pulumi

from components.github.api import GitHubApi
from components.state import State
from manifests.model import RELEASE, REPOSITORY, TEAM, Settings


class Adoption:
    """Gives resources of what is adopted the id under which they exist."""

    def __init__(self, settings: Settings, api: GitHubApi, state: State | None, *, has_release: bool) -> None:
        """Takes what decides.

        Args:
            settings: the stack's settings.
            api: GitHub; it is only read.
            state: what Pulumi knows already, and so is not imported.
            has_release: whether the cluster has the Helm release of Argo CD.
        """
        self._settings: Settings = settings
        self._organisation: str = f"/orgs/{settings.github.owner}"
        self._repositories: str = f"/repos/{settings.github.owner}"
        self._api: GitHubApi = api
        self._state: State | None = state
        self._has_release: bool = has_release

    def __call__(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """The transformation that the platform is given."""
        parent = args.opts.parent
        if parent is None or (self._state is not None and self._state.has(args.type_, args.name)):
            return None
        identity = self._identity(args.type_, args.name, _plain(args.props), parent)
        if identity is None:
            return None
        options = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(import_=identity))
        return pulumi.ResourceTransformationResult(args.props, options)

    def _identity(self, kind: str, name: str, props: Mapping[str, Any], parent: pulumi.Resource) -> str | None:
        settings, owner = self._settings, parent.pulumi_resource_name
        name = name.removeprefix(f"{owner}-")
        match parent.pulumi_resource_type:
            case "slipway:index:TeamAccess" if settings.adopts(TEAM, owner):
                return self._team(kind, owner)
            case "slipway:index:EnvironmentRepository" if settings.adopts(REPOSITORY, owner):
                return self._of_repository(kind, name, props, owner)
            case "slipway:index:ServiceRepository":
                (service,) = [service for service in settings.services if service.name == owner]
                if settings.adopts(REPOSITORY, service.repository_name):
                    return self._of_repository(kind, name, props, service.repository_name)
            case "slipway:index:ArgoCDInstallation" if settings.adopts(RELEASE, owner):
                if kind == "kubernetes:helm.sh/v3:Release" and self._has_release:
                    return f"{settings.argocd.namespace}/{owner}"
            case _:
                pass
        return None

    def _team(self, kind: str, name: str) -> str | None:
        if kind not in {"github:index/team:Team", "github:index/teamMembers:TeamMembers"}:
            return None
        found = self._api.find(f"{self._organisation}/teams/{name}")
        return None if found is None else str(found["id"])

    def _of_repository(self, kind: str, name: str, props: Mapping[str, Any], repository: str) -> str | None:
        path = f"{self._repositories}/{quote(repository)}"
        if self._api.find(path) is None:
            return None
        find = _FINDERS.get(kind)
        return None if find is None else find(_Place(self._api, path, repository), props, name)


class _Place:
    """A repository that is looked into."""

    def __init__(self, api: GitHubApi, path: str, repository: str) -> None:
        self.api: GitHubApi = api
        self.path: str = path
        self.repository: str = repository

    def there(self, path: str, *identity: str) -> str | None:
        """The id, if something is there."""
        return None if self.api.find(f"{self.path}/{path}") is None else ":".join((self.repository, *identity))


def _ruleset(place: _Place, props: Mapping[str, Any], _name: str) -> str | None:
    for found in place.api.pages(f"{place.path}/rulesets?includes_parents=false"):
        if found["name"] == props.get("name"):
            return f"{place.repository}:{found['id']}"
    return None


def _webhook(place: _Place, props: Mapping[str, Any], _name: str) -> str | None:
    url = getattr(props.get("configuration"), "url", None)
    for found in place.api.pages(f"{place.path}/hooks"):
        if found.get("config", {}).get("url") == url:
            return f"{place.repository}/{found['id']}"
    return None


def _policy(place: _Place, props: Mapping[str, Any], name: str) -> str | None:
    # The environment's name is an output here; the resource's own is made of it.
    environment = name.partition("-from-")[0]
    found = place.api.find(f"{place.path}/environments/{quote(environment, safe='')}/deployment-branch-policies")
    for policy in cast(dict[str, Any], found or {}).get("branch_policies", []):
        if policy["name"] in {props.get("branch_pattern"), props.get("tag_pattern")}:
            return f"{place.repository}:{environment}:{policy['id']}"
    return None


def _of_name(path: str, key: str) -> Callable[[_Place, Mapping[str, Any], str], str | None]:
    def find(place: _Place, props: Mapping[str, Any], _name: str) -> str | None:
        name = str(props.get(key))
        return place.there(f"{path}/{quote(name, safe='')}", name)

    return find


_FINDERS: dict[str, Callable[[_Place, Mapping[str, Any], str], str | None]] = {
    "github:index/repository:Repository": lambda place, _props, _name: place.repository,
    "github:index/repositoryRuleset:RepositoryRuleset": _ruleset,
    "github:index/repositoryWebhook:RepositoryWebhook": _webhook,
    "github:index/repositoryEnvironment:RepositoryEnvironment": _of_name("environments", "environment"),
    "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy": _policy,
    "github:index/actionsVariable:ActionsVariable": _of_name("actions/variables", "variable_name"),
    "github:index/issueLabel:IssueLabel": _of_name("labels", "name"),
}


def _plain(props: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], props) if isinstance(props, Mapping) else vars(props)
