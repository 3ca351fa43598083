"""`template-updates`: what changed in templates, for this sandbox's services; the product's command on its settings."""

import os
import subprocess
import sys
from collections.abc import Sequence

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.overlay import STACK, read_credentials


def update(config: SandboxConfig, words: Sequence[str]) -> int:
    """Runs it with the addresses and the token of the sandbox; returns its exit code.

    Args:
        config: the sandbox.
        words: what the command is told.

    Raises:
        SandboxError: No sandbox is up here.
    """
    token = read_credentials(config)["githubToken"]
    settings = config.pulumi_directory / "project" / "stacks" / f"Pulumi.{STACK}.yaml"
    if not settings.is_file():
        raise SandboxError(f"{settings}: there are no settings of a platform here; run `make up` first")
    # The work tree has the history of the templates, and the file of its stack the addresses of another network.
    command = [sys.executable, "-m", "stacks.template_updates", "--stack", STACK, "--stack-file", str(settings), *words]
    environment = {**os.environ, "GITHUB_TOKEN": str(token)}
    return subprocess.run(command, cwd=config.root, env=environment, check=False).returncode
