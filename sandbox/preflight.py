"""Finds everything that this machine lacks before anything is written, and says all of it at once."""

import os
import shutil

from sandbox import node
from sandbox.config import GITHUB_PORT, SandboxConfig
from sandbox.errors import PreflightError
from sandbox.github import process


def check_user(config: SandboxConfig) -> None:
    """Looks at what only another user can have, before even the lock is written.

    Raises:
        PreflightError: Something is in the way.
    """
    if os.geteuid() != 0 and (problems := node.check(config)):
        raise PreflightError(problems)


def check(config: SandboxConfig) -> None:
    """Raises one error with everything that is in the way.

    Raises:
        PreflightError: Something is.
    """
    problems = node.check(config)
    if not shutil.which("git"):
        problems.append("git: there is no such command; install it (apt-get install git)")
    if not process.is_running(config):
        problems += _ports(config)
    if problems:
        raise PreflightError(problems)


def _ports(config: SandboxConfig) -> list[str]:
    problem = node.port_problem(config.host_ip, GITHUB_PORT, "GitHub")
    return [f"{problem}, or choose other addresses with SLIPWAY_SANDBOX_NETWORK"] if problem else []
