"""One stack's platform: wires GitHub, Argo CD and the environments together."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.argocd.environments import EnvironmentApplications, shared_project
from components.argocd.installation import ArgoCDInstallation
from components.argocd.registered_cluster import RegisteredCluster, known_as
from components.github.environment_repository import EnvironmentRepository
from components.github.service_repository import ServiceRepository
from components.github.teams import TeamAccess
from components.secrets import PlatformSecrets
from components.state import COMMIT_OUTPUT, PLATFORM, VERSION_OUTPUT
from components.summary import summary
from manifests.model import Settings
from slipway_release.version import VERSION


class PlatformArgs(TypedDict):
    """What a platform is made from."""

    settings: Settings
    """The stack's settings."""
    secrets: PlatformSecrets
    """The stack's secrets."""
    invited: Mapping[str, frozenset[str]]
    """The logins that each team waits for, by the team's name."""
    leaving: Mapping[str, Sequence[str]]
    """The namespaces that Git has and the settings do not, by environment."""
    clusters: Mapping[str, kubernetes.Provider]
    """The clusters of environments that do not run beside Argo CD, by environment."""
    commit: str
    """The commit of the platform repository that this is; empty where none was ever known."""
    registering: Mapping[str, kubernetes.Provider]
    """The clusters that are made known to Argo CD, by their names there."""


def repositories(
    settings: Settings,
    secrets: PlatformSecrets,
    invited: Mapping[str, frozenset[str]],
    options: pulumi.ResourceOptions,
) -> tuple[EnvironmentRepository, list[ServiceRepository]]:
    """What a platform has on GitHub: teams, the environment repository, and the repositories of services.

    Args:
        settings: the stack's settings.
        secrets: the stack's secrets.
        invited: the logins that each team waits for, by the team's name.
        options: of each component.
    """
    teams = {
        team.name: TeamAccess(
            team.name,
            {"team": team, "invited": invited.get(team.name, frozenset()), "mark": settings.mark},
            options,
        )
        for team in settings.teams
    }
    environments = EnvironmentRepository(
        settings.github.environment_repository,
        {"settings": settings, "teams": teams, "secrets": secrets},
        options,
    )
    services = [
        ServiceRepository(
            service.name,
            {
                "settings": settings,
                "service": service,
                "team": teams[service.team],
                "prerequisites": environments.prerequisites,
                "secrets": secrets,
            },
            options,
        )
        for service in settings.services
    ]
    return environments, services


class Platform(pulumi.ComponentResource):
    """Repositories, Argo CD, environments and Applications of one GitHub organisation."""

    summary: dict[str, pulumi.Input[object]]
    """What a person wants to know afterwards."""

    def __init__(self, name: str, args: PlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(PLATFORM, name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        settings, secrets = args["settings"], args["secrets"]
        environments, services = repositories(settings, secrets, args["invited"], child)
        installation = ArgoCDInstallation("argocd", {"settings": settings, "secrets": secrets}, child)
        registered = {
            cluster: RegisteredCluster(
                known_as(cluster),
                {
                    "cluster": cluster,
                    "server": environment.server or "",
                    "namespace": settings.argocd.namespace,
                    "mark": settings.mark,
                    "account": f"{settings.name_prefix}-argocd",
                    "provider": args["registering"][cluster],
                },
                pulumi.ResourceOptions(
                    parent=self,
                    depends_on=[installation.release],
                    aliases=_earlier_names(settings, cluster),
                ),
            ).secret
            for cluster, environment in settings.registered_clusters().items()
        }
        files = [environments.files, *environments.branches, *registered.values()]
        project = shared_project(
            f"{name}-infrastructure-project",
            settings,
            args["leaving"],
            pulumi.ResourceOptions(parent=self, depends_on=[installation.release]),
        )
        for environment in settings.environments:
            EnvironmentApplications(
                environment.name,
                {
                    "settings": settings,
                    "environment": environment,
                    "infrastructure_project": project,
                    "pull_request": environments.files.pull_request,
                    "installed": [installation.release, installation.repository_secret, *files],
                    "packages_token": secrets.packages_token,
                    "provider": args["clusters"].get(environment.name),
                },
                child,
            )
        self.summary = summary(
            settings, [environments.files.pull_request, *(service.files.pull_request for service in services)]
        )
        # The next `pulumi up` reads it.
        self.register_outputs({VERSION_OUTPUT: VERSION, COMMIT_OUTPUT: args["commit"]})


def _earlier_names(settings: Settings, cluster: str) -> list[pulumi.Alias]:
    """Once a registered cluster was called after the first environment on it."""
    taken = {known_as(name) for name in settings.registered_clusters()}
    names = [one.name for one in settings.environments if one.cluster == cluster]
    return [pulumi.Alias(name=name) for name in names if name not in taken]
