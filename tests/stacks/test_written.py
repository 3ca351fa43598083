"""What Pulumi reads otherwise than it is written is refused with its line: the program gets only what was read."""

import json
from pathlib import Path

import pulumi
import pytest

from stacks import access, settings
from stacks.addition import settings_in
from stacks.problems import SettingsError
from stacks.settings import read_settings
from stacks.stack_text import StackText, StackTextError
from tests.stacks.builders import SECRETS, texts, values

CONFIG = "config:\n  slipway:services:\n    - name: orders\n      overrides: {production: {config: {A: %s}}}\n"


def changed(word: str, given: object) -> list[str]:
    services = [{"name": "orders", "overrides": {"production": {"config": {"A": given}}}}]
    text = StackText(CONFIG % word)
    return [str(text.located(problem)) for problem in text.changed({"services": json.dumps(services)})]


@pytest.mark.parametrize(
    ("word", "given", "said"),
    [
        ("1.10", 1.1, "1.10 without quotes is the number 1.1 to Pulumi; put it in quotes, or write 1.1"),
        ("1e3", 1000, "is the number 1000"),
        ("0o17", 15, "is the number 15"),
        ("0123", 83, "is the number 83"),
        ("1_000", 1000, "is the number 1000"),
        ("9007199254740993", 9007199254740992, "is the number 9007199254740992"),
        ("2024-01-01", "2024-01-01 00:00:00 +0000 UTC", "is the moment '2024-01-01 00:00:00 +0000 UTC'"),
    ],
)
def test_a_word_that_becomes_another_one_is_named(word: str, given: object, said: str) -> None:
    (problem,) = changed(word, given)
    assert problem.startswith("line 4: services[orders].overrides.production.config.A: ")
    assert said in problem


@pytest.mark.parametrize(
    ("word", "given"),
    [
        ("1048576", 1048576),
        ("0.5", 0.5),
        ("no", "no"),
        ("true", True),
        ("null", None),
        ('"1.10"', "1.10"),
        ("1:30", "1:30"),
    ],
)
def test_a_word_that_stays_what_it_is_is_taken(word: str, given: object) -> None:
    assert changed(word, given) == []


def test_a_file_that_is_not_the_one_that_was_read_is_not_judged() -> None:
    """With `--config-file`, Pulumi has read another one."""
    assert changed("1.10", 2) == []


def test_the_program_refuses_it_beside_all_other_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = values(mark="1.1")
    stack["services"][0]["description"] = 5
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "settings.py"))
    lines = "".join(f"  slipway:{key}: {json.dumps(value)}\n" for key, value in stack.items() if key != "mark")
    (tmp_path / "Pulumi.test.yaml").write_text(f"config:\n  slipway:mark: 1.10\n{lines}")
    monkeypatch.setattr(pulumi, "get_stack", lambda: "test")
    pulumi.runtime.set_all_config(
        {f"slipway:{key}": text for key, text in texts(stack).items()}, [f"slipway:{key}" for key in SECRETS]
    )
    with pytest.raises(SettingsError) as caught:
        read_settings()
    mark, description = caught.value.problems
    assert str(mark).startswith("line 2: mark: 1.10 without quotes")
    assert description.path == "services[guestbook].description"


def test_commands_refuse_it_too() -> None:
    lines = "".join(f"  slipway:{key}: {json.dumps(value)}\n" for key, value in values().items())
    found, problems = settings_in(StackText(f"config:\n{lines}  slipway:mark: 1.10\n"), "test")
    assert found is None
    assert [problem.path for problem in problems] == ["mark"]


def test_a_key_that_is_there_twice_is_named() -> None:
    with pytest.raises(StackTextError, match="line 3: 'slipway:mark' is there twice, first in line 2; remove one"):
        StackText("config:\n  slipway:mark: a\n  slipway:mark: b\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"config:\n  slipway:github: {a: 1\n", "line 3: it cannot be read as YAML"),
        (b"config:\n  slipway:adopt: &a [*a]\n", "line 2: it cannot be read as YAML"),
        (b"config:\n  slipway:adopt: !!set {a}\n", "line 2: it cannot be read as YAML"),
        (b"config:\n  slipway:mark: !!binary aGk=\n", "line 2: it cannot be read as YAML"),
        (b"", "it has no `config`"),
        (b"config: [1]\n", "it has no `config`"),
        (b"config:\n  slipway:mark: a\n  slipway:mark: b\n", "is there twice"),
        (b"config:\n  5: x\n", "github: missing"),
        (b"\xff\xfec\x00", "it is not text in UTF-8"),
    ],
)
def test_make_access_tells_what_is_wrong_with_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, said: str
) -> None:
    (tmp_path / "Pulumi.acme.yaml").write_bytes(content)
    monkeypatch.setattr(access, "FOLDER", tmp_path)
    assert access.main(["--stack", "acme"]) == 2
    assert said in capsys.readouterr().err
