"""The program as workflows run it: its own process, nothing but the standard library, and no traceback."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests import release_program
from slipway_release import cli
from tests.release.builders import environment
from tests.release.world import World

Make = Callable[..., World]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    for path, text in release_program.files().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path / release_program.FOLDER


def run(program: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it without site-packages, as a bare runner has none."""
    command = [sys.executable, "-S", "-E", str(program), *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "SLIPWAY_"))}
    return subprocess.run(command, capture_output=True, text=True, env=clean | variables, check=False, timeout=60)


def describe(program: Path, world: World) -> None:
    """Write the platform file of a world."""
    place = {
        "owner": world.owner,
        "environmentRepository": "environments",
        "apiUrl": f"{world.url}api/v3",
        "serverUrl": world.url.rstrip("/"),
        "registry": {"host": "registry.test", "insecure": True},
        "environments": world.environments,
        "services": [
            {
                "name": "guestbook",
                "repository": "guestbook",
                "team": "web",
                "environments": [place["name"] for place in world.environments],
                "image": "registry.test/acme/guestbook",
                "releaseWorkflow": ".github/workflows/release.yml",
            }
        ],
    }
    (program.parent / "platform.json").write_text(json.dumps(place))


def test_an_older_python_gets_a_sentence(program: Path) -> None:
    code = f"import runpy, sys; sys.version_info = (3, 10, 1); runpy.run_path({str(program)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-S", "-E", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, "3.11 or newer" in done.stderr, "Traceback" in done.stderr) == (1, True, False)


def test_it_needs_nothing_but_the_standard_library(program: Path) -> None:
    done = run(program, "--help")
    assert done.returncode == 0, done.stderr
    assert "rollback" in done.stdout


def test_every_command_has_what_it_runs() -> None:
    parser = cli._parser()
    (actions,) = [one.choices for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    assert all(callable(cli._command(command.get_default("run"))) for command in actions.values())


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("naming", ["slipway_release.reconcile", "slipway_release.promotion", "slipway_release.image"]),
        ("promotion", ["slipway_release.reconcile", "slipway_release.validation"]),
        ("verdicts", ["yaml"]),
    ],
)
def test_a_step_starts_without_what_it_does_not_use(module: str, unused: list[str]) -> None:
    code = f"import sys, slipway_release.commands.{module}; print([name for name in {unused} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_it_also_runs_as_a_module(program: Path) -> None:
    command = [sys.executable, "-S", "-m", "slipway_release", "dora", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=program.parent, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_platform_file_is_named(program: Path) -> None:
    done = run(program, "plan", SERVICE="guestbook", RUN="7", DIGEST="sha256:" + "0" * 64)
    assert done.returncode == 1
    assert "platform.json: missing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "service", ["unknown", "guestbook; id", "$(id)", "x\n::set-output name=repository::environments", "../environments"]
)
def test_an_unknown_service_is_refused_and_its_name_is_not_a_command(
    program: Path, world: Make, service: str, tmp_path: Path
) -> None:
    describe(program, world(environment("dev")))
    output = tmp_path / "output"
    done = run(program, "name", SERVICE=service, GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(output))
    assert done.returncode == 1
    assert done.stdout.startswith("::error::service ")
    assert len(done.stdout.splitlines()) == 1
    assert not output.exists()


def test_what_a_step_puts_out_cannot_end_itself(program: Path, world: Make, tmp_path: Path) -> None:
    describe(program, world(environment("dev")))
    output = tmp_path / "output"
    run(program, "name", SERVICE="guestbook", GITHUB_OUTPUT=str(output))
    first, value, last = output.read_text().splitlines()
    assert (value, first) == ("guestbook", f"repository<<{last}")


def test_a_server_that_stays_away_is_not_a_refusal(program: Path, world: Make) -> None:
    here = world(environment("dev"))
    describe(program, here)
    variables = {"GITHUB_TOKEN": here.token, "GITHUB_API_URL": "http://127.0.0.1:9/api/v3"}
    done = run(program, "verified", DEPLOYMENT="1", SLIPWAY_DEADLINE_SECONDS="1", **variables)
    assert done.returncode == 75
    assert "re-run this run to resume" in done.stderr


def test_an_expired_credential_is_named(program: Path, world: Make) -> None:
    here = world(environment("dev"))
    describe(program, here)
    done = run(program, "verified", DEPLOYMENT="1", GITHUB_TOKEN="ghs_expired")
    assert done.returncode == 1
    assert "expired or revoked" in done.stderr


def test_the_figures_come_from_the_ledger(program: Path, world: Make) -> None:
    here = world(environment("dev"))
    describe(program, here)
    here.verified_release("1.0.0", "dev")
    here.fail("dev", here.release("1.1.0", "dev"))
    here.succeed("dev", here.head("environments"))
    done = run(program, "dora", "--json", GITHUB_TOKEN=here.token)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    assert (found["service"], found["environment"]) == ("guestbook", "dev")
    assert (found["deployments"], found["failures"]) == (2, 1)
    assert found["change_failure_rate"] == pytest.approx(1 / 3, abs=0.001)
    assert found["time_to_restore_seconds"] is not None
    table = run(program, "dora", GITHUB_TOKEN=here.token)
    assert table.stdout.startswith("SERVICE")
