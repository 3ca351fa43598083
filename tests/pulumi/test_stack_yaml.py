"""A stack file means to our own readers what it means to `pulumi`, judged by the CLI itself."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.pulumi import stack_yaml
from stacks import pulumi_yaml
from tests.pulumi.conftest import built_cli

_TEXT = """
no on y Yes off true FALSE null ~ Null None 1.10 3.0 1. .5 1e3 -1e3 1.5e3 1e400 017 0o17 0o18 0x1f 0xg 0b11 1_000 1__0
08 089 -017 +5 -0 1048576 18446744073709551615 18446744073709551616 1:30 2024-01-01 2024-1-2 2024-13-45 2024-02-30
2024-01-01T00:00:00Z 2024-01-01T00:00 = << v1.2.3 1.2.3 ./x 10.0.0.0/8
"""
WORDS = _TEXT.split()


def pulumi_reads(folder: Path, text: str) -> dict[str, object]:
    """The settings below `t:all`, as the CLI shows them."""
    (folder / "Pulumi.yaml").write_text("name: t\nruntime: python\n")
    (folder / "Pulumi.s.yaml").write_text(text)
    environment = {
        "PATH": "/usr/bin:/bin",
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder}",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    for words in (["stack", "init", "s"], ["config", "--json", "--stack", "s"]):
        command = [built_cli(), *words, "--non-interactive"]
        ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)["t:all"]["objectValue"]


def test_words_without_quotes_are_to_us_what_they_are_to_pulumi(tmp_path: Path) -> None:
    if not built_cli().exists():
        pytest.skip("no built pulumi in the cache; `make up` builds it")
    text = "config:\n  t:all:\n" + "".join(f"    k{place}: {word}\n" for place, word in enumerate(WORDS))
    wanted = pulumi_reads(tmp_path, text)
    for load in (pulumi_yaml.load, stack_yaml.load):
        found = load(text)
        assert isinstance(found, dict)
        # JSON knows one kind of number.
        mine = json.loads(json.dumps(found["config"]["t:all"]), parse_int=float)
        theirs = json.loads(json.dumps(wanted), parse_int=float)
        different = {WORDS[place]: (mine[f"k{place}"], theirs[f"k{place}"]) for place in range(len(WORDS))}
        assert {word: pair for word, pair in different.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize(
    "text",
    [
        "config: {t:a: x, t:a: y}\n",
        "config:\n  t:a: {b: 1, c: 2, b: 3}\n",
        "config: {}\nconfig: {}\n",
        "- {a: 1, a: 2}",
    ],
)
def test_a_key_that_is_there_twice_is_refused_as_pulumi_refuses_it(text: str) -> None:
    for load in (pulumi_yaml.load, stack_yaml.load):
        with pytest.raises(yaml.MarkedYAMLError, match="is there twice"):
            load(text)


def test_what_a_merge_brings_may_be_overridden() -> None:
    text = "x: &x {a: 1, b: 2}\nconfig:\n  t:a: &y {<<: *x, b: 3}\n  t:b: *y\n"
    for load in (pulumi_yaml.load, stack_yaml.load):
        assert load(text) == {"x": {"a": 1, "b": 2}, "config": {"t:a": {"a": 1, "b": 3}, "t:b": {"a": 1, "b": 3}}}
