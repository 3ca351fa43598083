"""Finds everything that this machine lacks before anything is written, and says all of it at once."""

import shutil
import socket
from pathlib import Path

from sandbox import node
from sandbox.config import GITHUB_PORT, SandboxConfig
from sandbox.errors import PreflightError
from sandbox.github import service

NEEDED_COLD = 12 * 2**30
NEEDED_WARM = 3 * 2**30
"""Bytes: building the tools and images takes room that running them does not."""


def check(config: SandboxConfig) -> None:
    """Raises one error with everything that is in the way.

    Raises:
        PreflightError: Something is.
    """
    problems = [*node.check(config), *_commands(), *_space(config), *_ports(config)]
    if problems:
        raise PreflightError(problems)


def _commands() -> list[str]:
    return [] if shutil.which("git") else ["git: there is no such command; install it (apt-get install git)"]


def _space(config: SandboxConfig) -> list[str]:
    needed = NEEDED_WARM if (config.cache / "bin").is_dir() else NEEDED_COLD
    problems: list[str] = []
    for path in {_existing(config.cache): "the cache", _existing(config.directory): "the sandbox's state"}.items():
        free = shutil.disk_usage(path[0]).free
        if free < needed:
            problems.append(
                f"{path[0]}: {free / 2**30:.1f} GiB are free and {path[1]} needs {needed / 2**30:.0f}; make room there, "
                "or name another place with XDG_CACHE_HOME or SLIPWAY_SANDBOX_DIR"
            )
    return problems


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())


def _ports(config: SandboxConfig) -> list[str]:
    if service.is_running(config):
        return []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # The address is not there yet, as it is made with the node; another program on all addresses is found all the same.
        probe.setsockopt(socket.SOL_IP, 15, 1)  # IP_FREEBIND, which Python 3.11 does not name
        try:
            probe.bind((config.host_ip, GITHUB_PORT))
        except OSError as error:
            return [
                f"{config.host_ip}:{GITHUB_PORT}: GitHub cannot listen there ({error.strerror}); stop what uses port "
                f"{GITHUB_PORT}, or choose other addresses with SLIPWAY_SANDBOX_NETWORK"
            ]
    return []
