"""`.slipway/platform.json` of the environment repository: what the release program must know of the settings."""

from collections.abc import Iterable, Mapping, Sequence

from manifests.access import Action, Right, rights_by_place, teams_that_freeze
from manifests.admission import sources
from manifests.app_project import INFRASTRUCTURE_CLUSTER_KINDS, INFRASTRUCTURE_KINDS, Kind, service_kinds
from manifests.argocd.helm import helm_of
from manifests.infrastructure import pod_security
from manifests.model import Admission, Attestations, Environment, Sbom, Service, Settings
from manifests.platform_values import platform_values
from slipway_release import platform_file, platform_types
from slipway_release.version import VERSION

PATH = platform_file.PATH


def platform_text(settings: Settings) -> str:
    """The file's text."""
    return platform_file.dump(_platform(settings))


def _platform(settings: Settings) -> platform_types.Platform:
    github = settings.github
    rights = rights_by_place(settings)
    return platform_types.Platform(
        owner=github.owner,
        environment_repository=github.environment_repository,
        api_url=github.api_url,
        server_url=github.base_url.rstrip("/"),
        registry_host=settings.registry.host,
        registry_insecure=settings.registry.insecure,
        image_platforms=settings.registry.platforms,
        attestations=settings.registry.attestations is Attestations.REQUIRED,
        sbom=settings.registry.sbom is Sbom.REQUIRED,
        environments=tuple(_environment(settings, environment) for environment in settings.environments),
        services=tuple(_service(settings, service, rights) for service in settings.services),
        argocd_login=github.argocd.login,
        argocd_url=settings.argocd.url,
        kubernetes_version=settings.cluster.kubernetes_version,
        api_versions=settings.cluster.api_versions,
        helm=platform_types.Helm(helm.version, helm.checksums) if (helm := helm_of(settings.argocd)) else None,
        slipway_version=VERSION,
        infrastructure_kinds=_kinds((*INFRASTRUCTURE_KINDS, *INFRASTRUCTURE_CLUSTER_KINDS)),
    )


def _environment(settings: Settings, environment: Environment) -> platform_types.Environment:
    return platform_types.Environment(
        name=environment.name,
        sync=environment.sync,
        images=environment.images,
        branch=environment.tracked_branch,
        delivery=environment.delivery,
        target_branch=environment.target_branch,
        rollback=environment.rollback,
        tag_prefix=environment.tag_prefix,
        prereleases=environment.takes_prereleases,
        requires=environment.requires,
        verification_deadline_seconds=environment.verification_deadline_seconds,
        url=environment.address,
        approval=bool(environment.approvers),
        approvers=environment.approvers,
        freezers=teams_that_freeze(settings, environment),
        kinds=_kinds(service_kinds(settings, environment)),
        sync_windows=environment.sync_windows_in_words or None,
        image_sources=sources(settings, environment) if environment.admission is Admission.ENFORCE else (),
        pod_security=pod_security(environment),
    )


def _kinds(kinds: Iterable[Kind]) -> tuple[str, ...]:
    return tuple(f"{group}/{kind}" if group else kind for group, kind in kinds)


def _service(
    settings: Settings, service: Service, rights: Mapping[tuple[str, str], Sequence[Right]]
) -> platform_types.Service:
    return platform_types.Service(
        name=service.name,
        repository=f"{settings.github.owner}/{service.repository_name}",
        team=service.team,
        values={
            environment.name: values
            for environment in settings.environments_of(service)
            if (values := platform_values(settings, service, environment))
        },
        environments=tuple(environment.name for environment in settings.environments_of(service)),
        image=settings.image(service),
        maintenance_branch=service.maintenance_branch,
        holders={
            environment.name: tuple(
                right.team for right in rights[service.name, environment.name] if Action.HOLD in right.actions
            )
            for environment in settings.environments_of(service)
        },
    )
