"""What this platform is made of: `.slipway/platform.json`, with its reader and its writer.

The platform's Pulumi program writes the file with `dump`; the release program reads it with `load`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway_release import fields
from slipway_release.choices import Delivery, Images, Rollback, Sync
from slipway_release.errors import RefusedError
from slipway_release.fields import Document

PATH = ".slipway/platform.json"
"""Its path in the environment repository."""
DEFAULT_PATH = Path(__file__).parents[1] / "platform.json"
MAIN = "main"
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
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


def load(path: Path = DEFAULT_PATH) -> Platform:
    """Read and check the file."""
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RefusedError(f"{path}: missing; the platform's `pulumi up` writes it") from None
    except ValueError as error:
        raise RefusedError(f"{path}: not JSON: {error}; restore it with the platform's `pulumi up`") from None
    return parse(fields.document(content, path.name))


def parse(source: fields.Document) -> Platform:
    """The platform that a document describes."""
    where = "platform.json"
    registry = fields.child(source, "registry", where)
    argocd = fields.optional_document(source, "argocd") or {}
    owner, repository = fields.text(source, "owner", where), fields.text(source, "environmentRepository", where)
    return Platform(
        owner=owner,
        environment_repository=repository.rpartition("/")[2],
        api_url=fields.text(source, "apiUrl", where).rstrip("/"),
        server_url=fields.text(source, "serverUrl", where).rstrip("/"),
        registry_host=fields.text(registry, "host", f"{where}.registry"),
        registry_insecure=registry.get("insecure") is True,
        image_platforms=fields.texts(registry, "platforms", f"{where}.registry"),
        attestations=registry.get("attestations") is True,
        sbom=registry.get("sbom") is True,
        environments=tuple(
            _environment(item, f"{where}.environments[{index}]")
            for index, item in enumerate(fields.documents(source.get("environments"), f"{where}.environments"))
        ),
        services=tuple(
            _service(item, owner, f"{where}.services[{index}]")
            for index, item in enumerate(fields.documents(source.get("services"), f"{where}.services"))
        ),
        argocd_login=fields.optional_text(argocd, "login"),
        argocd_url=fields.optional_text(argocd, "url"),
        infrastructure_kinds=fields.texts(source, "infrastructureKinds", where),
        kubernetes_version=fields.optional_text(source, "kubernetesVersion"),
        api_versions=fields.texts(source, "apiVersions", where),
        helm=_helm(fields.optional_document(source, "helm"), f"{where}.helm"),
        slipway_version=fields.optional_text(source, "slipwayVersion"),
    )


def _helm(source: fields.Document | None, where: str) -> Helm | None:
    if source is None:
        return None
    checksums = fields.optional_document(source, "checksums") or {}
    return Helm(fields.text(source, "version", where), {name: str(text) for name, text in checksums.items()})


def _environment(source: fields.Document, where: str) -> Environment:
    return Environment(
        name=_name(source, where),
        sync=fields.choice(source, "sync", Sync, where),
        images=fields.choice(source, "images", Images, where),
        branch=fields.optional_text(source, "branch"),
        delivery=fields.choice(source, "delivery", Delivery, where),
        target_branch=fields.optional_text(source, "targetBranch") or MAIN,
        rollback=fields.choice(source, "rollback", Rollback, where),
        tag_prefix=fields.optional_text(source, "tagPrefix"),
        prereleases=source.get("prereleases") is True,
        requires=fields.texts(source, "requires", where),
        verification_deadline_seconds=fields.number(source, "verificationDeadlineSeconds", where),
        url=fields.optional_text(source, "url"),
        approval=source.get("approval") is True,
        approvers=fields.texts(source, "approvers", where),
        freezers=fields.texts(source, "freezers", where),
        kinds=fields.texts(source, "kinds", where),
        sync_windows=fields.optional_text(source, "syncWindows"),
        image_sources=fields.texts(source, "imageSources", where),
        pod_security=fields.optional_text(source, "podSecurity"),
    )


def _name(source: fields.Document, where: str) -> str:
    """Names become paths, and cells of tables: a pull request may propose any."""
    name = fields.text(source, "name", where)
    if _NAME.fullmatch(name) is None:
        raise RefusedError(f"{where}.name: {name!r} is not a name; restore the file with the platform's `pulumi up`")
    return name


def _service(source: fields.Document, owner: str, where: str) -> Service:
    repository = fields.text(source, "repository", where)
    return Service(
        name=_name(source, where),
        repository=repository if "/" in repository else f"{owner}/{repository}",
        team=fields.optional_text(source, "team") or "",
        environments=fields.texts(source, "environments", where),
        image=fields.text(source, "image", where),
        release_workflow=fields.optional_text(source, "releaseWorkflow") or RELEASE_WORKFLOW,
        maintenance_branch=fields.optional_text(source, "maintenanceBranch"),
        holders={
            name: fields.texts(holders, name, f"{where}.holders")
            for holders in [fields.optional_document(source, "holders") or {}]
            for name in holders
        },
        values={
            name: fields.document(values, f"{where}.values.{name}")
            for name, values in (fields.optional_document(source, "values") or {}).items()
        },
    )


def dump(platform: Platform) -> str:
    """The text of the file; `parse` reads back the same platform."""
    content = {
        "slipwayVersion": platform.slipway_version,
        "owner": platform.owner,
        "environmentRepository": platform.environment_repository,
        "apiUrl": platform.api_url,
        "serverUrl": platform.server_url,
        "registry": {
            "host": platform.registry_host,
            "insecure": platform.registry_insecure,
            "platforms": list(platform.image_platforms),
            "attestations": platform.attestations,
            "sbom": platform.sbom,
        },
        "argocd": {"login": platform.argocd_login, "url": platform.argocd_url},
        "infrastructureKinds": list(platform.infrastructure_kinds),
        "kubernetesVersion": platform.kubernetes_version,
        "apiVersions": list(platform.api_versions),
        "helm": platform.helm and {"version": platform.helm.version, "checksums": dict(platform.helm.checksums)},
        "environments": [_environment_document(environment) for environment in platform.environments],
        "services": [_service_document(service) for service in platform.services],
    }
    return json.dumps(content, indent=2) + "\n"


def _environment_document(environment: Environment) -> dict[str, object]:
    return {
        "name": environment.name,
        "sync": environment.sync,
        "images": environment.images,
        "branch": environment.branch,
        "delivery": environment.delivery,
        "targetBranch": environment.target_branch,
        "rollback": environment.rollback,
        "tagPrefix": environment.tag_prefix,
        "prereleases": environment.prereleases,
        "requires": list(environment.requires),
        "verificationDeadlineSeconds": environment.verification_deadline_seconds,
        "url": environment.url,
        "approval": environment.approval,
        "approvers": list(environment.approvers),
        "freezers": list(environment.freezers),
        "kinds": list(environment.kinds),
        **({"syncWindows": environment.sync_windows} if environment.sync_windows else {}),
        "imageSources": list(environment.image_sources),
        **({"podSecurity": environment.pod_security} if environment.pod_security else {}),
    }


def _service_document(service: Service) -> dict[str, object]:
    return {
        "name": service.name,
        "repository": service.repository.rpartition("/")[2],
        "team": service.team,
        "environments": list(service.environments),
        "image": service.image,
        "releaseWorkflow": service.release_workflow,
        "maintenanceBranch": service.maintenance_branch,
        "holders": {name: list(teams) for name, teams in service.holders.items()},
        **({"values": dict(service.values)} if service.values else {}),
    }
