"""Environments in Argo CD: an AppProject, an infrastructure Application, and an Application a service."""

import json
from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.apiextensions import CustomResource

from components.argocd.custom_resource import custom_resource
from components.argocd.pull_requests import PullRequestApplications
from components.argocd.pull_secrets import PullSecrets, PullSecretsArgs
from manifests.app_project import app_project, infrastructure_project
from manifests.application import application, infrastructure_application
from manifests.model import Environment, Service, Settings, placement_name

_SETTLED = ["jsonpath={.status.sync.status}=Synced", "jsonpath={.status.health.status}=Healthy"]
# Where Argo CD is gone, nothing acts on a finalizer, and a destroy must not wait for it.
_DELETING = "3m"
_SETTLING = pulumi.CustomTimeouts(create="5m", update="5m", delete=_DELETING)


class EnvironmentApplicationsArgs(TypedDict):
    """Which environment, and what must be there before."""

    settings: Settings
    """The stack's settings."""
    environment: Environment
    """The environment."""
    infrastructure_project: CustomResource
    """The AppProject of all infrastructure Applications."""
    pull_request: pulumi.Output[str]
    """The URL of a pull request with files that the Applications need; empty if all are there."""
    installed: Sequence[pulumi.Resource]
    """Argo CD and what it reads."""
    packages_token: pulumi.Output[str] | None
    """What pods pull images with; None where the registry lets the nodes pull, or a Secret is made by others."""
    provider: kubernetes.Provider | None
    """The environment's own cluster; None where it is Argo CD's."""


class EnvironmentApplications(pulumi.ComponentResource):
    """An environment as Argo CD sees it."""

    project: CustomResource
    """Its AppProject."""
    applications: dict[str, CustomResource]
    """Its Applications, by service."""

    def __init__(
        self, name: str, args: EnvironmentApplicationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:index:EnvironmentApplications", name, {}, opts)
        settings, environment = args["settings"], args["environment"]
        self.project = custom_resource(
            f"{name}-project",
            app_project(settings, environment),
            pulumi.ResourceOptions(parent=self, depends_on=list(args["installed"])),
        )
        infrastructure = infrastructure_application(settings, environment)
        # Services need their namespaces. Before the pull request with them is merged, waiting would only time out.
        infrastructure["metadata"]["annotations"] = args["pull_request"].apply(_waits)
        namespaces = custom_resource(
            f"{name}-infrastructure",
            infrastructure,
            pulumi.ResourceOptions(
                parent=self,
                depends_on=[args["infrastructure_project"], *args["installed"]],
                custom_timeouts=_SETTLING,
            ),
        )
        before: list[pulumi.Resource] = [self.project, namespaces]
        if args["packages_token"] is not None:
            pulling: PullSecretsArgs = {
                "settings": settings,
                "environment": environment,
                "services": settings.services_of(environment),
                "token": args["packages_token"],
                "provider": args["provider"],
            }
            before += PullSecrets(f"{name}-pull-secrets", pulling, pulumi.ResourceOptions(parent=self)).secrets
        self.applications = {
            service.name: self._application(settings, service, environment, before)
            for service in settings.services_of(environment)
        }
        for service, place in settings.pull_request_places(environment):
            PullRequestApplications(
                placement_name(service, place),
                {
                    "settings": settings,
                    "service": service,
                    "base": environment,
                    "place": place,
                    "packages_token": args["packages_token"],
                    "provider": args["provider"],
                },
                pulumi.ResourceOptions(parent=self, depends_on=[*args["installed"], namespaces]),
            )
        self.register_outputs({"applications": list(self.applications)})

    def _application(
        self, settings: Settings, service: Service, environment: Environment, dependencies: list[pulumi.Resource]
    ) -> CustomResource:
        return custom_resource(
            f"{placement_name(service, environment)}-application",
            application(settings, service, environment),
            pulumi.ResourceOptions(
                parent=self, depends_on=dependencies, custom_timeouts=pulumi.CustomTimeouts(delete=_DELETING)
            ),
        )


def shared_project(
    name: str, settings: Settings, leaving: Mapping[str, Sequence[str]], opts: pulumi.ResourceOptions
) -> CustomResource:
    """The AppProject of all infrastructure Applications.

    Args:
        name: its logical name.
        settings: the stack's settings.
        leaving: more namespaces, by environment: those that only Git still has.
        opts: of the resource.
    """
    return custom_resource(name, infrastructure_project(settings, leaving), opts)


def _waits(pull_request: str) -> dict[str, str]:
    return {} if pull_request else {"pulumi.com/waitFor": json.dumps(_SETTLED)}
