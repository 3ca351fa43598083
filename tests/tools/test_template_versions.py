"""A service template does not change without a new version."""

import json
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest

from templates import service_template as module
from tools import generate, template_versions
from tools.template_versions import PATH, unraised, versions, versions_text


def test_each_template_that_has_changed_has_a_new_version() -> None:
    assert unraised() == []
    assert PATH.read_text() == versions_text(), "run make generate"


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the record and of the templates, which may be changed."""
    shutil.copytree(module.BUILT_IN, tmp_path / "templates/services")
    built_in = tmp_path / "templates/services"
    monkeypatch.setattr(module, "BUILT_IN", built_in)
    monkeypatch.setattr(template_versions, "BUILT_IN", built_in)
    monkeypatch.setattr(template_versions.templates, "ROOT", tmp_path / "templates")
    monkeypatch.setattr(template_versions, "PATH", built_in / PATH.name)
    forget()
    return built_in / PATH.name


def forget() -> None:
    module.service_template.cache_clear()
    module.service_templates.cache_clear()


@pytest.fixture(autouse=True)
def after() -> Generator[None]:
    yield
    forget()


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("go-web/repository/content.go", {"go-web"}),
        ("_go/repository/Makefile", {"go-web", "static-site"}),
        ("_chart/values.yaml", {"go-web", "python-job", "python-web", "python-worker", "static-site"}),
    ],
)
def test_a_change_without_a_new_version_is_named_and_not_recorded(record: Path, path: str, changed: set[str]) -> None:
    file = next(record.parent.glob(f"{path}*"))
    file.write_text(file.read_text() + "\n")
    forget()
    found = unraised(record)
    assert {line.partition(":")[0] for line in found} == changed
    assert "raise `version` in templates/services/go-web/copier.yml, then run make generate" in found[0]


def test_a_program_that_is_none_any_more_is_a_change(record: Path) -> None:
    file = next(record.parent.glob("_go/repository/Makefile*"))
    file.chmod(file.stat().st_mode ^ 0o100)
    forget()
    assert len(unraised(record)) == 2


def test_a_raised_version_is_recorded_and_an_older_one_is_not_enough(record: Path) -> None:
    described = record.parent / "go-web/copier.yml"
    text = described.read_text()
    version = versions()["go-web"]["version"]
    described.write_text(text.replace(f"version: {version}", "version: 0.9.0"))
    forget()
    assert [line.partition(":")[0] for line in unraised(record)] == ["go-web"]
    described.write_text(text.replace(f"version: {version}", "version: 10.0.0"))
    forget()
    assert unraised(record) == []
    assert json.loads(versions_text())["go-web"]["version"] == "10.0.0"


def test_what_tools_leave_behind_is_not_a_change(record: Path) -> None:
    kept = record.parent / "_go/repository/__pycache__/x.pyc"
    kept.parent.mkdir()
    kept.write_bytes(b"x")
    forget()
    assert unraised(record) == []


def test_generating_refuses_to_record_it(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_versions, "unraised", lambda: ["go-web: it has changed"])
    monkeypatch.setattr(generate, "files", lambda: pytest.fail("it is recorded"))
    assert generate.main() == 1
