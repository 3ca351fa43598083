"""Runs Copier on a template: it renders without asking, or asks a person. It runs nothing of the template."""

import contextlib
import re
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Environment, TemplateSyntaxError, nodes
from pydantic import ValidationError

from templates import IGNORED, files_below
from templates.service_template import CONFIG_NAMES, ServiceTemplate, TemplateProblem

if TYPE_CHECKING:
    from copier._main import Worker

_ABOUT_QUESTION = re.compile(r"(?:[Vv]alidation error for question|Invalid choice for) '(\w+)': ")
_UNANSWERED = re.compile(r'Question "(\w+)" is required')

_UNSTEADY = frozenset({"now", "make_secret", "lipsum"})
_UNSTEADY_FILTERS = {
    "random": "", "ans_random": "seed", "shuffle": "seed", "random_mac": "seed", "strftime": "second"
}  # fmt: skip
"""With the argument that makes each say the same again; empty where there is none."""

Rendered = tuple[dict[str, str], frozenset[str], dict[str, Any]]
"""Texts by path, the paths of programs, and the answers to record."""


def rendered(
    name: str, folders: tuple[Path, ...], answers: Mapping[str, Any], variables: Mapping[str, Any]
) -> Rendered:
    """What a template makes of answers; those that are left out have their defaults.

    Args:
        name: of the template, for messages.
        folders: its own and, before it, those that lie under it.
        answers: to its questions.
        variables: what else it may use.

    Raises:
        TemplateProblem: an answer does not fit, or it does not render.
    """
    with _copied(folders) as place:
        target = place / "service"
        worker = _run(name, place, {**variables, **answers}, defaults=True)
        files: dict[str, str] = {}
        executable: set[str] = set()
        for path in sorted(file for file in target.rglob("*") if file.is_file()):
            where = path.relative_to(target).as_posix()
            if where == worker.answers_relpath.as_posix():
                # It names a folder of this machine; ours says the same without.
                continue
            files[where] = _text(name, where, path, place)
            if path.stat().st_mode & 0o100:
                executable.add(where)
        return files, frozenset(executable), _recorded(worker)


def _text(name: str, where: str, path: Path, place: Path) -> str:
    if not where.isprintable() or ".git" in where.casefold().split("/"):
        raise TemplateProblem(f"{name}: {where!r} cannot be the path of a file in a repository; use another one")
    try:
        # As it is, with its ends of lines.
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise TemplateProblem(f"{name}: {where} is not text in UTF-8; leave it out") from None
    if str(place) in text:
        raise TemplateProblem(f"{name}: {where} names a folder of this machine (`_copier_conf`); leave that out")
    return text


def asked(template: ServiceTemplate, answers: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of a person, to what Copier asks in the terminal; secrets are not asked.

    Args:
        template: the template.
        answers: those that are given already, and are not asked.
        variables: what else the template may use.

    Raises:
        TemplateProblem: it does not render.
        KeyboardInterrupt: the person stops.
    """
    with _copied((*template.shared, template.folder)) as place:
        config = next(place / "template" / one for one in CONFIG_NAMES if (place / "template" / one).is_file())
        questions = yaml.safe_load(config.read_text(encoding="utf-8"))
        # A later document of the file replaces a question.
        silent = {one: {**questions[one], "ask": False} for one in template.secrets if isinstance(questions[one], dict)}
        with config.open("a", encoding="utf-8") as file:
            file.write(f"\n---\n{yaml.safe_dump(silent)}")
        worker = _run(template.name, place, {**variables, **answers}, defaults=False)
        return {name: answer for name, answer in _recorded(worker).items() if name not in answers}


def unsteady(
    template: ServiceTemplate, answers: Mapping[str, Any], variables: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Names in a template that give another text each time that it is rendered, by file and line.

    Args:
        template: the template.
        answers: to its questions.
        variables: what else it may use.

    Raises:
        TemplateProblem: it does not render.
    """
    with _copied((*template.shared, template.folder)) as place:
        worker = _run(template.name, place, {**variables, **answers}, defaults=True)
        found: list[tuple[str, str]] = []
        for path in files_below(place / "template"):
            where = path.relative_to(place / "template").as_posix()
            texts = [where]
            if where in CONFIG_NAMES or where.endswith(worker.template.templates_suffix):
                texts.append(path.read_text(encoding="utf-8"))
            for text in texts:
                found += [(f"{where} line {line}", word) for line, word in _moving(worker.jinja_env, text)]
        return found


def _moving(environment: Environment, text: str) -> list[tuple[int, str]]:
    with contextlib.suppress(TemplateSyntaxError):
        tree = environment.parse(text)
        names = [(one.lineno, one.name) for one in tree.find_all(nodes.Name) if one.ctx == "load"]
        filters = [
            (one.lineno, one.name)
            for one in tree.find_all(nodes.Filter)
            if not one.args and _UNSTEADY_FILTERS.get(one.name) not in {None, *(word.key for word in one.kwargs)}
        ]
        return [*((line, name) for line, name in names if name in _UNSTEADY), *filters]
    return []


@contextlib.contextmanager
def _copied(folders: tuple[Path, ...]) -> Generator[Path]:
    """A folder of its own, with the template in `template`."""
    with tempfile.TemporaryDirectory(prefix="slipway-template-") as place:
        for folder in folders:
            ignored = shutil.ignore_patterns(*IGNORED)
            shutil.copytree(folder, Path(place) / "template", dirs_exist_ok=True, ignore=ignored)
        yield Path(place)


def _run(name: str, place: Path, data: dict[str, Any], *, defaults: bool) -> "Worker":
    import copier  # noqa: PLC0415 - it takes longer to load than what was kept takes to read

    try:
        with warnings.catch_warnings():
            # What a template's author will have to change is nothing that its users can.
            warnings.simplefilter("ignore", FutureWarning)
            return copier.run_copy(
                str(place / "template"),
                place / "service",
                data=data,
                defaults=defaults,
                pretend=not defaults,
                quiet=True,
                # What a person has set for Copier on this machine must not change what is rendered.
                settings=copier.Settings(),
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt from None
    except Exception as error:  # noqa: BLE001 - a template may raise anything
        raise _told(name, error, place, data) from None


def _recorded(worker: "Worker") -> dict[str, Any]:
    """The answers to what was asked, also in silence; neither secrets nor what was not asked."""
    found, left_out = worker.answers.combined, worker.answers.hidden | worker.template.secret_questions
    return {key: found[key] for key in worker.template.questions_data if key in found and key not in left_out}


def _told(name: str, error: Exception, place: Path, data: Mapping[str, Any]) -> TemplateProblem:
    if type(error).__name__ == "UnsafeTemplateError":
        return TemplateProblem(f"{name} wants to run programs (tasks or extensions); take them out of it")
    # How to trust a template is for who calls Copier.
    text = _words(error)
    for folder in ("template", "service"):
        text = text.replace(f"{place}/{folder}/", "").replace(f"{place}/{folder}", folder)
    text = text.partition(" If you trust this path")[0].rstrip(".")
    if about := _ABOUT_QUESTION.search(text):
        return TemplateProblem(text[about.end() :].strip(), about.group(1))
    if unanswered := _UNANSWERED.search(text):
        return TemplateProblem(f"it has no default; answer this question of {name}", unanswered.group(1))
    question, file = _asking(error), _rendering(error, place / "template")
    if question in data:
        return TemplateProblem(f"{data[question]!r} does not fit: {text}", question)
    where = f"question {question}: " if question else f"{file}: " if file else ""
    return TemplateProblem(f"{name} does not render: {where}{text}; mend the template")


def _words(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc'][:1]))}: {first['msg']}"
    return in_a_line(error)


def _asking(error: Exception) -> str:
    """The question that Copier was at; empty where it was at none. What it raises does not always say which."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name == "_ask")
    return next((str(frame.f_locals.get("var_name", "")) for frame in frames), "")


def _rendering(error: Exception, folder: Path) -> str:
    """The file that was rendered, with its line; empty where it was none."""
    if isinstance(error, UnicodeDecodeError):
        return next((str(path.relative_to(folder)) for path in files_below(folder) if not _is_text(path)), "")
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, TemplateSyntaxError):
        places.append((error.filename or "", error.lineno))
    found = [(Path(file), line) for file, line in places if file.startswith(f"{folder}/")]
    return f"{found[-1][0].relative_to(folder)} line {found[-1][1]}" if found else ""


def _is_text(path: Path) -> bool:
    try:
        path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def in_a_line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
