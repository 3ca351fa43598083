"""The settings of one stack as a whole, and the questions that are asked of more than one part of them."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from manifests.model.argocd import ArgoCD, Cluster, Notifications, Registry, SecretsBackend
from manifests.model.base import varied
from manifests.model.environment import Environment, Removal, Sync
from manifests.model.github import GitHub
from manifests.model.pull_requests import PULL_REQUESTS
from manifests.model.service import Service, Template
from manifests.model.team import Team
from slipway_release import platform_types
from slipway_release.names import DNS_LABEL_LENGTH
from templates import ROOT
from templates.service_template import ServiceTemplate, own_template, service_template

_MARK = "slipway-{stack}-{digest}"
_DIGEST_LENGTH = 6
REPOSITORY, TEAM, RELEASE = "repository", "team", "release"
"""What can be adopted."""
EVERYTHING = "everything"
"""All that carries the stack's mark: what a lost state leaves behind."""


def adoptable(kind: str, name: str) -> str:
    """How `adopt` names something."""
    return f"{kind}/{name}"


def adoptables(github: GitHub, teams: Iterable[Team], services: Iterable[Service]) -> list[str]:
    """All that `adopt` may name."""
    repositories = [github.environment_repository, *(service.repository_name for service in services)]
    return [
        EVERYTHING,
        *(adoptable(REPOSITORY, name) for name in repositories),
        *(adoptable(TEAM, team.name) for team in teams if not team.existing),
        adoptable(RELEASE, "argocd"),
    ]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One platform: one GitHub organisation, one Argo CD, its environments, teams and services."""

    stack: str
    """The Pulumi stack."""
    own_mark: str | None = None
    """The mark that the stack file gives."""
    github: GitHub
    cluster: Cluster
    argocd: ArgoCD
    registry: Registry
    teams: tuple[Team, ...]
    environments: tuple[Environment, ...]
    services: tuple[Service, ...]
    secrets: SecretsBackend
    notifications: Notifications
    templates: tuple[Template, ...] = ()
    """Service templates beside those that come with Slipway."""
    adopt: tuple[str, ...] = ()
    """What exists already and is taken over, such as `repository/guestbook`; `everything` is all that is there."""

    @property
    def mark(self) -> str:
        """What tells this stack's repositories and namespaces from everybody else's; fits the value of a label.

        Two stacks may have one name, in two backends; the environment repository is one platform's alone.
        """
        if self.own_mark is not None:
            return self.own_mark
        repository = f"{self.github.owner}/{self.github.environment_repository}".lower()
        digest = hashlib.sha256(f"{self.stack} {repository}".encode()).hexdigest()[:_DIGEST_LENGTH]
        room = DNS_LABEL_LENGTH - len(_MARK.format(stack="", digest=digest))
        return _MARK.format(stack=self.stack[:room], digest=digest)

    @property
    def name_prefix(self) -> str:
        """What the names of objects without a namespace begin with: the mark, in the letters that Kubernetes takes."""
        return re.sub(r"[-.]*\.[-.]*", ".", self.mark.lower().replace("_", "-"))

    def adopts(self, kind: str, name: str) -> bool:
        """Whether something that exists is taken over."""
        return EVERYTHING in self.adopt or adoptable(kind, name) in self.adopt

    def template(self, service: Service) -> ServiceTemplate:
        """The template that a service starts from."""
        own = next((template for template in self.templates if template.name == service.template), None)
        return template_of(own) if own else service_template(service.template)

    def team(self, name: str) -> Team:
        """The team of that name."""
        return next(team for team in self.teams if team.name == name)

    def environments_of(self, service: Service) -> list[Environment]:
        """The environments a service runs in, in promotion order."""
        return [environment for environment in self.environments if service.runs_in(environment.name)]

    def registered_clusters(self) -> dict[str, Environment]:
        """The clusters that the platform makes known to Argo CD, each with the first environment that says how."""
        found: dict[str, Environment] = {}
        for environment in self.environments:
            if environment.cluster is not None and environment.server is not None:
                found.setdefault(environment.cluster, environment)
        return found

    def services_of(self, environment: Environment) -> list[Service]:
        """The services that run in an environment."""
        return [service for service in self.services if environment in self.environments_of(service)]

    def placements(self) -> Iterator[tuple[Service, Environment]]:
        """Every service in every environment it runs in."""
        for service in self.services:
            for environment in self.environments_of(service):
                yield service, environment

    def all_placements(self) -> Iterator[tuple[Service, Environment]]:
        """The same, and where pull requests are run."""
        yield from self.placements()
        for environment in self.environments:
            yield from self.pull_request_places(environment)

    def pull_request_base(self, service: Service) -> Environment | None:
        """The environment that pull requests of a service are run like; None if they are not run."""
        if service.pull_requests is None:
            return None
        wanted = service.pull_requests.environment
        return next(one for one in self.environments_of(service) if wanted in {None, one.name})

    def pull_request_place(self, service: Service) -> Environment | None:
        """Where they run: like that environment, and apart from it. None if they are not run."""
        base = self.pull_request_base(service)
        if base is None or service.pull_requests is None:
            return None
        quota = service.pull_requests.quota
        return varied(base, name=PULL_REQUESTS, quota=quota, sync=Sync.AUTOMATED, prune=True, removal=Removal.CASCADE)

    def pull_request_places(self, base: Environment) -> list[tuple[Service, Environment]]:
        """The services whose pull requests are run like an environment, each with where they run."""
        return [
            (service, place)
            for service in self.services_of(base)
            if self.pull_request_base(service) == base and (place := self.pull_request_place(service)) is not None
        ]

    def image(self, service: Service) -> str:
        """The image of a service, without tag; registries take small letters only."""
        namespace = self.registry.namespace or self.github.owner.lower()
        return f"{self.registry.host}/{namespace}/{service.repository_name.lower()}"

    def repository_url(self, service: Service) -> str:
        """The page of a service's repository."""
        return f"{self.github.owner_url}/{service.repository_name}"


def template_of(template: Template) -> ServiceTemplate:
    """A template of the platform's own.

    Raises:
        TemplateProblem: there is none at its source.
    """
    return own_template(template.name, template.source, template.version, ROOT.parent)


def placement_name(service: Service, environment: Environment) -> str:
    """The namespace and the Application of a service in an environment."""
    return platform_types.placement_name(service.name, environment.name)
