"""Settings explained in the terminal, from the schema that editors use."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stacks.explain import UnknownSettingError, explain, fitting
from stacks.schema import stack_schema
from tests.docs.documented import documented, typed

ROOT = Path(__file__).parents[2]


def paths(below: str, text: str) -> Iterator[str]:
    for line in text.partition("Settings (* required):\n")[2].splitlines():
        yield ".".join(filter(None, [below, line[4:].split()[0]]))


def test_a_setting_is_explained_with_what_it_takes_and_its_default() -> None:
    text = explain("environments.sync")
    assert "automated, manual" in text
    assert 'default: "automated"' in text
    assert 'example: ["kube-system"]' in explain("cluster.dns.namespaces")
    assert 'example: {"production": {"replicas": 3}}' in explain("services.overrides")


@pytest.mark.parametrize(
    "path",
    [
        "environments[dev].sync",
        "environments.0.sync",
        "slipway:environments.sync",
        "config.slipway:environments.sync",
    ],
)
def test_a_path_of_a_message_can_be_pasted(path: str) -> None:
    assert explain(path) == explain("environments.sync")


def test_every_setting_can_be_explained_and_says_what_it_means() -> None:
    waiting, seen = list(paths("", explain(""))), set[str]()
    assert len(waiting) == len(stack_schema()["properties"]["config"]["properties"])
    while waiting:
        path = waiting.pop()
        seen.add(path)
        text = explain(path)
        assert not text.splitlines()[1].startswith("  takes:"), f"{path} has no description"
        waiting += paths(path, text)
    assert len(seen) > 60


def test_an_unknown_setting_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownSettingError, match=r"github\.onwer.*did you mean owner"):
        explain("github.onwer")
    with pytest.raises(UnknownSettingError, match="no settings below"):
        explain("preflight.x")
    with pytest.raises(UnknownSettingError, match=r"there is no such setting; the stack file has adopt, "):
        explain("nonsense")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("sync", "environments.sync"),
        ("SYNC", "environments.sync"),
        ("github.sync", "environments.sync"),
        ("ignoreDifferences", "environments.ignoreDifferences or services.ignoreDifferences"),
    ],
)
def test_a_setting_that_is_somewhere_else_is_found(name: str, path: str) -> None:
    with pytest.raises(UnknownSettingError) as raised:
        explain(name)
    assert f"did you mean {path}? " in str(raised.value)


@pytest.mark.parametrize(
    ("path", "setting"),
    [
        ("services[orders].answers.go", "services.answers"),
        ("services[orders].overrides.dev.replicas", "services.overrides"),
        ("argocd.values.configs.cm", "argocd.values"),
    ],
)
def test_what_is_below_a_mapping_of_any_names_is_told_by_that(path: str, setting: str) -> None:
    assert explain(path) == explain(setting)


def test_the_command_says_it_in_a_sentence() -> None:
    command = [sys.executable, "-m", "stacks.explain", "githb"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "did you mean github" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_a_terminal_and_no_word_is_broken(width: int) -> None:
    for path in ("", "services", "services.pullRequests", "environments", "argocd.sso"):
        text = explain(path)
        shown = fitting(text, width)
        assert shown.split() == text.split()
        assert [line for line in shown.splitlines() if len(line) > width] == []
    assert "\n                 repository set labels" in fitting(explain("services.pullRequests"), 80)


def test_the_documentation_explains_a_setting() -> None:
    assert typed(documented("make explain SETTING=environments.sync")).startswith("environments.sync\n")
