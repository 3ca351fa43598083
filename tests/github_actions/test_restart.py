"""What a server that is stopped or killed leaves, and what the next one makes of it."""

import os
import signal
import subprocess

import pytest

from tests.github_actions.server import GitHub

ASLEEP = f"sleep 71.{os.getpid()}"
WAITS = f"""
name: Waits
on: workflow_dispatch
jobs:
  before: {{runs-on: ubuntu-latest, steps: [{{run: 'echo once'}}]}}
  waits:
    needs: before
    runs-on: ubuntu-latest
    steps: [{{run: 'test -e ~/.cache/second || {{ touch ~/.cache/second; {ASLEEP}; }}'}}]
  after: {{needs: waits, runs-on: ubuntu-latest, steps: [{{run: 'true'}}]}}
"""


def sleeping() -> bool:
    return subprocess.run(["pgrep", "-f", ASLEEP], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_jobs_die_with_the_server_and_run_again_with_the_next(github: GitHub, number: signal.Signals) -> None:
    repository = github.repository(f"waits-{number}", {".github/workflows/waits.yml": WAITS})
    run_id = repository.dispatch("waits.yml")
    github.wait(lambda: (repository.jobs(run_id).get("waits") or {}).get("steps"), "the step that sleeps")
    before = repository.jobs(run_id)["before"]
    github.wait(sleeping, "the process that sleeps")
    github.stop(number)
    github.wait(lambda: not sleeping(), "the end of all processes")
    github.start()
    assert repository.finished(run_id)["conclusion"] == "success"
    assert repository.jobs(run_id)["before"]["completed_at"] == before["completed_at"]
    assert "once" in repository.log(run_id, "before")
