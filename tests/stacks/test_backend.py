"""A variable leads no deployment to another backend than the one that main names."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stacks.backend import problem

ROOT = Path(__file__).parents[2]
OURS = "s3://acme-state?region=eu-central-1&awssdk=v2"
PROJECT = f"name: slipway\nbackend:\n  url: {OURS}\n"


@pytest.mark.parametrize(
    ("told", "project"),
    [("", PROJECT), (OURS, PROJECT), ("", "name: slipway\n"), ("", ""), ("https://api.pulumi.com", "name: slipway\n")],
)
def test_a_backend_that_the_project_names_is_taken_and_pulumis_own(told: str, project: str) -> None:
    assert problem(told, project) == ""


@pytest.mark.parametrize("project", ["name: slipway\n", "name: slipway\nbackend: {}\n", ""])
@pytest.mark.parametrize("told", [OURS, "https://evil.example.com", "https://api.pulumi.com.example.com"])
def test_a_backend_that_only_a_variable_names_is_refused(told: str, project: str) -> None:
    """Everybody who may push can set it, and Pulumi's access token would go there."""
    assert "Pulumi.yaml names no backend" in problem(told, project)


def test_another_backend_of_a_variable_is_refused(tmp_path: Path) -> None:
    assert problem("https://evil.example.com", PROJECT).startswith(
        "PULUMI_BACKEND_URL: the variable says 'https://evil"
    )
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    command = [sys.executable, "-m", "stacks.backend", "https://evil.example.com"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "find out who has changed it" in done.stderr


@pytest.mark.parametrize("name", ["deploy", "preview", "drift"])
def test_it_is_asked_before_a_job_logs_in(name: str) -> None:
    """The first step of the action that each of them has before `pulumi`."""
    jobs = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())["jobs"]
    steps = next(job["steps"] for job in jobs.values() if "PULUMI_ACCESS_TOKEN" in str(job))
    ours = next(n for n, step in enumerate(steps) if step.get("uses", "").endswith("/platform-access"))
    first = min(n for n, step in enumerate(steps) if "PULUMI_ACCESS_TOKEN" in str(step) or "cloud-url" in str(step))
    assert ours < first
    assert steps[ours]["with"]["backend"] == "${{ vars.PULUMI_BACKEND_URL }}"
    action = yaml.safe_load((ROOT / ".github/actions/platform-access/action.yml").read_text())
    assert "stacks.backend" in action["runs"]["steps"][0]["run"]
