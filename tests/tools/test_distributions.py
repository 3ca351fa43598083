"""The product, the sandbox and the tools of development each install what they import, and the product no more."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OWN = {"stacks", "components", "manifests", "templates", "slipway_release", "sandbox", "tools", "tests", "benchmarks"}
PRODUCT = ("__main__.py", "stacks", "components", "manifests", "slipway_release", "templates/__init__.py")


def modules(*places: str) -> list[Path]:
    found = [ROOT / place for place in places]
    return [file for path in found for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]


def distributions(files: list[Path]) -> set[str]:
    """The packages of the index that modules import."""
    names = {name for file in files for name in _imported(ast.parse(file.read_text()))}
    known = packages_distributions()
    outside = names - OWN - set(sys.stdlib_module_names)
    # `google` is a namespace that several distributions share.
    owners = {"google": ["protobuf"]}
    return {_normal(owner) for name in outside for owner in owners.get(name, known.get(name, [name]))[:1]}


def _imported(tree: ast.AST) -> set[str]:
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in found}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(file: str) -> set[str]:
    project: dict[str, Any] = tomllib.loads((ROOT / file).read_text())["project"]
    return {_normal(re.split(r"[><=!~ \[]", wanted)[0]) for wanted in project["dependencies"]}


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^(\S+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


# What these come with, and what is always there with them.
ALONG = {"pydantic-core", "urllib3"}


@pytest.mark.parametrize(
    ("places", "project"),
    [(PRODUCT, "pyproject.toml"), (("sandbox",), "sandbox/pyproject.toml")],
    ids=["product", "sandbox"],
)
def test_what_is_imported_is_declared(places: tuple[str, ...], project: str) -> None:
    assert distributions(modules(*places)) - declared(project) - ALONG == set()


def test_a_real_platform_installs_no_server_linter_or_type_checker() -> None:
    ours = pins("requirements.lock")
    assert not ours.keys() & {
        "starlette",
        "uvicorn",
        "graphql-core",
        "pynacl",
        "rich",
        "ruff",
        "basedpyright",
        "pytest",
    }


def test_both_locks_hold_what_is_declared() -> None:
    product, everything = pins("requirements.lock"), pins("requirements-dev.lock")
    assert declared("pyproject.toml") <= product.keys()
    assert declared("sandbox/pyproject.toml") <= everything.keys()


def test_both_locks_agree() -> None:
    product, everything = pins("requirements.lock"), pins("requirements-dev.lock")
    assert product.items() <= everything.items()
