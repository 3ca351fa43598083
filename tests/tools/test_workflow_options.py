"""The platforms that actionlint and zizmor look at: between them they have every part of every workflow's template."""

import re
from collections import defaultdict
from collections.abc import Mapping

import pytest

import templates
from manifests import repository_files
from tools.workflows import repositories, variants

FOLDERS = ("environment", "service-workflows")
_CONDITION = re.compile(r"\[%-? *(?:el)?if (?P<statement>.+?) *-?%\]|\[%-? set .+? if (?P<inline>.+?) else ")


def conditions(folder: str) -> set[str]:
    """What the templates of a folder ask; a macro asks for its own arguments, which are no options."""
    texts = [path.read_text() for path in (templates.ROOT / folder).rglob("*.j2") if path.name != "tokens.j2"]
    return {found["statement"] or found["inline"] for text in texts for found in _CONDITION.finditer(text)}


def test_every_option_that_a_workflow_depends_on_is_on_and_off_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[tuple[str, str], set[bool]] = defaultdict(set)
    asked = {folder: conditions(folder) for folder in FOLDERS}
    assert all(len(found) > 2 for found in asked.values())
    environment = templates._ENVIRONMENT  # pyright: ignore[reportPrivateUsage]
    render = repository_files.rendered_files

    def recorded(folder: str, variables: Mapping[str, object]) -> dict[str, str]:
        for condition in asked.get(folder, ()):
            seen[folder, condition].add(bool(environment.compile_expression(condition)(**variables)))
        return render(folder, variables)

    monkeypatch.setattr(repository_files, "rendered_files", recorded)
    for _, settings in variants():
        assert list(repositories(settings))
    assert {key: found for key, found in seen.items() if found != {True, False}} == {}
    assert {condition for _, condition in seen} == set().union(*asked.values())
