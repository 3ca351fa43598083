"""The status page of the sandbox and what a terminal shows of it, as the environment repository makes them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import process
from sandbox.rehearsal import Rehearsal

REPOSITORY = "environments"


def write_page(config: SandboxConfig) -> Path:
    """Writes the page; returns where it is.

    Raises:
        SandboxError: No sandbox is up, or the program cannot read its GitHub.
    """
    file = config.directory / "status.html"
    _told(config, "the status page could not be made", "page", str(file))
    return file


def releases(config: SandboxConfig) -> str:
    """The newest releases and DORA's figures of the page, as text.

    Raises:
        SandboxError: As for the page.
    """
    return _told(config, "the newest releases could not be read", "releases")


def _told(config: SandboxConfig, failure: str, *words: str) -> str:
    """What a command of the program says of a clone that it is run on."""
    stage = Rehearsal(config)
    if not process.is_running(config):
        raise SandboxError(f"{failure}: GitHub does not answer; `make up` mends it")
    with stage.clone(REPOSITORY) as clone:
        found = stage.github("GET", f"{stage.repository_path(REPOSITORY)}/actions/variables")["variables"]
        environment = {
            **os.environ,
            "GITHUB_TOKEN": stage.token(None),
            "GITHUB_API_URL": config.github_api_url,
            "VARIABLES": json.dumps({variable["name"]: variable["value"] for variable in found}),
        }
        program = clone.directory / ".slipway" / "slipway_release"
        command = [sys.executable, program, *words, "--folder", clone.directory]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        said = (ran.stdout + ran.stderr).strip().splitlines() or ["it failed"]
        raise SandboxError(f"{failure}: {said[-1]}")
    return ran.stdout
