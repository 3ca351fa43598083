"""A stack's settings: defaults of the project, the stack file, the overlay."""

from pathlib import Path

import pytest
import yaml

from sandbox.errors import SandboxError
from sandbox.pulumi.project import linked_project
from sandbox.pulumi.settings import read_stack


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
    with pytest.raises(SandboxError, match="t:token"):
        read_stack(root, "s")
    assert read_stack(root, "s", secrets={"t:token": "plain"}).secrets == {"t:token"}
    assert read_stack(root, "s", placeholder="?").values["t:token"] == "?"


def test_a_missing_stack_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"Pulumi\.other\.yaml"):
        read_stack(project(tmp_path, {}), "other")
    with pytest.raises(SandboxError, match="copy one of"):
        read_stack(tmp_path, "other")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"config:\n  a: [1\n", "line 3, column 1"),
        (b"\xff\xfec\x00", "UTF-8"),
        (b"- config\n", "a mapping is expected at the top"),
        (b"", "a mapping is expected at the top"),
        (b"config: 5\n", "config: a mapping"),
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    (project(tmp_path, {}) / "stacks" / "Pulumi.s.yaml").write_bytes(content)
    with pytest.raises(SandboxError, match=r"Pulumi\.s\.yaml") as caught:
        read_stack(tmp_path, "s")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_not_a_stack_file(tmp_path: Path) -> None:
    root = project(tmp_path, {})
    (root / "stacks" / "Pulumi.folder.yaml").mkdir()
    with pytest.raises(SandboxError, match="cannot be read"):
        read_stack(root, "folder")


def test_numbers_as_keys_and_dates_reach_the_program_as_pulumi_reads_them(tmp_path: Path) -> None:
    (project(tmp_path, {}) / "stacks" / "Pulumi.s.yaml").write_text("config: {5: x, t:a: {since: 2026-01-01}}\n")
    moment = "2026-01-01 00:00:00 +0000 UTC"
    assert read_stack(tmp_path, "s").as_text() == {"t:5": "x", "t:a": f'{{"since": "{moment}"}}'}


def test_the_program_is_that_of_the_clone_that_deploys(tmp_path: Path) -> None:
    """Two clones may share a sandbox, one after the other."""
    for name in ("first", "second"):
        (tmp_path / name / "stacks").mkdir(parents=True)
        (tmp_path / name / "Pulumi.yaml").write_text("name: t\nstackConfigDir: stacks\n")
        (tmp_path / name / "stacks/Pulumi.acme.yaml").write_text("config: {}\n")
        (tmp_path / name / "stacks/settings.py").write_text(f"# {name}\n")
        (tmp_path / name / "__main__.py").write_text(f"# {name}\n")
    for name in ("first", "second", "second"):
        linked_project(tmp_path / name, tmp_path / "project", "acme")
        for file in ("__main__.py", "stacks/settings.py"):
            assert (tmp_path / "project" / file).read_text() == f"# {name}\n"
