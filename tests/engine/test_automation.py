"""What of the Automation API's way can be tried without the pulumi CLI."""

from pathlib import Path

import pytest
import yaml

from sandbox.engine import automation


def test_the_mirrored_project_has_a_stack_file_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "work"
    (root / "stacks").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "t", "stackConfigDir": "stacks"}))
    (root / "__main__.py").write_text("")
    (root / "stacks" / "Pulumi.s.yaml").write_text("config: {}\n")
    (root / "stacks" / "settings.py").write_text("")
    folder = root / ".sandbox" / "project"
    for _ in range(2):
        automation.mirrored_project(root, folder, "s")
    assert (folder / "__main__.py").resolve() == root / "__main__.py"
    assert (folder / "stacks" / "settings.py").resolve() == root / "stacks" / "settings.py"
    assert not (folder / "stacks").is_symlink()
    assert not (folder / "stacks" / "Pulumi.s.yaml").exists()
    assert not (folder / ".sandbox").exists()


def test_without_the_cli_it_is_not_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not automation.is_available()


def test_the_plugins_have_to_be_there_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = tmp_path / "pulumi"
    fake.write_text('#!/bin/sh\necho \'[{"name": "github"}]\'\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert not automation.is_available()
    fake.write_text('#!/bin/sh\necho \'[{"name": "github"}, {"name": "kubernetes"}]\'\n')
    assert automation.is_available()
