"""The files that a service's repository and its chart start with: Copier renders the one, and Jinja alone the other.

Copier renders into a folder of its own in some tenths of a second, so what it made is kept: in memory, and on disk by
everything that it was made from. Rendering needs no network, runs nothing of the template, and does not depend on
who renders.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

import yaml

from templates import digest, executable_files, rendered_files
from templates.copier_runs import in_a_line, rendered
from templates.service_template import ServiceTemplate, TemplateProblem, cache_folder, chart_template

ANSWERS_FILE = ".copier-answers.yml"
"""Where a repository or a chart keeps what it was made from."""
_RENDERED_AS = 2
"""Raised when a template is rendered otherwise than before, so that what was kept is not taken."""
_digest = cache(digest)
_NUMBERS: dict[str, Callable[[Any], float]] = {"int": int, "float": float}
_ONE_WORD = frozenset({"str", "bool", "path"})
"""Types of questions whose answers are neither lists nor mappings, beside numbers."""
_TRUTHS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "1", "0"})
"""What Copier takes as a truth value; it takes every other text as one, too."""


@dataclass(frozen=True)
class StartingFiles:
    """The files of a new service's repository."""

    files: Mapping[str, str]
    """Text by path."""
    executable: frozenset[str]

    @property
    def answers(self) -> dict[str, Any]:
        """What is recorded of its questions: the answer to each that is asked and no secret, as Copier reads it."""
        record = cast(dict[str, Any], yaml.safe_load(self.files[ANSWERS_FILE]))
        return {name: answer for name, answer in record.items() if not name.startswith("_")}


def starting_files(
    template: ServiceTemplate, answers: Mapping[str, Any], variables: Mapping[str, Any], *, recorded: bool = False
) -> StartingFiles:
    """What a repository starts with, and the record of what it was made from.

    Args:
        template: the template.
        answers: to its questions, by name; those that are left out have their defaults.
        variables: what else the template may use: the names in `templates/services/README.md`.
        recorded: whether the answers are those of a record, which may have some that were not asked.

    Raises:
        TemplateProblem: an answer does not fit, or the template does not render.
    """
    for name, answer in answers.items():
        if name in template.secrets:
            text = "it is a secret, and settings and services are kept in Git; leave it out, its default is used"
            raise TemplateProblem(text, name)
        if name not in template.questions:
            known = ", ".join(template.questions) or "none, it asks nothing"
            raise TemplateProblem(f"{template.name} has no such question; use one of {known}", name)
        _check_type(name, answer, template.questions[name])
    # A record may have dates, which Copier reads from text, too.
    given = json.dumps([dict(answers), dict(variables)], sort_keys=True, ensure_ascii=False, default=str)
    folders = (*template.shared, template.folder)
    made = _starting_files(template.name, template.source, template.version, folders, given)
    if not recorded and (idle := [name for name in answers if name not in made.answers]):
        raise TemplateProblem(f"{template.name} does not ask it with these other answers; leave it out", idle[0])
    return made


def starting_chart(template: ServiceTemplate, variables: Mapping[str, object]) -> StartingFiles:
    """What the chart of a template's service starts with, and the record of what it was made from.

    Args:
        template: the template of the service.
        variables: what the chart may use.

    Raises:
        TemplateProblem: it does not render.
    """
    origin = chart_template(template)
    files = rendered_chart(template.name, template.chart, variables)
    files[ANSWERS_FILE] = _record("chart", origin.source, origin.version, {})
    return StartingFiles(files, executable_files(str(template.chart)))


def rendered_chart(name: str, chart: Path, variables: Mapping[str, object]) -> dict[str, str]:
    """The files of a chart, by path within it.

    Raises:
        TemplateProblem: it does not render.
    """
    try:
        return rendered_files(str(chart), variables)
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        where = "".join(f"{path}: " for path in getattr(error, "__notes__", ()))
        raise TemplateProblem(f"the chart of {name} does not render: {where}{in_a_line(error)}; mend it") from None


def without_defaults(
    template: ServiceTemplate, answers: Mapping[str, Any], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """Those of the answers that the template would not take by itself, each other answer being what it is.

    Args:
        template: the template.
        answers: to all that it asks, in its order.
        variables: what else the template may use.

    Raises:
        TemplateProblem: the template does not render.
    """
    needed: dict[str, Any] = {}
    while True:
        try:
            found = starting_files(template, needed, variables).answers
            name = next((one for one in answers if one not in found or found[one] != answers[one]), None)
        except TemplateProblem as error:
            if not error.question:
                raise
            name = error.question
        if name is None:
            return needed
        if name in needed or name not in answers:
            return dict(answers)
        needed[name] = answers[name]


def _check_type(name: str, answer: object, question: Mapping[str, Any]) -> None:
    """Copier says of an answer of a wrong type neither which it is nor what is wrong."""
    kind = str(question.get("type") or type(question.get("default")).__name__)
    several = bool(question.get("multiselect"))
    if kind in _NUMBERS and not several:
        try:
            _NUMBERS[kind](answer)
        except (TypeError, ValueError, OverflowError):
            raise TemplateProblem(f"{answer!r} is not a number, and the question is of type {kind}", name) from None
    if kind == "bool" and not several and not isinstance(answer, bool) and str(answer).lower() not in _TRUTHS:
        raise TemplateProblem(f"{answer!r} is neither true nor false", name)
    if kind in _ONE_WORD and isinstance(answer, list | dict) and not several:
        raise TemplateProblem(f"{answer!r} is not one value, and the question is of type {kind}", name)
    if several and not isinstance(answer, list | str):
        raise TemplateProblem(f"{answer!r} is not a list, and the question takes several; write a list", name)


@cache
def _starting_files(name: str, source: str, version: str, folders: tuple[Path, ...], given: str) -> StartingFiles:
    parts = [_RENDERED_AS, metadata.version("copier"), source, version, given, *map(_digest, folders)]
    kept = cache_folder() / "rendered" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError, KeyError):
        found = json.loads(kept.read_text(encoding="utf-8"))
        return StartingFiles(found["files"], frozenset(found["executable"]))
    answers, variables = json.loads(given)
    files, executable, recorded = rendered(name, folders, answers, variables)
    made = StartingFiles({**files, ANSWERS_FILE: _record("repository", source, version, recorded)}, executable)
    with contextlib.suppress(OSError):
        _write(kept, json.dumps({"files": made.files, "executable": sorted(made.executable)}, ensure_ascii=False))
    return made


def _record(what: str, source: str, version: str, answers: Mapping[str, Any]) -> str:
    head = f"# What this {what} was made from. Template updates read it; leave it as it is.\n"
    record = {"_commit": version, "_src_path": source, **answers}
    return head + yaml.safe_dump(record, sort_keys=False, allow_unicode=True)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
