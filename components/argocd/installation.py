"""The installation of Argo CD: its namespace, its Helm release and the credentials it works with."""

from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.secrets import PlatformSecrets
from manifests.argocd import sign_on
from manifests.argocd.labels import MANAGED_BY, MENDED
from manifests.argocd.notifications import GITHUB_KEY, NOTIFICATIONS_SECRET, SLACK_KEY, WEBHOOK_KEY
from manifests.argocd.values import helm_values, merged
from manifests.model import Settings

PARTNERS = {"app.kubernetes.io/part-of": "argocd"}
RELEASE_TIMEOUT_SECONDS = 600
RELEASE_NAME = "argocd"
"""The Helm release; the names of what is cluster-wide begin with it."""


class ArgoCDInstallationArgs(TypedDict):
    """Which Argo CD, and what it may read."""

    settings: Settings
    """The stack's settings."""
    secrets: PlatformSecrets
    """The stack's secrets."""


class ArgoCDInstallation(pulumi.ComponentResource):
    """Argo CD, ready to follow the environment repository."""

    release: kubernetes.helm.v3.Release
    """The Helm release; whatever uses Argo CD's kinds depends on it."""
    repository_secret: kubernetes.core.v1.Secret
    """What Argo CD reads the environment repository with."""

    def __init__(self, name: str, args: ArgoCDInstallationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:index:ArgoCDInstallation", name, {}, opts)
        settings, secrets = args["settings"], args["secrets"]
        namespace = kubernetes.core.v1.Namespace(
            f"{name}-namespace",
            metadata={
                "name": settings.argocd.namespace,
                "labels": {MANAGED_BY: settings.mark},
                "annotations": MENDED,
            },
            opts=pulumi.ResourceOptions(parent=self),
        )
        inside = pulumi.ResourceOptions(parent=self, depends_on=[namespace])
        notifications = kubernetes.core.v1.Secret(
            f"{name}-notifications-secret",
            metadata={
                "name": NOTIFICATIONS_SECRET,
                "namespace": settings.argocd.namespace,
                "labels": PARTNERS,
                "annotations": MENDED,
            },
            string_data=_notification_credentials(settings, secrets),
            opts=inside,
        )
        self.repository_secret = kubernetes.core.v1.Secret(
            f"{name}-repository-secret",
            metadata={
                "name": "environment-repository",
                "namespace": settings.argocd.namespace,
                "labels": {**PARTNERS, "argocd.argoproj.io/secret-type": "repository"},
                "annotations": MENDED,
            },
            string_data=_repository_credentials(settings, secrets),
            opts=inside,
        )
        needed: list[pulumi.Resource] = [namespace, notifications, self.repository_secret]
        if secrets.sso_client_secret is not None:
            needed.append(
                kubernetes.core.v1.Secret(
                    f"{name}-sso-secret",
                    metadata={
                        "name": sign_on.SECRET,
                        "namespace": settings.argocd.namespace,
                        # Argo CD reads references from Secrets with this label alone.
                        "labels": PARTNERS,
                        "annotations": MENDED,
                    },
                    string_data={sign_on.SECRET_KEY: secrets.sso_client_secret},
                    opts=inside,
                )
            )
        self.release = self._release(name, settings, secrets, needed)
        self.register_outputs({"namespace": settings.argocd.namespace})

    def _release(
        self, name: str, settings: Settings, secrets: PlatformSecrets, dependencies: list[pulumi.Resource]
    ) -> kubernetes.helm.v3.Release:
        argocd = settings.argocd
        from_repository = kubernetes.helm.v3.RepositoryOptsArgs(repo=argocd.chart_repository)
        return kubernetes.helm.v3.Release(
            f"{name}-release",
            name=RELEASE_NAME,
            namespace=argocd.namespace,
            chart=argocd.chart,
            version=None if argocd.chart_is_folder else argocd.chart_version,
            repository_opts=None if argocd.chart_is_folder else from_repository,
            values=merged(helm_values(settings, webhook_secret=secrets.webhook_secret), secrets.argocd_values),
            timeout=RELEASE_TIMEOUT_SECONDS,
            # A failed release stays, with its pods and events, so that a person can find the reason.
            atomic=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=dependencies),
        )


def _notification_credentials(settings: Settings, secrets: PlatformSecrets) -> dict[str, pulumi.Input[str]]:
    url = settings.notifications.webhook_url
    return {
        GITHUB_KEY: secrets.argocd_private_key,
        **({SLACK_KEY: secrets.slack_token} if secrets.slack_token is not None else {}),
        # Who knows such a URL may post to it.
        **({WEBHOOK_KEY: pulumi.Output.secret(url)} if url is not None else {}),
    }


def _repository_credentials(settings: Settings, secrets: PlatformSecrets) -> dict[str, pulumi.Input[str]]:
    """The fields of a credential Secret, as Argo CD's declarative setup names them."""
    github = settings.github
    enterprise = {} if github.base_url == "https://github.com/" else {"githubAppEnterpriseBaseUrl": github.api_url}
    return {
        "type": "git",
        "url": github.environment_repository_url,
        "githubAppID": github.argocd.id,
        "githubAppInstallationID": github.argocd.installation_id,
        "githubAppPrivateKey": secrets.argocd_private_key,
        **enterprise,
    }
