"""Which test runs which command line of the documentation.

A test takes the lines that it runs from here, so that it runs what the page says: `documented("make up")`. These calls
are read from the text of the tests. `test_docs.py` fails for a line that no test takes and `not_run.yaml` lacks.
"""

import ast
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import yaml

from tests.docs.markdown import ROOT, Page, Step, commands, pages, section_commands, steps

TESTS = ROOT / "tests"
HISTORY = ("CHANGELOG.md", "docs/adr/")
"""What was typed once, and not what is typed today."""


@cache
def documented_lines() -> dict[str, list[str]]:
    """Every command line that somebody is told to type, with the pages that say so."""
    found: dict[str, list[str]] = {}
    for page in pages():
        if not page.name.startswith(HISTORY):
            for line in commands(page):
                found.setdefault(line, []).append(page.name)
    return found


def documented(beginning: str) -> str:
    """The command line of the documentation that is this, or the only one that begins so.

    Raises:
        LookupError: There is none, or there are several.
    """
    lines = documented_lines()
    if beginning in lines:
        return beginning
    found = [line for line in lines if line.startswith(beginning)]
    if len(found) != 1:
        raise LookupError(f"{beginning!r} begins {len(found)} command lines of the documentation: {found}")
    return found[0]


def documented_block(page: str, heading: str, number: int = 0) -> list[str]:
    """The command lines of one block of a section; the first is 0."""
    return section_commands(Page(ROOT / page), heading)[number]


def documented_steps(page: str, *without: str) -> list[Step]:
    """The numbered steps of a page, with the command lines of each but some."""
    found = steps(Page(ROOT / page))
    return [Step(step.title, tuple(line for line in step.commands if line not in without)) for step in found]


_TAKERS: dict[str, Callable[..., Iterable[str]]] = {
    documented.__name__: lambda beginning: [documented(beginning)],
    documented_block.__name__: documented_block,
    documented_steps.__name__: lambda *given: [line for step in documented_steps(*given) for line in step.commands],
}


def taken() -> dict[str, set[str]]:
    """The command lines that tests take, with the files of these tests."""
    found: dict[str, set[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text()
        if "tests.docs.documented import" not in text or path.name == "documented.py":
            continue
        for call in ast.walk(ast.parse(text)):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _TAKERS:
                arguments = [ast.literal_eval(argument) for argument in call.args]
                for line in _TAKERS[call.func.id](*arguments):
                    found.setdefault(line, set()).add(str(path.relative_to(ROOT)))
    return found


def typed(line: str) -> str:
    """Runs a command line that needs nothing but this tree and its packages; returns what it printed."""
    line = line.replace("make ", "make --old-file=.venv/.everything ", 1)
    ran = subprocess.run(["sh", "-ec", line], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, f"{line}\n{ran.stderr}"
    return ran.stdout


def not_run() -> list[dict[str, Any]]:
    """The command lines that no test takes: groups with a reason and, where a test does the same, its place."""
    return yaml.safe_load((TESTS / "docs/not_run.yaml").read_text())
