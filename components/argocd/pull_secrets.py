"""Pull secrets: in every namespace of an environment, at once and without Git.

Argo CD makes the namespaces from Git, and for new ones that may take until a pull request is merged. A Secret has to
be in a namespace before the first pod, so Pulumi makes sure of the namespace too. Both apply it on the server's side:
Pulumi no more than the mark, Argo CD everything.
"""

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from manifests.argocd.labels import MANAGED_BY
from manifests.infrastructure import namespace
from manifests.model import Environment, Service, Settings, placement_name
from manifests.pull_secret import SECRET_KEY, SECRET_TYPE, docker_configuration


class PullSecretsArgs(TypedDict):
    """Of which environment, and with what."""

    settings: Settings
    """The stack's settings."""
    environment: Environment
    """The environment."""
    services: Sequence[Service]
    """The services that run there."""
    token: pulumi.Output[str]
    """What packages are read with."""
    provider: kubernetes.Provider | None
    """The environment's own cluster; None where it is Argo CD's."""


class PullSecrets(pulumi.ComponentResource):
    """The pull secrets of an environment, one a service."""

    secrets: Sequence[kubernetes.core.v1.Secret]
    """The Secrets; pods come after them."""

    def __init__(self, name: str, args: PullSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:index:PullSecrets", name, {}, opts)
        settings, environment = args["settings"], args["environment"]
        there = pulumi.ResourceOptions(parent=self, provider=args["provider"])
        # Whether a namespace goes with its service is Argo CD's to say.
        kept = pulumi.ResourceOptions.merge(there, pulumi.ResourceOptions(retain_on_delete=True))
        content = args["token"].apply(lambda token: docker_configuration(settings.registry, token))
        secrets: list[kubernetes.core.v1.Secret] = []
        for service in args["services"]:
            place = placement_name(service, environment)
            declared = namespace(settings, service, environment)["metadata"]
            made = kubernetes.core.v1.Namespace(
                f"{name}-{place}-namespace",
                metadata={
                    "name": place,
                    "labels": {MANAGED_BY: settings.mark},
                    # A new mark reaches it before Argo CD has it from Git.
                    "annotations": {"pulumi.com/patchForce": "true"},
                },
                opts=kept,
            )
            secret = kubernetes.core.v1.Secret(
                f"{name}-{place}",
                metadata={"name": settings.registry.pull_secret, "namespace": place, "labels": declared["labels"]},
                type=SECRET_TYPE,
                string_data={SECRET_KEY: content},
                opts=pulumi.ResourceOptions.merge(there, pulumi.ResourceOptions(depends_on=[made])),
            )
            secrets.append(secret)
        self.secrets = secrets
        self.register_outputs({})
