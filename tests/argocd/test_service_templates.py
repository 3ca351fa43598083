"""What the repository of a new service starts with works: its own tests, and its image's rules."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from templates.service_template import service_template, service_templates
from templates.starting_files import starting_files
from tests.argocd.starting import VARIABLES, write


@pytest.fixture(params=service_templates())
def template(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def repository(template: str, tmp_path: Path) -> Path:
    return write(dict(starting_files(service_template(template), {}, VARIABLES).files), tmp_path)


def test_a_template_describes_itself(template: str) -> None:
    described = yaml.safe_load((Path("templates/services") / template / "copier.yml").read_text())
    assert set(described["_slipway"]) - {"values", "shared"} == {"description", "version", "chart"}
    assert all(
        {"type", "help", "default"} <= set(question) for question in service_template(template).questions.values()
    )


def test_its_own_tests_pass(template: str, repository: Path) -> None:
    if not template.startswith("python-") and not shutil.which("go"):
        pytest.skip("there is no Go here")
    ran = subprocess.run(["make", "test"], cwd=repository, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_its_image_says_what_it_is_and_runs_as_nobody(repository: Path) -> None:
    lines = (repository / "Dockerfile").read_text().splitlines()
    assert {"ARG VERSION=dev", "ARG COMMIT=unknown", 'ARG SOURCE=""'} <= set(lines)
    assert [line for line in lines if line.startswith("USER ")] == ["USER 65532:65532"]
    text = "\n".join(lines)
    for label in ("version", "revision", "source"):
        assert f"org.opencontainers.image.{label}=" in text


def test_its_image_copies_nothing_that_is_ignored(repository: Path) -> None:
    kept = {line[1:].rstrip("/") for line in (repository / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    copies = [
        line.split()[1:-1] for line in (repository / "Dockerfile").read_text().splitlines() if line[:5] == "COPY "
    ]
    sources = [word.rstrip("/") for words in copies if not words[0].startswith("--from") for word in words]
    assert sources
    assert [word for word in sources if word not in kept] == []


def test_nothing_is_left_to_be_filled_in(template: str, repository: Path) -> None:
    found = [
        path.name
        for path in repository.rglob("*")
        if path.is_file() and ("[[ " in path.read_text() or "[% " in path.read_text())
    ]
    assert found == []
    assert VARIABLES["service"] in (repository / "README.md").read_text()
