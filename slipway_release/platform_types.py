"""What this platform is made of: environments, services and what they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway_release.choices import Delivery, Images, Rollback, Sync
from slipway_release.errors import RefusedError
from slipway_release.fields import Document

MAIN = "main"
RELEASE_WORKFLOW = ".github/workflows/release.yml"
"""The workflow of a service's repository that releases it."""


@dataclass(frozen=True)
class Environment:
    """A place where services run, in promotion order."""

    name: str
    sync: Sync
    images: Images
    branch: str | None
    delivery: Delivery
    target_branch: str
    rollback: Rollback
    tag_prefix: str | None
    prereleases: bool
    requires: tuple[str, ...]
    verification_deadline_seconds: int
    url: str | None
    approval: bool
    approvers: tuple[str, ...] = ()
    """The teams of which one member approves each release."""
    freezers: tuple[str, ...] = ()
    """The teams that may freeze it, and end that."""
    kinds: tuple[str, ...] = ()
    """What its AppProject permits, as `group/Kind` or, without a group, `Kind`; empty where the file does not say."""
    sync_windows: str | None = None
    """Its sync windows in words; None without any."""
    image_sources: tuple[str, ...] = ()
    """Where its cluster takes images from, as hosts with paths; empty where it takes them from everywhere."""
    pod_security: str | None = None
    """The level of Pod Security that its namespaces enforce; None where the file does not say."""

    @property
    def windows_note(self) -> str:
        """What is added to words about a release that is not synced yet; empty without sync windows."""
        return f"; syncs are {self.sync_windows}" if self.sync_windows else ""

    @property
    def tracked_branch(self) -> str | None:
        """The branch of services that it follows."""
        return {Images.MAIN: MAIN, Images.BRANCH: self.branch}.get(self.images)

    @property
    def approves_jobs(self) -> bool:
        """Whether people approve the job that delivers; where a pull request delivers, they review that instead."""
        return self.approval and self.delivery is not Delivery.PULL_REQUEST

    def service_url(self, service: str) -> str | None:
        """Where a service answers in it."""
        if self.url is None:
            return None
        return service_url(self.url, service, self.name)


@dataclass(frozen=True)
class Service:
    """A deployable thing that a team owns."""

    name: str
    repository: str
    """Its full name, with the owner."""
    team: str
    environments: tuple[str, ...]
    image: str
    release_workflow: str = RELEASE_WORKFLOW
    maintenance_branch: str | None = None
    """The pattern of its protected branches of older versions, such as `release/{major}.{minor}`."""
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """The teams that may hold a version and release it from hold, by environment."""
    values: Mapping[str, Document] = field(default_factory=dict[str, Document])
    """The platform's own chart values by environment; they win over every file."""

    @property
    def main_workflow(self) -> str:
        """The workflow that builds images of branches; it stands beside the release workflow."""
        return f"{self.release_workflow.rpartition('/')[0]}/main.yml"


@dataclass(frozen=True)
class Helm:
    """The Helm that Argo CD renders with."""

    version: str
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    """SHA-256 of its archives for Linux, by architecture."""


@dataclass(frozen=True)
class Platform:
    """The whole of it."""

    owner: str
    environment_repository: str
    api_url: str
    server_url: str
    registry_host: str
    registry_insecure: bool
    environments: tuple[Environment, ...]
    services: tuple[Service, ...]
    argocd_login: str | None = None
    """The account of Argo CD's GitHub App, such as `argocd[bot]`; None where the settings do not name it."""
    argocd_url: str | None = None
    """Where Argo CD answers; None where the settings do not say."""
    infrastructure_kinds: tuple[str, ...] = ()
    """What the AppProject of `infrastructure/` permits, as in an environment."""
    kubernetes_version: str | None = None
    """What charts are to take the cluster for; None is Helm's own default."""
    api_versions: tuple[str, ...] = ()
    """What charts find in the cluster beside Kubernetes' own, such as `monitoring.coreos.com/v1`."""
    helm: Helm | None = None
    """What Argo CD renders with; None where the settings do not say."""
    slipway_version: str | None = None
    """The version of Slipway that wrote the file; None of one before 0.2.0."""
    image_platforms: tuple[str, ...] = ()
    """What images are built for; empty for the runner's own platform."""
    attestations: bool = False
    """Whether only images are promoted that GitHub says main's release workflow has built."""
    sbom: bool = False
    """Whether an attested image has to have a bill of materials beside it."""

    @property
    def repository(self) -> str:
        """The environment repository's full name."""
        return f"{self.owner}/{self.environment_repository}"

    def service(self, name: str) -> Service:
        """The service of that name, or a refusal that names the known ones."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services) or "none"
        raise RefusedError(f"service {name!r}: not a service of this platform; known are {known}")

    def story_of(self, service: Service) -> str:
        """Where the releases of a service are told as they happen, as Markdown."""
        return f"Its story: [deployments of {service.name}]({self.story_url(service)})."

    def story_url(self, service: Service) -> str:
        """Where the releases of a service are told as they happen; notifications of Argo CD name it too."""
        return f"{self.server_url}/{service.repository}/deployments"

    def service_of(self, repository: str) -> Service:
        """The service whose repository it is."""
        for service in self.services:
            if service.repository.lower() == repository.lower():
                return service
        raise RefusedError(f"repository {repository!r}: no service of this platform; add it to the platform's settings")

    def environment(self, name: str) -> Environment:
        """The environment of that name, or a refusal that names the known ones."""
        for environment in self.environments:
            if environment.name == name:
                return environment
        known = ", ".join(environment.name for environment in self.environments)
        raise RefusedError(f"environment {name!r}: not an environment of this platform; known are {known}")

    def environments_of(self, service: Service) -> list[Environment]:
        """The environments that a service runs in, in promotion order."""
        return [environment for environment in self.environments if environment.name in service.environments]


def service_url(pattern: str, service: str, environment: str) -> str:
    """Where a service answers in an environment, from the environment's `url`."""
    return filled(pattern, service, environment)


def filled(pattern: str, service: str, environment: str) -> str:
    """A text of the settings with its placeholders filled in."""
    return pattern.replace("{service}", service).replace("{environment}", environment)


def placement_name(service: str, environment: str) -> str:
    """The name of the namespace and the Application of a service in an environment."""
    return f"{service}-{environment}"
