"""What this machine adds to the settings of the sandbox's stack: addresses, ids, keys."""

import json
from typing import Any, cast

from sandbox.config import CONTEXT, SandboxConfig
from sandbox.engine.stackfile import StackConfig, read_stack
from sandbox.errors import SandboxError
from sandbox.images import REDIS

STACK = "sandbox"
NAMESPACE = "slipway"
SECRETS = ("githubToken", "promoterPrivateKey", "requesterPrivateKey", "argocdPrivateKey", "webhookSecret")
APPS = ("promoter", "requester", "argocd")
PLACEHOLDER = "known-once-the-sandbox-is-up"

Json = dict[str, Any]


def sandbox_stack(config: SandboxConfig) -> StackConfig:
    """The settings that the sandbox is deployed with; its GitHub has to have its credentials by now."""
    credentials = read_credentials(config)
    apps = cast("Json", credentials["apps"])
    secrets: Json = {"githubToken": credentials["githubToken"], "webhookSecret": credentials["webhookSecret"]}
    secrets |= {f"{app}PrivateKey": apps[app]["privateKey"] for app in APPS}
    ids = {app: {key: str(apps[app][key]) for key in ("id", "installationId")} for app in APPS}
    return read_stack(config.root, STACK, _overlay(config, ids), _namespaced(secrets))


def planned_stack(config: SandboxConfig, stack: str = STACK) -> StackConfig:
    """The settings of a stack to look at: secrets are placeholders."""
    secrets = _namespaced(dict.fromkeys(SECRETS, PLACEHOLDER))
    # To look at a stack, neither GitHub nor the cluster has to be there.
    quiet = _namespaced({"preflight": False})
    if stack == STACK:
        return read_stack(config.root, stack, _overlay(config, {}) | quiet, secrets)
    return read_stack(config.root, stack, quiet, placeholder=PLACEHOLDER)


def read_credentials(config: SandboxConfig) -> Json:
    """Tokens and keys of the sandbox's GitHub.

    Raises:
        SandboxError: There are none.
    """
    try:
        return cast("Json", json.loads(config.credentials.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SandboxError(f"{config.credentials}: no sandbox is up here; run `make up` first") from None


def chart_directory(config: SandboxConfig) -> str:
    """Where the Argo CD chart of this sandbox is built."""
    return str(config.directory / "charts" / "argo-cd")


def _overlay(config: SandboxConfig, ids: Json) -> Json:
    redis, _, tag = REDIS.rpartition(":")
    return _namespaced(
        {
            "github": {"baseUrl": config.github_url, **ids},
            "cluster": {"kubeconfig": str(config.kubeconfig), "context": CONTEXT},
            "argocd": {
                "chart": chart_directory(config),
                "url": config.argocd_url,
                "values": {
                    # The chart's own Redis is newer than the one that the sandbox makes an image of.
                    "redis": {"image": {"repository": redis, "tag": tag}},
                    # Webhooks tell Argo CD of every push; this mends sooner what it missed while something was down.
                    "configs": {"cm": {"timeout.reconciliation": "20s", "timeout.reconciliation.jitter": "0s"}},
                },
            },
            "registry": {"host": config.registry_host, "insecure": True},
        }
    )


def _namespaced(values: Json) -> Json:
    return {f"{NAMESPACE}:{key}": value for key, value in values.items()}
