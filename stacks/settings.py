"""The one reader of Pulumi's configuration: from `stacks/Pulumi.<stack>.yaml` to typed settings and secrets."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components.secrets import PlatformSecrets
from manifests.model import (
    ArgoCD,
    Cluster,
    Environment,
    GitHub,
    Notifications,
    Registry,
    SecretsBackend,
    Service,
    Settings,
    Team,
)
from stacks.checks import Parts, check_parts
from stacks.problems import Problem, SettingsError, listed
from stacks.reading import Reader
from templates import service_templates

NAMESPACE = "slipway"
SECTIONS: dict[str, Any] = {
    "github": GitHub,
    "cluster": Cluster,
    "argocd": ArgoCD,
    "registry": Registry,
    "teams": tuple[Team, ...],
    "environments": tuple[Environment, ...],
    "services": tuple[Service, ...],
    "secrets": SecretsBackend,
    "notifications": Notifications,
}
SECRETS: dict[str, str] = {
    "githubToken": "the token that `pulumi up` acts with",
    "githubAppPrivateKey": "the private key of `github.app`",
    "promoterPrivateKey": "the private key of `github.promoter`",
    "requesterPrivateKey": "the private key of `github.requester`",
    "argocdPrivateKey": "the private key of `github.argocd`",
    "webhookSecret": "what GitHub signs its webhook to Argo CD with",
    "registryPassword": "the password of `registry.username`",
    "slackToken": "the token of the Slack app that posts to `notifications.slackChannel`",
}
SWITCHES: dict[str, str] = {
    "preflight": "Whether GitHub and the cluster are looked at before the first write",
}
"""Keys that are no part of the platform's description."""


def read_settings() -> Settings:
    """Reads the settings of the selected stack.

    Raises:
        SettingsError: something is wrong with them; it names everything that is.
    """
    everything = {**get_config_env(), **CONFIG.get()}
    texts = {key.partition(":")[2]: str(text) for key, text in everything.items() if key.startswith(f"{NAMESPACE}:")}
    return settings_of(pulumi.get_stack(), texts)


def read_secrets(settings: Settings) -> PlatformSecrets:
    """Reads the secrets that these settings need; `read_settings` has checked that they are there."""
    config = pulumi.Config(NAMESPACE)
    needed = needed_secrets(settings.github, settings.argocd, settings.registry, settings.notifications)

    def optional(key: str) -> pulumi.Output[str] | None:
        return config.require_secret(key) if key in needed else None

    return PlatformSecrets(
        github_token=optional("githubToken"),
        github_app_private_key=optional("githubAppPrivateKey"),
        promoter_private_key=config.require_secret("promoterPrivateKey"),
        requester_private_key=config.require_secret("requesterPrivateKey"),
        argocd_private_key=config.require_secret("argocdPrivateKey"),
        webhook_secret=optional("webhookSecret"),
        registry_password=optional("registryPassword"),
        slack_token=optional("slackToken"),
    )


def settings_of(stack: str, texts: Mapping[str, str]) -> Settings:
    """Types the values of a stack, each as Pulumi gives it: JSON where it has structure.

    Raises:
        SettingsError: something is wrong with them; it names everything that is.
    """
    reader = Reader(texts)
    _check_keys(reader, texts)
    github = reader.one("github", GitHub)
    cluster = reader.one("cluster", Cluster)
    argocd = reader.one("argocd", ArgoCD)
    registry = reader.one("registry", Registry)
    teams = reader.many("teams", Team)
    environments = reader.many("environments", Environment)
    services = reader.many("services", Service)
    secrets = reader.word("secrets", SecretsBackend, SecretsBackend.NONE)
    notifications = reader.one("notifications", Notifications)
    parts = Parts(
        github=github,
        argocd_namespace=argocd.value.namespace if argocd else ArgoCD().namespace,
        teams=teams,
        environments=environments,
        services=services,
        team_names=reader.names("teams"),
        environment_names=reader.names("environments"),
        templates=service_templates(),
    )
    problems = [*reader.problems, *check_parts(parts)]
    if github and argocd and registry and notifications:
        needed = needed_secrets(github.value, argocd.value, registry.value, notifications.value)
        problems += _check_secrets(texts, needed, github.value)
    if problems or not (github and cluster and argocd and registry and notifications):
        raise SettingsError(stack, problems)
    return Settings(
        stack=stack,
        github=github.value,
        cluster=cluster.value,
        argocd=argocd.value,
        registry=registry.value,
        teams=tuple(team.value for team in teams),
        environments=tuple(environment.value for environment in environments),
        services=tuple(service.value for service in services),
        secrets=secrets,
        notifications=notifications.value,
    )


def needed_secrets(github: GitHub, argocd: ArgoCD, registry: Registry, notifications: Notifications) -> list[str]:
    """The secrets that must be there."""
    return [
        "githubAppPrivateKey" if github.app else "githubToken",
        "promoterPrivateKey",
        "requesterPrivateKey",
        "argocdPrivateKey",
        *(["webhookSecret"] if argocd.receives_webhooks else []),
        *(["registryPassword"] if registry.username else []),
        *(["slackToken"] if notifications.slack_channel else []),
    ]


def _check_keys(reader: Reader, texts: Mapping[str, str]) -> None:
    known = [*SECTIONS, *SECRETS, *SWITCHES]
    for key in texts:
        if key not in known:
            reader.problem(key, f"unknown key; allowed are {listed(known)}")
    for key in SWITCHES:
        if texts.get(key, "true") not in {"true", "false"}:
            reader.problem(key, f"{texts[key]!r} is no switch; allowed are true or false")


def _check_secrets(texts: Mapping[str, str], needed: list[str], github: GitHub) -> list[Problem]:
    missing = [key for key in needed if not texts.get(key, "").strip()]
    command = f"pulumi config set --secret {NAMESPACE}:"
    problems = [Problem(key, f"missing; {SECRETS[key]}: `{command}{key}`") for key in missing]
    if github.app and "githubToken" in texts:
        # The GitHub provider would silently prefer the token.
        text = f"there is `github.app` too; allowed is one of them: `pulumi config rm {NAMESPACE}:githubToken`"
        problems.append(Problem("githubToken", text))
    return problems
