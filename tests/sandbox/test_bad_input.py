"""What a person gets wrong, tried on the running sandbox: one sentence says so, and nothing is changed by it."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import SandboxError
from sandbox.overlay import sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.workspace import find_workspace
from sandbox.rehearsal import Rehearsal
from tests.sandbox.conftest import Sandbox
from tests.sandbox.places import ROOT, environment_of, processes_with

SERVICE = "guestbook"
NOBODY = "sha256:" + "0" * 64
HOSTILE = ("v1.2.3;touch${IFS}$HOME/pwned", "v1$(id)", "-v1", 'v1.2.3"&&id')


def head(rehearsal: Rehearsal) -> str:
    path = f"{rehearsal.repository_path(rehearsal.environment_repository)}/commits/main"
    return rehearsal.github("GET", path)["sha"]


def refusals(rehearsal: Rehearsal, repository: str, workflow: str, after: int, count: int) -> str:
    """The logs of the next runs of a workflow, all of which have to fail."""

    def complete() -> list[dict[str, Any]] | None:
        runs = [run for run in rehearsal.runs(repository, workflow=workflow) if run["id"] > after]
        return runs if len(runs) == count and all(run["status"] == "completed" for run in runs) else None

    runs = rehearsal.wait(f"{count} runs of {workflow}", complete)
    assert {run["conclusion"] for run in runs} == {"failure"}
    return "\n".join(rehearsal.run_log(repository, run["id"]) for run in runs)


def printed(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def newest(rehearsal: Rehearsal, repository: str) -> int:
    return max((run["id"] for run in rehearsal.runs(repository)), default=0)


def test_hostile_tags_are_refused_in_their_runs(rehearsal: Rehearsal) -> None:
    before, after = head(rehearsal), newest(rehearsal, SERVICE)
    with rehearsal.clone(SERVICE) as clone:
        for name in HOSTILE:
            clone.git("push", "--quiet", "origin", f"HEAD:refs/tags/{name}")
    log = refusals(rehearsal, SERVICE, "release.yml", after, len(HOSTILE))
    for name in HOSTILE:
        assert f"tag {name!r}" in log
    assert head(rehearsal) == before


def test_requests_that_are_not_true_are_refused(rehearsal: Rehearsal) -> None:
    repository = rehearsal.environment_repository
    before, after = head(rehearsal), newest(rehearsal, repository)
    requests = {
        "known are": {"service": "x; id", "run": "1", "digest": NOBODY},
        "not the number of a run": {"service": SERVICE, "run": "abc", "digest": NOBODY},
        f"not a run of {rehearsal.owner}/{SERVICE}": {"service": SERVICE, "run": "999999", "digest": NOBODY},
        "not an image digest": {"service": SERVICE, "run": "1", "digest": "latest"},
    }
    path = f"{rehearsal.repository_path(repository)}/actions/workflows/promote.yml/dispatches"
    for inputs in requests.values():
        rehearsal.github("POST", path, body={"ref": "main", "inputs": inputs})
    log = refusals(rehearsal, repository, "promote.yml", after, len(requests))
    for said in requests:
        assert said in log
    assert head(rehearsal) == before


@pytest.mark.parametrize(
    ("changes", "stack", "said"),
    [
        ({"githubToken": "ghp_expired"}, "sandbox", "401"),
        ({}, "other", "repository acme/environments: it is another platform's, whose mark is slipway-"),
    ],
)
def test_the_program_stops_before_its_first_write(
    sandbox: Sandbox, rehearsal: Rehearsal, tmp_path: Path, changes: dict[str, str], stack: str, said: str
) -> None:
    """What it finds by then is tried case by case in `tests/components` and `tests/github`."""
    given = sandbox_stack(sandbox.config)
    values = given.values | {f"slipway:{key}": value for key, value in changes.items()}
    before = head(rehearsal)
    place = find_workspace(sandbox.config, Progress(quiet=True))
    place = dataclasses.replace(place, folder=shutil.copytree(place.folder, tmp_path / "pulumi", symlinks=True))
    with pytest.raises(SandboxError, match="nothing was changed") as caught:
        operations.up(place, dataclasses.replace(given, stack=stack, values=values))
    assert said in str(caught.value)
    assert head(rehearsal) == before


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_up_that_is_stopped_in_the_middle_leaves_nothing_that_down_does_not_find(
    sandbox: Sandbox, tmp_path: Path, ending: signal.Signals
) -> None:
    folder = tmp_path / "box"
    box = dataclasses.replace(sandbox, environment=environment_of(folder))
    started = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "up"], cwd=ROOT, env=box.environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 300
        while not (folder / "node" / "box.json").exists() and started.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(started.pid, ending)
        _, told = started.communicate(timeout=300)
        assert started.returncode == (130 if ending is signal.SIGINT else -ending), told
        assert "Traceback" not in told
    finally:
        done = box.run("down")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    assert f"{box.environment['SLIPWAY_SANDBOX_NETWORK']}." not in printed("ip", "-brief", "address")
    assert processes_with(str(folder)) == []
