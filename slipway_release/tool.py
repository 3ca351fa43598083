"""Programs of the runner that a job uses: whether one answers, and what it says as it runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway_release import workflow
from slipway_release.errors import ReleaseError


@dataclass(frozen=True)
class Credential:
    """How to log in to the registry; without a password there is no log-in."""

    host: str
    username: str
    password: str


def answers(arguments: Sequence[str]) -> bool:
    try:
        return subprocess.run(arguments, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(arguments: Sequence[str], variables: Mapping[str, str], standard_input: str | None = None) -> str:
    """Run a tool, show what it says, and return it. Arguments are passed as they are, never through a shell."""
    workflow.say("$ " + " ".join(arguments))
    with subprocess.Popen(
        arguments,
        # A build must not see what lets this job ask for ID tokens.
        env={name: os.environ[name] for name in os.environ if not name.startswith("ACTIONS_ID_TOKEN_")} | {**variables},
        stdin=subprocess.PIPE if standard_input is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        if standard_input is not None and process.stdin is not None:
            process.stdin.write(standard_input)
            process.stdin.close()
        lines: list[str] = []
        for line in process.stdout or ():
            workflow.say(line.rstrip("\n"))
            lines.append(line)
    if process.returncode:
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
        raise ReleaseError(f"{' '.join(arguments[:2])}: ended with {process.returncode}: {last}")
    return "".join(lines)
