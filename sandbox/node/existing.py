"""A cluster that is there already, named by a kubeconfig: it is used, and neither started nor stopped.

Its nodes must reach this machine at the sandbox's addresses, and a registry must answer at the node's: the sandbox
brings neither to a cluster that is not its own. What is deployed stays there when the sandbox goes.
"""

import os
from pathlib import Path
from typing import Any, cast

import yaml

from sandbox.config import CONTEXT, SandboxConfig
from sandbox.errors import ExitCode, SandboxError

VARIABLE = "SLIPWAY_SANDBOX_KUBECONFIG"


def named() -> Path | None:
    """The kubeconfig that the environment names, None when it names none."""
    value = os.environ.get(VARIABLE)
    return Path(value).expanduser() if value else None


def check(source: Path) -> list[str]:
    """What is wrong with a kubeconfig that the environment names."""
    try:
        _current(source)
    except SandboxError as error:
        return [str(error)]
    return []


def adopt(config: SandboxConfig, source: Path) -> None:
    """Copies the current context of a kubeconfig, and nothing else of it, to where the sandbox's is.

    Raises:
        SandboxError: the file cannot be read or has no current context.
    """
    reduced = _current(source)
    config.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    config.kubeconfig.touch(mode=0o600)
    config.kubeconfig.write_text(yaml.safe_dump(reduced))


def _current(source: Path) -> dict[str, Any]:
    try:
        document = cast(dict[str, Any], yaml.safe_load(source.read_text(encoding="utf-8")))
        chosen = _entry(document["contexts"], document["current-context"])["context"]
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "contexts": [{"name": CONTEXT, "context": chosen}],
            "clusters": [_entry(document["clusters"], chosen["cluster"])],
            "users": [_entry(document["users"], chosen["user"])],
        }
    except OSError as error:
        raise SandboxError(f"{VARIABLE}: {source}: {error.strerror}", exit_code=ExitCode.USAGE) from None
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, StopIteration):
        raise SandboxError(
            f"{VARIABLE}: {source} is not a kubeconfig with a current context; see `kubectl config use-context`",
            exit_code=ExitCode.USAGE,
        ) from None


def _entry(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
