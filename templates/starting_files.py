"""The files that a service's repository and its chart start with: Copier renders the one, and Jinja alone the other.

Copier renders into a folder of its own in some tenths of a second, so what it made is kept: in memory, and on disk by
everything that it was made from. Rendering needs no network, runs nothing of the template, and does not depend on
who renders.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from templates import IGNORED, executable_files, files_below, rendered_files
from templates.service_template import ServiceTemplate, TemplateProblem, cache_folder, chart_template

ANSWERS_FILE = ".copier-answers.yml"
"""Where a repository or a chart keeps what it was made from."""
_ABOUT_QUESTION = re.compile(r"(?:[Vv]alidation error for question|Invalid choice for) '(\w+)': ")
_NUMBERS: dict[str, Callable[[Any], float]] = {"int": int, "float": float}
_ONE_WORD = frozenset({"str", "bool", "path"})
"""Types of questions whose answers are neither lists nor mappings, beside numbers."""
_TRUTHS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "1", "0"})
"""What Copier takes as a truth value; it takes every other text as one, too."""
_UNANSWERED = re.compile(r'Question "(\w+)" is required')


@dataclass(frozen=True)
class StartingFiles:
    """The files of a new service's repository."""

    files: Mapping[str, str]
    """Text by path."""
    executable: frozenset[str]


def starting_files(
    template: ServiceTemplate, answers: Mapping[str, Any], variables: Mapping[str, Any]
) -> StartingFiles:
    """What a repository starts with, and the record of what it was made from.

    Args:
        template: the template.
        answers: to its questions, by name; those that are left out have their defaults.
        variables: what else the template may use: the names in `templates/services/README.md`.

    Raises:
        TemplateProblem: an answer does not fit, or the template does not render.
    """
    unknown = [name for name in answers if name not in template.questions]
    if unknown:
        known = ", ".join(template.questions) or "none, it asks nothing"
        raise TemplateProblem(f"{template.name} has no such question; use one of {known}", unknown[0])
    for name, answer in answers.items():
        _check_type(name, answer, template.questions[name])
    given = json.dumps([dict(answers), dict(variables)], sort_keys=True, ensure_ascii=False)
    folders = (*template.shared, template.folder)
    return _starting_files(template.name, template.source, template.version, folders, given)


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
        raise TemplateProblem(f"the chart of {name} does not render: {where}{_in_a_line(error)}; mend it") from None


def _check_type(name: str, answer: object, question: Mapping[str, Any]) -> None:
    """Copier says of an answer of a wrong type neither which it is nor what is wrong."""
    kind = str(question.get("type") or type(question.get("default")).__name__)
    if kind in _NUMBERS:
        try:
            _NUMBERS[kind](answer)
        except (TypeError, ValueError):
            raise TemplateProblem(f"{answer!r} is not a number, and the question is of type {kind}", name) from None
    if kind == "bool" and not isinstance(answer, bool) and str(answer).lower() not in _TRUTHS:
        raise TemplateProblem(f"{answer!r} is neither true nor false", name)
    if kind in _ONE_WORD and isinstance(answer, list | dict) and not question.get("multiselect"):
        raise TemplateProblem(f"{answer!r} is not one value, and the question is of type {kind}", name)


@cache
def _starting_files(name: str, source: str, version: str, folders: tuple[Path, ...], given: str) -> StartingFiles:
    parts = [metadata.version("copier"), source, version, given, *map(_digest, folders)]
    kept = cache_folder() / "rendered" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError, KeyError):
        found = json.loads(kept.read_text(encoding="utf-8"))
        return StartingFiles(found["files"], frozenset(found["executable"]))
    answers, variables = json.loads(given)
    made = _rendered(name, source, version, folders, answers, variables)
    with contextlib.suppress(OSError):
        _write(kept, json.dumps({"files": made.files, "executable": sorted(made.executable)}, ensure_ascii=False))
    return made


def _rendered(
    name: str, source: str, version: str, folders: tuple[Path, ...], answers: dict[str, Any], variables: dict[str, Any]
) -> StartingFiles:
    import copier  # noqa: PLC0415 - it takes longer to load than what was kept takes to read

    with tempfile.TemporaryDirectory(prefix="slipway-template-") as place:
        whole, target = Path(place) / "template", Path(place) / "service"
        for folder in folders:
            shutil.copytree(folder, whole, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*IGNORED))
        try:
            worker = copier.run_copy(
                str(whole),
                target,
                data={**variables, **answers},
                defaults=True,
                quiet=True,
                # What a person has set for Copier on this machine must not change what is rendered.
                settings=copier.Settings(),
            )
        except Exception as error:  # noqa: BLE001 - a template may raise anything
            raise _told(name, error) from None
        files: dict[str, str] = {}
        executable: set[str] = set()
        for path in sorted(file for file in target.rglob("*") if file.is_file()):
            where = path.relative_to(target).as_posix()
            try:
                files[where] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                raise TemplateProblem(f"{name}: {where} is not text in UTF-8; leave it out") from None
            if path.stat().st_mode & 0o100:
                executable.add(where)
        found = worker.answers.combined
        questions = worker.template.questions_data
        asked = {key: found[key] for key, one in questions.items() if key in found and one.get("when") is not False}
    files[ANSWERS_FILE] = _record("repository", source, version, asked)
    return StartingFiles(files, frozenset(executable))


def _told(name: str, error: Exception) -> TemplateProblem:
    # How to trust a template is for who calls Copier.
    text = _in_a_line(error).partition(" If you trust this path")[0]
    if type(error).__name__ == "UnsafeTemplateError":
        return TemplateProblem(f"{name} wants to run programs (tasks, migrations or extensions); take them out of it")
    about = _ABOUT_QUESTION.search(text)
    if about:
        return TemplateProblem(text[about.end() :].strip(), about.group(1))
    if unanswered := _UNANSWERED.search(text):
        return TemplateProblem(f"it has no default; answer this question of {name}", unanswered.group(1))
    return TemplateProblem(f"{name} does not render: {text}; mend the template")


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _record(what: str, source: str, version: str, answers: Mapping[str, Any]) -> str:
    head = f"# What this {what} was made from. Template updates read it; leave it as it is.\n"
    record = {"_commit": version, "_src_path": source, **answers}
    return head + yaml.safe_dump(record, sort_keys=False, allow_unicode=True)


@cache
def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in files_below(folder):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(folder)} {path.stat().st_mode & 0o111} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
