"""The job that judges a pull request: its own steps, on real Git."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.repository_files import environment_repository_files
from stacks.settings import settings_of
from tests.stacks.builders import texts, values


@pytest.fixture
def steps() -> list[dict[str, Any]]:
    files = environment_repository_files(settings_of("test", texts(values()))).owned
    return yaml.safe_load(files[".github/workflows/validate.yml"])["jobs"]["judge"]["steps"]


@pytest.fixture
def head(tmp_path: Path) -> Path:
    """What GitHub has merged of a pull request's head onto main, in a folder of the judge's."""
    folder = tmp_path / "head"
    folder.mkdir()
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["commit", "--quiet", "--allow-empty", "--message=base"],
        ["switch", "--quiet", "--create", "proposed"],
        ["commit", "--quiet", "--allow-empty", "--message=proposed"],
        ["switch", "--quiet", "main"],
        ["merge", "--quiet", "--no-ff", "--message=merged", "proposed"],
    ):
        subprocess.run(["git", *identity, "-C", str(folder), *command], check=True)
    return folder


def test_it_judges_the_commit_that_the_event_names_and_no_other(steps: list[dict[str, Any]], head: Path) -> None:
    script = next(step["run"] for step in steps if "HEAD^2" in step.get("run", ""))
    command = ["git", "-C", str(head), "rev-parse", "HEAD^1", "HEAD^2"]
    base, proposed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    def judged(commit: str) -> subprocess.CompletedProcess[str]:
        environment = {"HEAD": commit, "PATH": "/usr/bin:/bin"}
        command = ["bash", "-e", "-c", script]
        return subprocess.run(command, cwd=head.parent, env=environment, capture_output=True, text=True, check=False)

    refused = judged(base)
    assert (refused.returncode, "is no longer the head of this pull request" in refused.stdout) == (1, True)
    assert judged(proposed).returncode == 0


def test_what_it_judges_against_is_on_main(steps: list[dict[str, Any]]) -> None:
    """Its author may have led the pull request onto a branch of theirs since the event."""
    ran = [step.get("run", "") for step in steps]
    (checked,) = (number for number, script in enumerate(ran) if 'check-base "$(git -C base rev-parse HEAD)"' in script)
    (judged,) = (number for number, script in enumerate(ran) if "slipway_release validate head --base base" in script)
    assert checked < judged


def test_the_program_that_judges_is_that_of_main(steps: list[dict[str, Any]]) -> None:
    """What is proposed lies in `head` and is an argument."""
    ran = [step["run"] for step in steps if "slipway_release" in step.get("run", "")]
    assert len(ran) > 2
    assert all(line.startswith("python3 main/.slipway/slipway_release ") for line in ran)
    checkouts = {step["with"]["path"]: step["with"] for step in steps if "uses" in step}
    assert "ref" not in checkouts["main"]
    assert all(found["persist-credentials"] is False for found in checkouts.values())
