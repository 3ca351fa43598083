"""`access`: who may do what on this sandbox's platform; the product's own command, on the settings `up` wrote.

The same command says what is wrong with settings, in a second and without an engine.
"""

import os
import subprocess
import sys
from collections.abc import Sequence

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.overlay import STACK, read_credentials


def ask(config: SandboxConfig, words: Sequence[str]) -> int:
    """Runs it with the tokens and commands of the sandbox; returns its exit code.

    Args:
        config: the sandbox; where none was up, the stack file of the work tree is read.
        words: what the command is told.

    Raises:
        SandboxError: It is to ask systems, and no sandbox is up here.
    """
    project = config.pulumi_directory / "project"
    is_written = (project / "stacks" / f"Pulumi.{STACK}.yaml").is_file()
    environment = dict(os.environ)
    if "--check" in words:
        environment["GITHUB_TOKEN"] = read_credentials(config)["githubToken"]
        environment["PATH"] = os.pathsep.join([str(config.commands), environment["PATH"]])
    command = [sys.executable, "-m", "stacks.access", "--stack", STACK, *words]
    return subprocess.run(command, cwd=project if is_written else config.root, env=environment, check=False).returncode


def check_settings(config: SandboxConfig, stack: str) -> None:
    """Has the product read the stack file.

    Raises:
        SandboxError: Something is wrong with it; all of it is named, with its line.
    """
    command = [sys.executable, "-m", "stacks.access", "--stack", stack]
    ran = subprocess.run(command, cwd=config.root, capture_output=True, text=True, check=False)
    if ran.returncode == ExitCode.USAGE:
        raise SandboxError(ran.stderr.strip(), exit_code=ExitCode.USAGE)
