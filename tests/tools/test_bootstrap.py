"""`tools/bootstrap` finds a Python, says what is missing, and does nothing the second time."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose locks name nothing."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools/bootstrap", tmp_path / "tools/bootstrap")
    (tmp_path / "requirements.lock").write_text("# nothing\n")
    (tmp_path / "requirements-dev.lock").write_text("# nothing more\n")
    (tmp_path / "bin").mkdir()
    return tmp_path


def bootstrap(project: Path, what: str = "everything", **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs it with the project's own `bin` and the system's plain commands on the path."""
    plain = project / "plain"
    plain.mkdir(exist_ok=True)
    for command in ("sh", "cksum", "cat", "touch", "dirname", "rm", "grep"):
        found = shutil.which(command)
        assert found
        if not (plain / command).exists():
            (plain / command).symlink_to(found)
    path = {"PATH": f"{project / 'bin'}:{plain}"}
    return subprocess.run(
        [project / "tools/bootstrap", what],
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


def test_a_name_on_the_path_that_is_not_python_is_passed_over(project: Path) -> None:
    fake_python(project, "python3.14", "echo 'pyenv: python3.14: command not found' >&2; exit 127")
    ran = bootstrap(project)
    assert ran.returncode == 2
    assert "found none" in ran.stderr


def test_a_python_without_venv_is_named_with_the_package_to_install(project: Path) -> None:
    fake_python(project, "python3.12", 'case "$2" in *ensurepip*) exit 1;; *%d*) echo 3.12;; esac; exit 0')
    ran = bootstrap(project)
    assert ran.returncode == 2
    assert "python3.12-venv" in ran.stderr


@pytest.fixture
def installed(project: Path) -> Path:
    """The project with an environment whose Python notes what pip is asked for."""
    (project / ".venv/bin").mkdir(parents=True)
    python = project / ".venv/bin/python"
    python.write_text(f'#!/bin/sh\necho "$@" >>{project}/asked\n')
    python.chmod(0o755)
    return project


def asked(project: Path) -> list[str]:
    """The locks that pip was asked to install since the last look."""
    file = project / "asked"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return [line.split()[-1] for line in lines if " install " in line]


def test_a_real_platform_installs_the_lock_of_the_product_alone(installed: Path) -> None:
    assert bootstrap(installed, "product").returncode == 0
    assert asked(installed) == ["requirements.lock"]


def test_the_sandbox_installs_everything_also_after_the_product(installed: Path) -> None:
    bootstrap(installed, "product")
    assert asked(installed) == ["requirements.lock"]
    assert bootstrap(installed, "everything").returncode == 0
    assert asked(installed) == ["requirements-dev.lock"]


@pytest.mark.parametrize("what", ["product", "everything"])
def test_what_is_done_is_not_done_again(installed: Path, what: str) -> None:
    bootstrap(installed, what)
    asked(installed)
    assert bootstrap(installed, what).returncode == 0
    assert not (installed / "asked").exists()


def test_everything_has_the_product_in_it(installed: Path) -> None:
    bootstrap(installed, "everything")
    asked(installed)
    assert bootstrap(installed, "product").returncode == 0
    assert not (installed / "asked").exists()


def test_a_changed_lock_is_installed(installed: Path) -> None:
    bootstrap(installed, "everything")
    asked(installed)
    (installed / "requirements.lock").write_text("# another\n")
    bootstrap(installed, "product")
    assert asked(installed) == ["requirements.lock"]


def test_an_unknown_set_is_refused(project: Path) -> None:
    ran = bootstrap(project, "half")
    assert ran.returncode == 2
    assert "product|everything" in ran.stderr
