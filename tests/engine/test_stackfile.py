"""A stack's settings: defaults of the project, the stack file, the overlay."""

from pathlib import Path

import pytest
import yaml

from sandbox.engine.outcome import ProgramError
from sandbox.engine.stackfile import read_stack


def project(root: Path, stack: object, config: object = None) -> Path:
    """A project with one stack, `s`."""
    (root / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "t", "stackConfigDir": "stacks", "config": config or {}}))
    (root / "stacks").mkdir()
    (root / "stacks" / "Pulumi.s.yaml").write_text(yaml.safe_dump({"config": stack}))
    return root


def test_the_overlay_is_merged_into_the_file(tmp_path: Path) -> None:
    root = project(tmp_path, {"t:github": {"owner": "acme", "baseUrl": "there"}})
    found = read_stack(root, "s", {"t:github": {"baseUrl": "here"}})
    assert found.values["t:github"] == {"owner": "acme", "baseUrl": "here"}


def test_defaults_of_the_project_hold_where_the_stack_is_silent(tmp_path: Path) -> None:
    declared = {"a": {"type": "string", "default": "x"}, "other:b": {"value": ["*"]}, "t:c": {"type": "object"}}
    found = read_stack(project(tmp_path, {"t:d": 1}, declared), "s")
    assert found.values == {"t:a": "x", "other:b": ["*"], "t:d": 1}
    assert found.as_text() == {"t:a": "x", "other:b": '["*"]', "t:d": "1"}


def test_an_encrypted_value_has_to_come_from_the_overlay(tmp_path: Path) -> None:
    root = project(tmp_path, {"t:token": {"secure": "v1:x"}})
    with pytest.raises(ProgramError, match="t:token"):
        read_stack(root, "s")
    assert read_stack(root, "s", secrets={"t:token": "plain"}).secrets == {"t:token"}
    assert read_stack(root, "s", placeholder="?").values["t:token"] == "?"


def test_a_missing_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"Pulumi\.other\.yaml"):
        read_stack(project(tmp_path, {}), "other")
