"""`tools/bootstrap` finds a Python, says what is missing, and does nothing the second time."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose lock names nothing."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/bootstrap", tmp_path / "tools/bootstrap")
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    (tmp_path / "bin").mkdir()
    return tmp_path


def bootstrap(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs it with the project's own `bin` and the system's plain commands on the path."""
    plain = project / "plain"
    plain.mkdir(exist_ok=True)
    for command in ("sh", "cksum", "cat", "touch", "dirname", "rm"):
        found = shutil.which(command)
        assert found
        if not (plain / command).exists():
            (plain / command).symlink_to(found)
    path = {"PATH": f"{project / 'bin'}:{plain}"}
    return subprocess.run(
        [project / "tools/bootstrap"],
        env={**os.environ, **path, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fake_python(project: Path, name: str, script: str) -> None:
    program = project / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_without_python_it_says_which_one_is_needed(project: Path) -> None:
    ran = bootstrap(project)
    assert ran.returncode == 2
    assert "3.11" in ran.stderr


def test_a_name_on_the_path_that_is_no_python_is_passed_over(project: Path) -> None:
    fake_python(project, "python3.14", "echo 'pyenv: python3.14: command not found' >&2; exit 127")
    ran = bootstrap(project)
    assert ran.returncode == 2
    assert "found none" in ran.stderr


def test_a_python_without_venv_is_named_with_the_package_to_install(project: Path) -> None:
    fake_python(project, "python3.12", 'case "$2" in *ensurepip*) exit 1;; *%d*) echo 3.12;; esac; exit 0')
    ran = bootstrap(project)
    assert ran.returncode == 2
    assert "python3.12-venv" in ran.stderr


def test_what_is_done_is_not_done_again(project: Path) -> None:
    """With no Python on the path: nothing of it is needed."""
    (project / ".venv/bin").mkdir(parents=True)
    python = project / ".venv/bin/python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    checksum = subprocess.run(
        ["cksum"], input=(project / "requirements.lock").read_text(), capture_output=True, text=True, check=True
    ).stdout
    (project / ".venv/.installed").write_text(checksum)
    assert bootstrap(project).returncode == 0
