"""What this machine adds to the settings of the sandbox's stack: addresses, ids, keys."""

import json
from dataclasses import replace
from typing import Any, cast

from sandbox.config import CONTEXT, SECOND_CONTEXT, SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github.credentials import READER
from sandbox.images import REDIS
from sandbox.node import NodeLayout
from sandbox.pulumi.settings import StackConfig, read_stack
from sandbox.shape import fields, items
from sandbox.toolchain import HELM_VERSION

STACK = "sandbox"
NAMESPACE = "slipway"
PRODUCTION = "production"
APPS = ("promoter", "requester", "argocd")
PLACEHOLDER = "known-once-the-sandbox-is-up"

Json = dict[str, Any]


def sandbox_stack(config: SandboxConfig) -> StackConfig:
    """The settings that the sandbox is deployed with; its GitHub has to have its credentials by now."""
    credentials = read_credentials(config)
    apps = cast("Json", credentials["apps"])
    # An older sandbox may lack one until the next `make up`.
    secrets: Json = {key: credentials.get(key, "") for key in ("githubToken", "webhookSecret", "ssoClientSecret")}
    secrets["packagesToken"] = credentials["users"][READER]
    secrets |= {f"{app}PrivateKey": apps[app]["privateKey"] for app in APPS}
    ids = {app: {"slug": app, **{key: str(apps[app][key]) for key in ("id", "installationId")}} for app in APPS}
    return _on_clusters(config, read_stack(config.root, STACK, _overlay(config, ids), _namespaced(secrets)))


def planned_stack(config: SandboxConfig, stack: str = STACK) -> StackConfig:
    """The settings of a stack to look at: secrets are placeholders, and nothing is asked of GitHub or a cluster."""
    overlay = _overlay(config, {}) if stack == STACK else {}
    given = read_stack(config.root, stack, overlay, placeholder=PLACEHOLDER)
    missing = [key for key in _secret_keys(config, given) if key not in given.values]
    unasked = _namespaced({"preflight": False})
    placeholders = dict.fromkeys(missing, PLACEHOLDER)
    planned = read_stack(config.root, stack, overlay | unasked, placeholders, placeholder=PLACEHOLDER)
    return _on_clusters(config, planned) if stack == STACK else planned


def second_cluster(second: SandboxConfig) -> Json:
    """What an environment on the second cluster has in its settings.

    Args:
        second: the sandbox, as `SandboxConfig.second` has it.
    """
    return {"cluster": SECOND_CONTEXT, "context": SECOND_CONTEXT, "server": NodeLayout(second).api_url}


def _on_clusters(config: SandboxConfig, stack: StackConfig) -> StackConfig:
    """The environments on their clusters: where there are two, production is on the second."""
    if config.second is None:
        return stack
    environments, remote = items(stack.values, f"{NAMESPACE}:environments"), second_cluster(config.second)
    placed = [one | (remote if one.get("name") == PRODUCTION else {}) for one in environments]
    return replace(stack, values=stack.values | {f"{NAMESPACE}:environments": placed})


def _secret_keys(config: SandboxConfig, given: StackConfig) -> list[str]:
    """The secrets that a stack of these settings has, as the schema of stack files names them."""
    schema = json.loads((config.root / "stacks" / "schema.json").read_text(encoding="utf-8"))
    keys = [
        key
        for key, entry in fields(schema, "properties", "config", "properties").items()
        if str(entry.get("description", "")).startswith("Secret:")
    ]
    is_app = bool(fields(given.values, f"{NAMESPACE}:github").get("app"))
    return [key for key in keys if not (is_app and key == f"{NAMESPACE}:githubToken")]


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
            # In the project's folder, as `docs/platform-ci.md` has it: jobs find theirs there.
            "cluster": {"kubeconfig": config.kubeconfig.name, "context": CONTEXT},
            "argocd": {
                "chart": chart_directory(config),
                "helmVersion": HELM_VERSION.removeprefix("v"),
                "url": config.argocd_url,
                "sso": {"issuer": config.issuer_url},
                "values": {
                    # The chart's own Redis is newer than the one that the sandbox makes an image of.
                    "redis": {"image": {"repository": redis, "tag": tag}},
                },
            },
            "registry": {"host": config.registry_host, "insecure": True},
            "notifications": {"webhookUrl": config.notifications_url},
        }
    )


def _namespaced(values: Json) -> Json:
    return {f"{NAMESPACE}:{key}": value for key, value in values.items()}
