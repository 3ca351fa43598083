"""The secrets of a stack: which there are, which are needed, and whether they are what they should be.

Every secret is read through here, so that all who use one get the same text: without stray blanks, and keys in the
one form that GitHub's provider, Argo CD and Actions read.
"""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi.runtime.config import get_config_secret_keys_env, is_config_secret

from components.secrets import PlatformSecrets
from manifests.model import ArgoCD, GitHub, Notifications, Registry, Settings
from manifests.model.credentials import CredentialError, github_token, password, private_key, token
from stacks.nested_secrets import parted, unveiled, with_hidden
from stacks.problems import NAMESPACE, Problem


@dataclass(frozen=True)
class Secret:
    """A secret setting."""

    meaning: str
    """What it is, in the words of the schema."""
    read: Callable[[str], str]
    """Puts the text right, or raises `CredentialError`."""


SECRETS: dict[str, Secret] = {
    "githubToken": Secret("the token that `pulumi up` acts with", github_token),
    "githubAppPrivateKey": Secret("the private key of `github.app`", private_key),
    "promoterPrivateKey": Secret("the private key of `github.promoter`", private_key),
    "requesterPrivateKey": Secret("the private key of `github.requester`", private_key),
    "argocdPrivateKey": Secret("the private key of `github.argocd`", private_key),
    "webhookSecret": Secret("what GitHub signs its webhook to Argo CD with", password),
    "registryPassword": Secret("the password of `registry.username`", password),
    "packagesToken": Secret("the password of `registry.pullUsername`, which reads packages alone", password),
    "ssoClientSecret": Secret("the secret of the client that `argocd.sso` names", password),
    "slackToken": Secret("the token of the Slack app that posts to `notifications.slackChannel`", token),
}
APP_KEYS = ("promoterPrivateKey", "requesterPrivateKey", "argocdPrivateKey")
"""The keys of three Apps that must be three."""
PRIVATE_KEYS = frozenset(key for key, secret in SECRETS.items() if secret.read is private_key)


def needed_secrets(github: GitHub, argocd: ArgoCD, registry: Registry, notifications: Notifications) -> list[str]:
    """The secrets that must be there."""
    return [
        "githubAppPrivateKey" if github.app else "githubToken",
        "promoterPrivateKey",
        "requesterPrivateKey",
        "argocdPrivateKey",
        *(["webhookSecret"] if argocd.receives_webhooks else []),
        *(["registryPassword"] if registry.username else []),
        *(["packagesToken"] if registry.pull_username else []),
        *(["ssoClientSecret"] if argocd.sso else []),
        *(["slackToken"] if notifications.slack_channel else []),
    ]


def encrypted_keys(keys: Collection[str]) -> frozenset[str]:
    """Those of our keys that hold something that was set with `--secret`."""
    known = get_config_secret_keys_env()
    return frozenset(key for key in keys if is_config_secret(name := f"{NAMESPACE}:{key}") or name in known)


def secret_text(key: str) -> str:
    """A secret that is there, put right where it can be."""
    text = pulumi.Config(NAMESPACE).require(key)
    try:
        return SECRETS[key].read(text)
    except CredentialError:
        # With the preflight off, a plan without the real keys is wanted.
        return text


def read_secrets(settings: Settings) -> PlatformSecrets:
    """Reads the secrets that these settings need; `read_settings` has checked that they are there."""
    needed = needed_secrets(settings.github, settings.argocd, settings.registry, settings.notifications)

    def optional(key: str) -> pulumi.Output[str] | None:
        return required(key) if key in needed else None

    def required(key: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(secret_text(key))

    return PlatformSecrets(
        github_token=optional("githubToken"),
        github_app_private_key=optional("githubAppPrivateKey"),
        promoter_private_key=required("promoterPrivateKey"),
        requester_private_key=required("requesterPrivateKey"),
        argocd_private_key=required("argocdPrivateKey"),
        webhook_secret=optional("webhookSecret"),
        registry_password=optional("registryPassword"),
        packages_token=optional("packagesToken"),
        slack_token=optional("slackToken"),
        argocd_values=_argocd_values(settings.stack),
        sso_client_secret=optional("ssoClientSecret"),
    )


def public_texts(
    stack: str, texts: Mapping[str, str], encrypted: Collection[str]
) -> tuple[dict[str, str], list[Problem]]:
    """The stack's values without the secrets that are inside of Argo CD's, and those that are where none may be."""
    public = dict(texts)
    problems = [
        Problem(
            key, "it holds a value that was set with --secret, and would be written in clear text; set that without"
        )
        for key in encrypted
        if key not in SECRETS and key not in {"argocd", "notifications"}
    ]
    section = _argocd_section(stack, texts) if "argocd" in encrypted else None
    if isinstance(section, dict):
        shown, hidden = parted(cast(dict[str, Any], section))
        public["argocd"] = json.dumps(shown)
        problems += [
            Problem(f"argocd.{key}", "it was set with --secret, and would be written in clear text; set it without")
            for key in hidden or ()
            if key != "values"
        ]
    return public, problems


def _argocd_values(stack: str) -> Mapping[str, Any]:
    if "argocd" not in encrypted_keys(["argocd"]):
        return {}
    section = _argocd_section(stack, {"argocd": pulumi.Config(NAMESPACE).require("argocd")})
    _, hidden = parted(section)
    return unveiled(cast(dict[str, Any], hidden or {}).get("values", {}), pulumi.Output.secret)


def _argocd_section(stack: str, texts: Mapping[str, str]) -> Any:
    try:
        return with_hidden(stack, json.loads(texts.get("argocd", "{}")))
    except ValueError:
        return None


def check_presence(texts: Mapping[str, str], needed: list[str], github: GitHub) -> list[Problem]:
    """What is missing, and what is there too much."""
    missing = [key for key in needed if not texts.get(key, "").strip()]
    problems = [Problem(key, f"missing; {SECRETS[key].meaning}: `{_command(key)}`") for key in missing]
    if github.app and "githubToken" in texts:
        # The GitHub provider would silently prefer the token.
        text = f"both it and `github.app` are set; remove one: `pulumi config rm {NAMESPACE}:githubToken`"
        problems.append(Problem("githubToken", text))
    return problems


def check_contents(texts: Mapping[str, str], encrypted: Collection[str], *, keys: bool) -> list[Problem]:
    """What is wrong with secrets that are there; none of them is quoted.

    Args:
        texts: the stack's values, by key without namespace.
        encrypted: the keys that were set with `--secret`.
        keys: whether private keys are looked at too.
    """
    problems: list[Problem] = []
    read: dict[str, str] = {}
    for key in (key for key in SECRETS if texts.get(key, "").strip()):
        if key not in encrypted:
            text = f"it is stored in clear text; replace what has leaked, and set it with `{_command(key)}`"
            problems.append(Problem(key, text))
        if key in PRIVATE_KEYS and not keys:
            continue
        try:
            found = SECRETS[key].read(texts[key])
        except CredentialError as error:
            problems.append(Problem(key, f"{error}: `{_command(key)}`"))
            continue
        other = read.setdefault(found, key) if key in APP_KEYS else key
        if other != key:
            problems.append(
                Problem(key, f"it is the key of {other} too; set the key of its own App: `{_command(key)}`")
            )
    return problems


def _command(key: str) -> str:
    return f"pulumi config set --secret {NAMESPACE}:{key}"
