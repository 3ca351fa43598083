"""Runs Copier on a template: it renders without asking, or asks a person. It runs nothing of the template."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from templates import IGNORED
from templates.service_template import CONFIG_NAMES, ServiceTemplate, TemplateProblem

if TYPE_CHECKING:
    from copier._main import Worker

_ABOUT_QUESTION = re.compile(r"(?:[Vv]alidation error for question|Invalid choice for) '(\w+)': ")
_UNANSWERED = re.compile(r'Question "(\w+)" is required')

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
            try:
                files[where] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                raise TemplateProblem(f"{name}: {where} is not text in UTF-8; leave it out") from None
            if path.stat().st_mode & 0o100:
                executable.add(where)
        return files, frozenset(executable), _recorded(worker)


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
        raise _told(name, error) from None


def _recorded(worker: "Worker") -> dict[str, Any]:
    """The answers to what was asked, also in silence; neither secrets nor what was not asked."""
    found, left_out = worker.answers.combined, worker.answers.hidden | worker.template.secret_questions
    return {key: found[key] for key in worker.template.questions_data if key in found and key not in left_out}


def _told(name: str, error: Exception) -> TemplateProblem:
    # How to trust a template is for who calls Copier.
    text = in_a_line(error).partition(" If you trust this path")[0]
    if type(error).__name__ == "UnsafeTemplateError":
        return TemplateProblem(f"{name} wants to run programs (tasks, migrations or extensions); take them out of it")
    about = _ABOUT_QUESTION.search(text)
    if about:
        return TemplateProblem(text[about.end() :].strip(), about.group(1))
    if unanswered := _UNANSWERED.search(text):
        return TemplateProblem(f"it has no default; answer this question of {name}", unanswered.group(1))
    return TemplateProblem(f"{name} does not render: {text}; mend the template")


def in_a_line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
