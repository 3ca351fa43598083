"""The sandbox that a benchmark runs on: the one that is up, or one of its own that is gone afterwards."""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx

from benchmarks.measure import say
from sandbox import node
from sandbox.config import GITHUB_PORT, SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import process
from sandbox.people import change
from sandbox.rehearsal import JsonObject, Rehearsal

ROOT = Path(__file__).parent.parent
OWN_DIRECTORY = ".sandbox-benchmark"
OWN_NETWORK = "10.219"
LIMIT_SECONDS = 3600

READINESS_DEADLINE = 10
"""Seconds after which a bad version is Degraded in benchmarks; a template's 120 would measure patience."""


def own() -> SandboxConfig:
    """A sandbox beside the one that a person may have up."""
    network = os.environ.get("SLIPWAY_SANDBOX_NETWORK") or OWN_NETWORK
    return SandboxConfig.from_environment(
        {**os.environ, "SLIPWAY_SANDBOX_DIR": OWN_DIRECTORY, "SLIPWAY_SANDBOX_NETWORK": network}
    )


def command(config: SandboxConfig, *arguments: str) -> str:
    """Runs `python -m sandbox` on that sandbox, as make does, and returns what it printed."""
    environment = {
        **os.environ,
        "SLIPWAY_SANDBOX_DIR": str(config.directory),
        "SLIPWAY_SANDBOX_NETWORK": config.network,
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ran = subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if ran.returncode:
        sys.exit(f"sandbox {' '.join(arguments)} ended with {ran.returncode}; its reason stands above")
    return ran.stdout


@contextlib.contextmanager
def running() -> Generator[SandboxConfig]:
    """The sandbox that is up, left as it is; or one of our own, taken down at the end."""
    config = SandboxConfig.from_environment()
    if node.is_running(config):
        say(f"using the sandbox in {config.directory}")
        yield config
        return
    config = own()
    say(f"bringing up a sandbox in {config.directory}")
    try:
        command(config, "up")
        yield config
    finally:
        command(config, "down")


@contextlib.contextmanager
def github_alone() -> Generator[tuple[str, str]]:
    """A sandbox's GitHub without a node: its API's address and the administrator's token."""
    with tempfile.TemporaryDirectory(prefix="slipway-benchmark-") as folder:
        config = replace(own(), directory=Path(folder))
        try:
            credentials = process.ensure_credentials(config)
            process.start(config)
            # Without a node there is no link, and its address is not there.
            yield f"http://127.{config.network}.1:{GITHUB_PORT}/api/v3", credentials.github_token
        finally:
            process.stop(config)


def service_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--service", default="guestbook", help="the service that is released (default: guestbook)")


def next_minor(rehearsal: Rehearsal, *services: str) -> int:
    """A minor version that none of the services has a tag of yet."""
    taken = [0]
    for name in services:
        tags = rehearsal.github("GET", f"{rehearsal.repository_path(name)}/git/matching-refs/tags/v")
        found = (re.fullmatch(r"refs/tags/v0\.(\d+)\.\d+", tag["ref"]) for tag in tags)
        taken += [int(match[1]) for match in found if match]
    return max(taken) + 1


def job_seconds(rehearsal: Rehearsal, repository: str, run: int, *names: str) -> float:
    """How long the jobs of a run took whose names contain one of `names`, in any case, by the times that GitHub says.

    Raises:
        SandboxError: it has none of one of the names, so that nothing would be measured.
    """
    path = rehearsal.repository_path(repository)
    jobs = rehearsal.github("GET", f"{path}/actions/runs/{run}/jobs?per_page=100")["jobs"]
    chosen = {name: [job for job in jobs if name in job["name"].lower()] for name in names}
    if missing := [name for name, found in chosen.items() if not found]:
        raise SandboxError(f"run {run} of {repository} has no job named {' or '.join(missing)}")
    return sum(seconds_between(job["started_at"], job["completed_at"]) for found in chosen.values() for job in found)


def seconds_between(begin: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()


def fail_fast(rehearsal: Rehearsal, environment: str, service: str) -> None:
    """Lets a bad version of the service be Degraded soon, by the team's own values."""
    path = f"environments/{environment}/{service}/values.yaml"
    text = rehearsal.file(rehearsal.environment_repository, path) or ""
    if "progressDeadlineSeconds" in text:
        return
    with rehearsal.clone(rehearsal.environment_repository, "dana") as clone:
        body = "" if text.strip().endswith("{}") else text
        comments = [line for line in text.splitlines() if line.startswith("#")] if not body else []
        wanted = "\n".join([*comments, body.rstrip(), f"progressDeadlineSeconds: {READINESS_DEADLINE}", ""]).lstrip(
            "\n"
        )
        title = f"Notice bad versions of {service} in {environment} soon"
        change(rehearsal, clone, title, {path: wanted}, author="dana", reviewer="sam")


def drop_faults(config: SandboxConfig, rehearsal: Rehearsal) -> None:
    _sandbox_call(config, rehearsal, "DELETE")


def inject(config: SandboxConfig, rehearsal: Rehearsal, fault: JsonObject) -> None:
    """Makes the sandbox's GitHub answer some requests with an error; fields as in `sandbox/github/faults.py`."""
    _sandbox_call(config, rehearsal, "POST", fault)


def _sandbox_call(config: SandboxConfig, rehearsal: Rehearsal, method: str, body: JsonObject | None = None) -> None:
    answer = httpx.request(
        method,
        f"{config.github_url}_sandbox/faults",
        headers={"Authorization": f"Bearer {rehearsal.token()}"},
        json=body,
        timeout=30,
        trust_env=False,
    )
    answer.raise_for_status()
