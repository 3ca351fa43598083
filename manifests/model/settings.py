"""The settings of one stack as a whole, and the questions that are asked of more than one part of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from manifests.model.argocd import ArgoCD, Cluster, Notifications, Registry, SecretsBackend
from manifests.model.environment import Environment
from manifests.model.github import GitHub
from manifests.model.service import Service
from manifests.model.team import Team
from slipway_release import platform_file


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One platform: one GitHub organisation, one Argo CD, its environments, teams and services."""

    stack: str
    """The Pulumi stack."""
    github: GitHub
    cluster: Cluster
    argocd: ArgoCD
    registry: Registry
    teams: tuple[Team, ...]
    environments: tuple[Environment, ...]
    services: tuple[Service, ...]
    secrets: SecretsBackend
    notifications: Notifications

    @property
    def mark(self) -> str:
        """What tells this stack's repositories and namespaces from everybody else's."""
        return f"slipway-{self.stack}"

    def environments_of(self, service: Service) -> list[Environment]:
        """The environments a service runs in, in promotion order."""
        if service.environments is None:
            return list(self.environments)
        return [environment for environment in self.environments if environment.name in service.environments]

    def services_of(self, environment: Environment) -> list[Service]:
        """The services that run in an environment."""
        return [service for service in self.services if environment in self.environments_of(service)]

    def placements(self) -> Iterator[tuple[Service, Environment]]:
        """Every service in every environment it runs in."""
        for service in self.services:
            for environment in self.environments_of(service):
                yield service, environment

    def image(self, service: Service) -> str:
        """The image of a service, without tag; registries take small letters only."""
        return f"{self.registry.host}/{self.github.owner.lower()}/{service.repository_name.lower()}"

    def repository_url(self, service: Service) -> str:
        """The page of a service's repository."""
        return f"{self.github.owner_url}/{service.repository_name}"


def placement_name(service: Service, environment: Environment) -> str:
    """The namespace and the Application of a service in an environment."""
    return platform_file.placement_name(service.name, environment.name)
