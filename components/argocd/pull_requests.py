"""Pull requests of a service in Argo CD: an AppProject of their own, the pull secret, and what makes Applications."""

from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.argocd.custom_resource import custom_resource
from components.argocd.pull_secrets import PullSecrets
from manifests.model import Environment, Service, Settings
from manifests.pull_requests import application_set, pull_request_project

_DELETING = "5m"
"""How long it waits for what pull requests run to go; where Argo CD is gone, nothing ends it."""


class PullRequestApplicationsArgs(TypedDict):
    """Of which service, and like which environment."""

    settings: Settings
    """The stack's settings."""
    service: Service
    """The service."""
    base: Environment
    """The environment that they are run like."""
    place: Environment
    """Where they run, as `Settings.pull_request_place` has it."""
    packages_token: pulumi.Output[str] | None
    """What pods pull images with; None where the registry lets the nodes pull, or a Secret is made by others."""
    provider: kubernetes.Provider | None
    """The environment's own cluster; None where it is Argo CD's."""


class PullRequestApplications(pulumi.ComponentResource):
    """The labelled pull requests of a service, as Argo CD runs them."""

    def __init__(
        self, name: str, args: PullRequestApplicationsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:index:PullRequestApplications", name, {}, opts)
        settings, service, place = args["settings"], args["service"], args["place"]
        child = pulumi.ResourceOptions(parent=self)
        before: list[pulumi.Resource] = [
            custom_resource(f"{name}-project", pull_request_project(settings, service, place), child)
        ]
        if args["packages_token"] is not None:
            pulling = PullSecrets(
                f"{name}-pull-secrets",
                {
                    "settings": settings,
                    "environment": place,
                    "services": [service],
                    "token": args["packages_token"],
                    "provider": args["provider"],
                },
                child,
            )
            before += pulling.secrets
        custom_resource(
            f"{name}-applications",
            application_set(settings, service, args["base"], place),
            pulumi.ResourceOptions(
                parent=self, depends_on=before, custom_timeouts=pulumi.CustomTimeouts(delete=_DELETING)
            ),
        )
        self.register_outputs({})
