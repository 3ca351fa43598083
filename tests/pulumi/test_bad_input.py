"""What can be wrong with the CLI, its plugins and its state: one sentence with a remedy, and nothing is changed."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import golang, toolchain
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.progress import Progress
from sandbox.pulumi import operations, programs
from sandbox.pulumi.operations import PulumiError
from sandbox.pulumi.programs import Home
from tests.pulumi.conftest import Project, built_cli


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_broken_state_is_named_with_the_one_before(small: Project) -> None:
    operations.up(small.place, small.settings())
    operations.up(small.place, small.settings(text="bye"))
    small.state.write_text('{"version": 3, "checkp')
    with pytest.raises(
        SandboxError, match=r"the state is broken: it is not JSON; put the one before back with `cp "
    ) as caught:
        operations.up(small.place, small.settings(text="again"))
    assert small.note.read_text() == "bye"
    backup = small.state.with_name(f"{small.state.name}.bak")
    assert f"cp {backup} {small.state}" in str(caught.value)
    shutil.copy(backup, small.state)
    operations.up(small.place, small.settings(text="again"))


def test_something_else_in_place_of_the_state_is_named(small: Project) -> None:
    small.state.parent.mkdir(parents=True)
    small.state.write_text("[]")
    with pytest.raises(SandboxError, match="it has no checkpoint"):
        operations.preview(small.place, small.settings())


def test_the_state_of_another_stack_is_refused(small: Project) -> None:
    operations.up(small.place, small.settings())
    other = small.named("other")
    shutil.copy(small.state, small.place.state_file(other))
    with pytest.raises(SandboxError, match="it is the state of stack s of project t, not of stack other of project t"):
        operations.destroy(small.place, other)
    assert small.note.exists()


def test_a_stack_of_another_name_in_the_same_backend_is_left_alone(small: Project) -> None:
    operations.up(small.place, small.settings())
    before = small.state.read_bytes()
    assert operations.preview(small.place, small.named("other")).counts == {"create": 2}
    operations.up(small.place, small.named("other"))
    assert small.state.read_bytes() == before
    assert str(operations.up(small.place, small.settings())) == "nothing changed (2 resources)"


@pytest.mark.parametrize("lost", [False, True])
def test_a_wrong_passphrase_is_named(small: Project, lost: bool) -> None:
    operations.up(small.place, small.settings())
    small.place.passphrase.unlink() if lost else small.place.passphrase.write_text("another")
    with pytest.raises(
        PulumiError, match="not the passphrase that the secrets of this stack are encrypted with"
    ) as caught:
        operations.up(small.place, small.settings(text="bye"))
    assert str(small.place.passphrase) in str(caught.value)
    assert small.note.read_text() == "hello"


def test_the_cli_for_people_says_the_same_of_a_broken_state_and_a_wrong_passphrase(small: Project) -> None:
    operations.up(small.place, small.settings())
    small.place.passphrase.write_text("another")
    with pytest.raises(PulumiError, match="not the passphrase that the secrets of this stack are encrypted with"):
        operations.execute(small.place, small.settings(token="another"), ["preview"])
    small.state.write_text("{")
    with pytest.raises(SandboxError, match="the state is broken: it is not JSON"):
        operations.execute(small.place, small.settings(), ["preview"])


def test_a_plugin_that_does_not_start_is_named(small: Project) -> None:
    root = small.place.config.root
    (root / "__main__.py").write_text("import pulumi_github\npulumi_github.Team('web', name='web')\n")
    plugin = script(small.place.home.plugin("github"), "echo 'no such interpreter' >&2; exit 3")
    with pytest.raises(PulumiError) as caught:
        operations.up(small.place, small.settings())
    assert str(plugin) in str(caught.value)
    assert "does not start" in str(caught.value)


def test_a_program_that_asks_for_a_newer_cli_is_refused_by_it(small: Project) -> None:
    project = small.place.config.root / "Pulumi.yaml"
    project.write_text(project.read_text() + 'requiredPulumiVersion: ">=3.900.0"\n')
    with pytest.raises(PulumiError, match=r"3\.900\.0"):
        operations.up(small.place, small.settings())
    assert not small.note.exists()


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("echo v3.100.0", "it is 3.100.0, and the project asks for >=3.220.0"),
        ("echo v4.0.0", "it is 4.0.0, and the project asks for >=3.220.0"),
        ("echo no version", "it does not say its version"),
        ("exit 1", "it does not run"),
        ("echo v3.300.0", "it came without pulumi-language-python"),
    ],
)
def test_a_pulumi_that_does_not_fit_is_left_alone_with_a_word(tmp_path: Path, says: str, reason: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text('name: t\nrequiredPulumiVersion: ">=3.220.0"\n')
    cli = script(tmp_path / "bin" / "pulumi", says)
    assert programs.unfit(cli, tmp_path, str(cli.parent)) == reason


def test_a_pulumi_that_fits_is_used(small: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "installed"
    folder.mkdir()
    (folder / "pulumi").symlink_to(built_cli())
    script(folder / "pulumi-resource-kubernetes", "exit 1")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    home = Home(tmp_path / "home")
    assert programs.ensure(small.place.config, Progress(quiet=True), home) == folder / "pulumi"
    assert home.plugin("github").is_file()
    assert not home.plugin("kubernetes").exists()


def test_plugins_that_the_user_has_installed_are_used(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "person"))
    home, theirs = Home(tmp_path / "home"), Home(tmp_path / "person")
    for name in programs.PLUGINS:
        script(theirs.plugin(name), "exit 1")
    programs.ensure_plugins(config, Progress(quiet=True), home)
    assert {home.plugin(name).readlink() for name in programs.PLUGINS} == {
        theirs.plugin(name) for name in programs.PLUGINS
    }


def test_a_build_without_network_says_what_it_needs(
    config: SandboxConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go = golang.find(SandboxConfig.from_environment(), Progress(quiet=True))
    monkeypatch.setattr(golang, "find", lambda *_: go)
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(SandboxError, match=r"sandbox/tools/pulumi: .* Go modules cannot be had; .*GOPROXY"):
        toolchain.ensure(config, Progress(quiet=True), ["pulumi"])
    assert not [path for path in (config.cache / "bin").iterdir() if path.name != ".pulumi.lock"]


def test_what_was_being_created_is_looked_for_by_the_program(small: Project) -> None:
    """A creation that was cut off may have happened; the settings for that case are given to the program."""
    operations.up(small.place, small.settings())
    document = json.loads(small.state.read_text())
    resource = document["checkpoint"]["latest"]["resources"][-1]
    pending = {"resource": {**resource, "id": "", "urn": f"{resource['urn']}-2"}, "type": "creating"}
    document["checkpoint"]["latest"]["pending_operations"] = [pending]
    small.state.write_text(json.dumps(document))
    assert (
        operations.preview(small.place, small.settings())
        .messages[0]
        .endswith("creating note-2 (pulumi-python:dynamic:Resource)")
    )
    run = operations.up(small.place, small.settings(), adopting={"t:text": "looked for"})
    # Once with those settings, and once more without.
    assert [step.operation for step in run.steps if step.name == "note" and step.differing] == ["update", "update"]
    assert small.note.read_text() == "hello"
    assert [text for text in run.messages if "creating note-2" in text]
    again = operations.up(small.place, small.settings(), adopting={"t:text": "looked for"})
    assert not again.changed
    assert not [text for text in again.messages if "creating" in text]


def test_replaced_settings_are_all_that_is_said(small: Project) -> None:
    """A setting that was taken out is not left behind in the stack file."""
    operations.preview(small.place, small.settings(broken=""))
    settings = small.settings()
    del settings.values["t:text"]
    with pytest.raises(PulumiError, match="text"):
        operations.preview(small.place, replace(settings))


@pytest.mark.parametrize(
    "words",
    [["config", "set", "slipway:adopt[0]", "everything"], ["config", "--path", "rm", "a"], ["config", "set-all"]],
)
def test_settings_that_would_be_written_over_are_refused_with_the_place_for_them(
    small: Project, words: list[str]
) -> None:
    with pytest.raises(SandboxError, match=r"stacks/Pulumi\.s\.yaml.*change them in that file"):
        operations.execute(small.place, small.settings(), words)
