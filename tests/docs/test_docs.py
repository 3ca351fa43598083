"""The documentation says what is so: its commands exist, its links lead somewhere, its examples are valid."""

import ast
import dataclasses
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from components.github.apps import OPERATOR, READS_PULL_REQUESTS, ROLES
from manifests.model import Environment, Service
from sandbox.errors import ExitCode
from sandbox.github import credentials
from slipway_release import release_file
from slipway_release.selection import Kind
from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS
from stacks.settings import SECTIONS
from tests.docs.command_lines import problems
from tests.docs.markdown import ROOT, Page, commands, pages, steps

PAGES = pages()
COMMANDS = sorted({(page.name, line) for page in PAGES for line in commands(page)})
RUNNABLE = [
    ["make", "help"],
    [sys.executable, "-m", "tools.check", "--help"],
    [sys.executable, "slipway_release", "dora", "--help"],
]
PROGRAMS = ("components", "manifests", "sandbox", "slipway_release", "stacks", "tools")
TEXT_FILES = ("py", "yaml", "yml", "md", "toml", "j2", "tpl")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    broken: list[str] = []
    for link in page.links():
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        if not target.exists() or (anchor and anchor not in Page(target).anchors()):
            broken.append(link)
    assert not broken


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 50


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda value: str(value)[:60])
def test_a_command_can_be_typed(page: str, line: str) -> None:
    assert not list(problems(line)), page


@pytest.mark.parametrize("command", RUNNABLE, ids=lambda command: " ".join(map(str, command[1:])))
def test_a_command_that_needs_nothing_runs(command: list[str]) -> None:
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


@pytest.mark.parametrize("path", sorted(ROOT.glob("benchmarks/*.py")), ids=lambda path: path.stem)
def test_a_benchmark_imports_and_is_documented(path: Path) -> None:
    module = importlib.import_module(f"benchmarks.{path.stem}" if path.stem != "__init__" else "benchmarks")
    if hasattr(module, "measured"):
        assert f"benchmarks.{path.stem}\n" in Page(ROOT / "docs/benchmarks.md").text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_in_examples_are_valid(page: Page) -> None:
    schema: dict[str, Any] = json.loads((ROOT / "stacks/schema.json").read_text())
    known = schema["properties"]["config"]["properties"]
    wrong: list[str] = []
    for block in page.blocks("yaml"):
        for key, value in (yaml.safe_load(block) or {}).items():
            if not key.startswith(f"{NAMESPACE}:"):
                continue
            # An example shows what it is about and leaves out what is required beside it.
            checked = {**known[key], "$defs": _without_required(schema.get("$defs", {}))}
            wrong += [f"{key}: {error.message}" for error in Draft202012Validator(checked).iter_errors(value)]
    assert not wrong


def _without_required(definitions: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: value for key, value in item.items() if key != "required"} for name, item in definitions.items()
    }


@pytest.mark.parametrize("page", ["docs/releases.md", "docs/break-glass.md"])
def test_the_release_file_in_the_documentation_is_one(page: str) -> None:
    (block,) = Page(ROOT / page).blocks("json")
    file = release_file.parse(block, page)
    assert file.release is not None
    assert file.dump() == block


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("docs/add-an-environment.md", Environment),
        ("docs/add-a-service.md", Service),
    ],
)
def test_every_setting_is_documented(page: str, fields: type[Any]) -> None:
    """Names of settings are camelCase in YAML."""
    text = Page(ROOT / page).text
    names = [re.sub(r"_(\w)", lambda match: match[1].upper(), field.name) for field in dataclasses.fields(fields)]
    assert names
    assert not [name for name in names if not re.search(rf"\b{name}\b", text)]


def test_every_secret_is_documented() -> None:
    text = Page(ROOT / "docs/first-platform.md").text
    assert not [name for name in SECRETS if f"`{name}`" not in text]


def test_each_setting_of_the_sandbox_that_is_not_a_default_has_its_reason() -> None:
    schema: dict[str, Any] = json.loads((ROOT / "stacks/schema.json").read_text())
    known = schema["properties"]["config"]["properties"]
    set_otherwise: set[str] = set()
    for section, given in yaml.safe_load((ROOT / "stacks/Pulumi.sandbox.yaml").read_text())["config"].items():
        name = known[section].get("items", known[section])["$ref"].rpartition("/")[2]
        kind, required = schema["$defs"][name]["properties"], schema["$defs"][name].get("required", [])
        set_otherwise |= {
            f"{section.removeprefix(NAMESPACE)[1:]}.{key}"
            for item in (given if isinstance(given, list) else [given])
            for key, value in item.items()
            if key not in required and value != kind[key].get("default")
        }
    text = Page(ROOT / "docs/sandbox.md").text
    table = text.partition("## Where its settings differ")[2].partition("\n## ")[0].partition("|---|")[2]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("|")]
    assert all(reason.strip() for _, _, reason, *_ in rows)
    explained = [name for row in rows for name in re.findall(r"`([^`]+)`", row[1])]
    assert sorted(explained) == sorted(set_otherwise)


def test_the_way_to_a_first_release_is_as_short_as_it_is_said_to_be() -> None:
    """A step is a heading with a number; `tests/sandbox/test_first_platform.py` walks the way."""
    counted = steps(Page(ROOT / "docs/first-platform.md"))
    typed = [command for step in counted for command in step.commands]
    assert [int(step.title.partition(".")[0]) for step in counted] == [*range(1, len(counted) + 1)]
    assert len(counted) <= 12
    rows = Page(ROOT / "docs/measurements.md").text.splitlines()
    for words, number in (("steps of a person", len(counted)), ("commands that are typed", len(typed))):
        (row,) = [row for row in rows if words in row]
        assert row.split("|")[2].strip() == str(number)


def test_every_exit_code_is_documented() -> None:
    text = Page(ROOT / "docs/sandbox.md").text
    assert not [code for code in ExitCode if f"| {int(code)} |" not in text]


def test_every_page_is_in_the_index() -> None:
    linked = {str(Path("docs") / link) for link in Page(ROOT / "docs/README.md").links()}
    found = {page.name for page in PAGES if page.path.parent == ROOT / "docs" and page.path.name != "README.md"}
    assert found
    assert found <= linked


def test_every_decision_is_in_the_index() -> None:
    linked = set(Page(ROOT / "docs/adr/README.md").links())
    assert {path.name for path in (ROOT / "docs/adr").glob("0*.md")} <= linked


def test_pages_that_the_code_names_exist() -> None:
    """Tests are left out: they name pages that are not ours."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    files = [ROOT / name for name in listed if name.endswith(TEXT_FILES)] or list(ROOT.glob("sandbox/**/*.py"))
    named = {
        (path.relative_to(ROOT), match)
        for path in files
        if path.is_file() and (ROOT / "tests") not in path.parents
        for match in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text())
    }
    assert named
    assert not {(str(path), page) for path, page in named if not (ROOT / page).exists()}


def test_every_section_of_the_settings_is_in_the_example() -> None:
    example = yaml.safe_load((ROOT / "stacks/Pulumi.example.yaml").read_text())["config"]
    assert {f"{NAMESPACE}:{section}" for section in SECTIONS} <= set(example)


def test_a_target_of_make_that_the_program_names_exists() -> None:
    """In its errors and its help, for example."""
    texts = [path.read_text() for name in PROGRAMS for path in (ROOT / name).rglob("*.py")]
    named = {line for text in texts for line in re.findall(r"`(make [a-z][^`…]*)`", text)}
    assert named
    assert not [problem for line in sorted(named) for problem in problems(re.sub(r"\{[^}]*\}", "x", line))]


def test_what_a_run_is_quoted_with_is_what_it_says() -> None:
    table = _section("docs/a-release-is-stuck.md", "The request was refused")
    quoted = [
        part.strip()
        for row in table.splitlines()
        for code in re.findall(r"`([^`]+)`", row.split("|")[1] if row.startswith("|") else "")
        for part in code.split("…")
    ]
    trees = [ast.parse(path.read_text()) for path in (ROOT / "slipway_release").rglob("*.py")]
    said = [str(node.value) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert quoted
    assert not [text for text in quoted if not any(text in one for one in said)]


def test_each_word_of_the_summary_of_a_promotion_is_explained() -> None:
    table = _section("docs/a-release-is-stuck.md", "What the summary of `promote` says")
    words = [row.split("|")[1].strip() for row in table.splitlines() if row.startswith("|")]
    assert sorted(words[2:]) == sorted(set(Kind) - {Kind.DELIVER})


def _section(page: str, heading: str) -> str:
    return Page(ROOT / page).text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_apps_are_documented_with_what_they_need() -> None:
    text = Page(ROOT / "docs/github-apps.md").text
    for role in (OPERATOR, *ROLES):
        wanted = "&".join(f"{name}={level}" for name, level in sorted(role.permissions.items()))
        assert f"webhook_active=false&{wanted}\n" in text, role.name


def test_the_sandboxs_apps_have_what_the_documentation_says_and_no_more() -> None:
    """Else the rehearsal would work where a real platform is refused."""
    wanted = {role.name: role.permissions for role in ROLES}
    # Pull requests of a service run there.
    wanted["argocd"] = wanted["argocd"] | READS_PULL_REQUESTS
    assert wanted == {name: app["permissions"] for name, app in credentials.APPS.items()}


def test_the_app_of_the_form_has_what_the_documentation_says_and_its_token_no_less_no_more() -> None:
    permissions = credentials.PROPOSER_PERMISSIONS
    workflow = yaml.safe_load((ROOT / ".github/workflows/new-service.yml").read_text())
    (given,) = [step["with"] for step in workflow["jobs"]["propose"]["steps"] if step.get("id") == "app"]
    asked = {name.partition("-")[2]: level for name, level in given.items() if name.startswith("permission-")}
    assert {name.replace("-", "_"): level for name, level in asked.items()} == permissions
    wanted = "&".join(f"{name}={level}" for name, level in sorted(permissions.items()))
    assert f"webhook_active=false&{wanted}\n" in Page(ROOT / "docs/platform-ci.md").text
