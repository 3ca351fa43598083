"""The status page of the sandbox, made as the environment repository makes its own: by its release program."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.rehearsal import Rehearsal

REPOSITORY = "environments"


def write_page(config: SandboxConfig) -> Path:
    """Writes the page; returns where it is.

    Raises:
        SandboxError: No sandbox is up, or the program cannot read its GitHub.
    """
    stage = Rehearsal(config)
    file = config.directory / "status.html"
    with stage.clone(REPOSITORY) as clone:
        found = stage.github("GET", f"{stage.repository_path(REPOSITORY)}/actions/variables")["variables"]
        environment = {
            **os.environ,
            "GITHUB_TOKEN": stage.token(None),
            "GITHUB_API_URL": config.github_api_url,
            "VARIABLES": json.dumps({variable["name"]: variable["value"] for variable in found}),
        }
        program = clone.directory / ".slipway" / "slipway_release"
        command = [sys.executable, program, "page", file, "--folder", clone.directory]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        said = (ran.stdout + ran.stderr).strip().splitlines() or ["it failed"]
        raise SandboxError(f"the status page could not be made: {said[-1]}")
    return file
