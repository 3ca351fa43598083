"""The Automation API's way, with a `pulumi` that writes down how it is called and answers from a script."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import up
from sandbox.config import SandboxConfig
from sandbox.engine import automation
from sandbox.engine.deploy import Deployed
from sandbox.engine.mirrored import mirrored_project, write_settings
from sandbox.engine.outcome import Outcome, ProgramError, Tally
from sandbox.engine.stackfile import StackConfig
from sandbox.errors import SandboxError
from sandbox.progress import Progress

PULUMI = """#!{python} -IS
import json, os, sys
from pathlib import Path
home = Path({home!r})
words = [word for word in sys.argv[1:] if word != "--non-interactive"]
with (home / "calls").open("a") as calls:
    calls.write(json.dumps({{"words": words, "backend": os.environ.get("PULUMI_BACKEND_URL"),
                             "phrase": os.environ.get("PULUMI_CONFIG_PASSPHRASE"), "cwd": os.getcwd()}}) + "\\n")
script = json.loads((home / "script.json").read_text())
said = next((script[key] for key in script if " ".join(words).startswith(key)), {{}})
if "--event-log" in words:
    with open(words[words.index("--event-log") + 1], "a") as log:
        for event in [*said.get("events", []), {{"sequence": 9, "timestamp": 1, "cancelEvent": {{}}}}]:
            log.write(json.dumps(event) + "\\n")
if isinstance(said.get("once"), str):
    marker = home / said["once"]
    if marker.exists():
        said = {{"out": said.get("then", "")}}
    marker.touch()
print(said.get("out", ""))
print(said.get("err", ""), file=sys.stderr)
sys.exit(said.get("code", 0))
"""
# Older versions write their events into a file, which a script can do too.
VERSION = {"version": {"out": "v3.200.0"}}
TEAM = "urn:pulumi:s::t::slipway:index:TeamAccess$github:index/team:Team::web-team"
STACK = "urn:pulumi:s::t::pulumi:pulumi:Stack::t-s"
HISTORY = {
    "kind": "update",
    "startTime": "2026-01-01T00:00:00.000Z",
    "message": "",
    "environment": {},
    "config": {},
    "result": "succeeded",
}


@dataclass
class Pulumi:
    """A `pulumi` on PATH that does as it is told."""

    home: Path

    def answers(self, script: dict[str, Any]) -> None:
        """Sets what is answered to a command that begins with these words."""
        (self.home / "script.json").write_text(json.dumps(VERSION | script))

    def calls(self, *words: str) -> list[dict[str, Any]]:
        """The calls so far that begin with these words."""
        calls = [json.loads(line) for line in (self.home / "calls").read_text().splitlines()]
        return [call for call in calls if call["words"][: len(words)] == list(words)]


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("pulumi", "pulumi-resource-pulumi-python"):
        (folder / name).write_text(PULUMI.format(python=sys.executable, home=str(folder)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")
    fake = Pulumi(folder)
    fake.answers({})
    return fake


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    root = tmp_path / "work"
    (root / "stacks").mkdir(parents=True)
    (root / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "t", "stackConfigDir": "stacks"}))
    (root / "__main__.py").write_text("")
    (root / "stacks" / "Pulumi.s.yaml").write_text("config: {}\n")
    (root / "stacks" / "settings.py").write_text("")
    return SandboxConfig(root, root / ".sandbox", "10.249", tmp_path / "cache")


def settings(**overrides: Any) -> StackConfig:
    values: dict[str, Any] = {"t:github": {"owner": "acme", "id": "1e3"}, "t:token": "-----BEGIN\nx=y\n"} | overrides
    return StackConfig("t", "s", values, frozenset({"t:token"}))


def test_the_mirrored_project_has_a_stack_file_of_its_own(config: SandboxConfig) -> None:
    root, folder = config.root, config.directory / "project"
    mirrored_project(root, folder, "s")
    file = mirrored_project(root, folder, "s")
    assert (folder / "__main__.py").resolve() == root / "__main__.py"
    assert (folder / "stacks" / "settings.py").resolve() == root / "stacks" / "settings.py"
    assert not (folder / "stacks").is_symlink()
    assert file == folder / "stacks" / "Pulumi.s.yaml"
    assert not file.exists()
    assert not (folder / ".sandbox").exists()


def test_the_mirrored_project_follows_the_work_tree(config: SandboxConfig) -> None:
    """Python leaves byte code on both sides, and files of the work tree come and go."""
    root, folder = config.root, config.directory / "project"
    mirrored_project(root, folder, "s")
    (folder / "stacks" / "__pycache__").mkdir()
    (root / "stacks" / "__pycache__").mkdir()
    (root / "__main__.py").unlink()
    (root / "other.py").write_text("")
    mirrored_project(root, folder, "s")
    assert not (folder / "__main__.py").is_symlink()
    assert (folder / "other.py").exists()


def test_objects_stay_objects_in_the_stack_file(tmp_path: Path) -> None:
    """`Pulumi.yaml` declares them as such, and the CLI refuses a text in their place."""
    file = tmp_path / "Pulumi.s.yaml"
    file.write_text("encryptionsalt: v1:abc\nconfig:\n  t:gone: 1\n")
    write_settings(file, settings(**{"t:list": [{"a": True}], "pulumi:disable-default-providers": ["*"]}))
    assert yaml.safe_load(file.read_text()) == {
        "encryptionsalt": "v1:abc",
        "config": {"t:github": {"owner": "acme", "id": "1e3"}, "t:list": [{"a": True}]},
    }
    assert '"1e3"' in file.read_text()


def test_without_the_cli_it_is_not_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert automation.missing() == ["the pulumi CLI"]
    assert not automation.is_available()


def test_the_plugins_have_to_be_there_too(pulumi: Pulumi) -> None:
    pulumi.answers({"plugin ls": {"out": '[{"name": "github"}]'}})
    assert automation.missing() == ["the pulumi plugin kubernetes"]
    pulumi.answers({"plugin ls": {"out": '[{"name": "github"}, {"name": "kubernetes"}]'}})
    assert automation.is_available()
    (pulumi.home / "pulumi-resource-pulumi-python").unlink()
    assert automation.missing() == ["the pulumi plugin pulumi-python"]


def test_the_stack_is_the_sandboxs_own(pulumi: Pulumi, config: SandboxConfig) -> None:
    pulumi.answers({"stack select": {"code": 255, "err": "error: no stack named 's' found"}})
    automation.select_stack(config, settings())
    (made,) = pulumi.calls("stack", "init")
    assert made["backend"] == f"file://{config.directory}/pulumi/state"
    assert made["phrase"]
    assert made["cwd"] == str(config.directory / "pulumi" / "project")
    assert not yaml.safe_load((config.root / "stacks" / "Pulumi.s.yaml").read_text())["config"]


def test_secrets_are_set_as_such_and_nothing_else_is(pulumi: Pulumi, config: SandboxConfig) -> None:
    automation.select_stack(config, settings())
    assert not pulumi.calls("config", "set")
    (given,) = pulumi.calls("config", "set-all")
    assert given["words"][-2:] == ["--secret", "t:token=-----BEGIN\nx=y\n"]
    assert "--plaintext" not in given["words"]
    written = config.directory / "pulumi" / "project" / "stacks" / "Pulumi.s.yaml"
    assert "BEGIN" not in written.read_text()


def test_up_counts_and_tells(pulumi: Pulumi, config: SandboxConfig) -> None:
    def event(what: str, urn: str, op: str) -> dict[str, Any]:
        return {"sequence": 1, "timestamp": 1, what: {"metadata": {"urn": urn, "op": op, "type": "", "provider": ""}}}

    pulumi.answers(
        {
            "up": {
                "events": [
                    event("resourcePreEvent", STACK, "same"),
                    event("resourcePreEvent", TEAM, "update"),
                    event("resOutputsEvent", TEAM, "update"),
                ]
            },
            "stack output --json --show-secrets": {"out": '{"url": "u", "key": "k"}'},
            "stack output": {"out": '{"url": "u", "key": "[secret]"}'},
            "stack history": {"out": json.dumps([HISTORY | {"resourceChanges": {"same": 7, "read": 1, "update": 1}}])},
        }
    )
    told: list[str] = []
    deployed = automation.up(config, settings(), told.append)
    assert deployed.tally.counts == {Outcome.UNCHANGED: 8, Outcome.UPDATED: 1}
    assert deployed.exports == {"url": "u", "key": "[secret]"}
    assert told == ["web-team"]
    assert "--refresh" in pulumi.calls("up")[0]["words"]


def test_a_preview_counts_by_words(pulumi: Pulumi, config: SandboxConfig) -> None:
    summary = {"sequence": 1, "timestamp": 1, "summaryEvent": {"resourceChanges": {"create": 3}}}
    pulumi.answers({"preview": {"events": [summary]}})
    assert automation.preview(config, settings()) == {"create": 3}


def test_a_failure_names_the_resource_and_shows_no_traceback(pulumi: Pulumi, config: SandboxConfig) -> None:
    def error(urn: str, message: str) -> dict[str, Any]:
        return {"sequence": 1, "timestamp": 1, "diagnosticEvent": {"urn": urn, "message": message, "severity": "error"}}

    program = 'Program failed:\nTraceback (most recent call last):\n  File "x"\nValueError: no good\n'
    pulumi.answers(
        {
            "up": {
                "code": 255,
                "out": "Diagnostics:\n  noise",
                "events": [error(TEAM, "<{%reset%}>403 not yours<{%reset%}>\n"), error(STACK, "update failed")],
            },
            "preview": {"code": 255, "events": [error(STACK, program)]},
        }
    )
    with pytest.raises(ProgramError) as caught:
        automation.up(config, settings(), lambda _text: None)
    assert str(caught.value).splitlines()[1:] == ["web-team (github:index/team:Team): 403 not yours"]
    with pytest.raises(ProgramError) as caught:
        automation.preview(config, settings())
    assert str(caught.value).splitlines()[1:] == ["the program failed: ValueError: no good"]


@pytest.mark.parametrize(
    "script",
    [
        {"stack select": {"code": 255, "err": "error: wrong passphrase"}},
        {"config set-all": {"code": 255, "err": "error: wrong passphrase"}},
    ],
    ids=["select", "settings"],
)
def test_what_fails_before_the_deployment_is_a_sentence_too(
    script: dict[str, Any], pulumi: Pulumi, config: SandboxConfig
) -> None:
    pulumi.answers(script)
    with pytest.raises(SandboxError, match=r"failed:\nwrong passphrase$"):
        automation.destroy(config, settings())


@pytest.mark.parametrize(("holder", "calls"), [(4_194_304, 2), (1, 1)], ids=["killed", "alive"])
def test_the_lock_of_a_killed_run_is_taken(holder: int, calls: int, pulumi: Pulumi, config: SandboxConfig) -> None:
    text = f"error: the stack is currently locked by 1 lock(s).\n  s: created by a@b (pid {holder}) at 12:00"
    pulumi.answers(
        {
            "destroy": {"code": 255, "err": text, "once": "locked"},
            "stack history": {"out": json.dumps([HISTORY])},
        }
    )
    if calls == 2:
        automation.destroy(config, settings())
    else:
        with pytest.raises(ProgramError, match="locked"):
            automation.destroy(config, settings())
    assert len(pulumi.calls("destroy")) == calls
    assert len(pulumi.calls("cancel")) == calls - 1


@pytest.mark.parametrize(("made_here", "by"), [(True, "process"), (False, "pulumi")])
def test_a_sandbox_stays_with_what_deployed_it(
    made_here: bool, by: str, config: SandboxConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stack knows nothing of what was made without it, and would make it again."""
    config.directory.mkdir()
    if made_here:
        (config.directory / "engine").mkdir()
    monkeypatch.setattr(up, "sandbox_stack", lambda _config: settings())
    monkeypatch.setattr(automation, "is_available", lambda: True)
    monkeypatch.setattr(automation, "up", lambda *_given: Deployed(Tally(), {"by": "pulumi"}))
    monkeypatch.setattr(up, "deploy", lambda *_given: Deployed(Tally(), {"by": "process"}))
    assert up._deploy(config, Progress(quiet=True), Path("helm")).exports == {"by": by}
