"""What a new service starts with, by Copier: a template's questions, its files, and where templates come from.

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
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any, cast

import yaml

BUILT_IN = Path(__file__).parent / "services"
ANSWERS_FILE = ".copier-answers.yml"
"""Where a service's repository keeps what it was made from."""
_CONFIG_NAMES = ("copier.yml", "copier.yaml")
_FETCH_SECONDS = 120
_GIT_ADDRESS = re.compile(r"(https?|ssh|git|file)://|[\w.-]+@[\w.-]+:")
_ABOUT_QUESTION = re.compile(r"(?:[Vv]alidation error for question|Invalid choice for) '(\w+)': ")
_SHARED = re.compile(r"_[a-z0-9-]+")
_NUMBERS: dict[str, Callable[[Any], float]] = {"int": int, "float": float}
_ONE_WORD = frozenset({"str", "bool", "path"})
"""Types of questions whose answers are neither lists nor mappings, beside numbers."""
_UNANSWERED = re.compile(r'Question "(\w+)" is required')


class TemplateProblem(ValueError):  # noqa: N818 - it is told like other problems
    """What is wrong with a template, or with an answer to it."""

    def __init__(self, text: str, question: str = "") -> None:
        super().__init__(text)
        self.question: str = question
        """The question whose answer is wrong; empty where it is the template."""


@dataclass(frozen=True)
class ServiceTemplate:
    """What a new service starts with."""

    name: str
    description: str
    version: str
    source: str
    """Where it is from, as its services record it: `slipway:<name>`, a folder or a Git address."""
    folder: Path
    """Its folder on this machine."""
    chart: Path
    """The folder of its chart."""
    shared: tuple[Path, ...]
    """Folders beside its own whose files lie under its own files."""
    questions: Mapping[str, Mapping[str, Any]]
    """Its questions as Copier describes them, by name; without those that are never asked (`when: false`)."""
    values: Mapping[str, Any]
    """Chart values that its services start with in every environment."""


@dataclass(frozen=True)
class StartingFiles:
    """The files of a new service's repository."""

    files: Mapping[str, str]
    """Text by path."""
    executable: frozenset[str]


@cache
def service_templates() -> list[str]:
    """The names of the templates that come with Slipway, sorted."""
    return sorted(file.parent.name for file in BUILT_IN.glob("[!_]*/copier.yml"))


@cache
def service_template(name: str) -> ServiceTemplate:
    """A template that comes with Slipway."""
    return _described(name, f"slipway:{name}", BUILT_IN / name)


@cache
def own_template(name: str, source: str, version: str | None, root: Path) -> ServiceTemplate:
    """A template of the platform's own.

    Args:
        name: what services call it.
        source: a folder, relative to `root`, or a Git address.
        version: with a Git address: the tag or branch; fetched once and kept.
        root: the platform repository.

    Raises:
        TemplateProblem: there is none, it cannot be fetched, or it is not a template.
    """
    if _GIT_ADDRESS.match(source) is None:
        folder = root / source
        if not folder.is_dir():
            raise TemplateProblem(
                f"{source!r} is not a folder of the platform repository; add it, or use a Git address"
            )
        return _described(name, source, folder, version)
    if version is None:
        raise TemplateProblem(f"{source!r} has no `version`; add the tag to use, so that a service can be made again")
    return _described(name, source, _fetched(source, version), version)


def earlier_version(template: ServiceTemplate, version: str, root: Path) -> ServiceTemplate:
    """A template as it was: from its Git address, or from the history of the platform repository.

    Args:
        template: the template as it is now.
        version: the version to find.
        root: the platform repository, a clone with its history.

    Raises:
        TemplateProblem: that version is not to be had.
    """
    if version == template.version:
        return template
    if _GIT_ADDRESS.match(template.source):
        return own_template(template.name, template.source, version, root)
    folder = template.folder.resolve().relative_to(root.resolve()).as_posix()
    for commit in _git(root, "log", "--format=%H", "--", folder).split():
        described = _git(root, "show", f"{commit}:{folder}/copier.yml")
        if described and str(_about(described).get("version", "")) == version:
            place = _cache() / "templates" / f"{commit}-{template.name}"
            beside = PurePosixPath(folder).parent
            _extract(root, commit, [folder, *(str(beside / name) for name in _shared_in(described))], place)
            return _described(template.name, template.source, place / folder, version)
    text = f"{template.name} {version} is not in the history of this clone"
    raise TemplateProblem(f"{text}; fetch all of it (git fetch --unshallow), or merge the tag of Slipway that had it")


def _about(described: str) -> dict[str, Any]:
    """What a copier.yml says to Slipway; empty where it cannot be read."""
    try:
        config = cast(object, yaml.safe_load(described))
    except yaml.YAMLError:
        return {}
    about = cast(dict[str, Any], config).get("_slipway") if isinstance(config, dict) else None
    return cast(dict[str, Any], about) if isinstance(about, dict) else {}


def _shared_in(described: str) -> list[str]:
    found = _about(described).get("shared")
    return [str(name) for name in cast(list[Any], found)] if isinstance(found, list) else []


def _git(root: Path, *arguments: str) -> str:
    """What git says; empty where it fails."""
    ran = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return ran.stdout if ran.returncode == 0 else ""


def _extract(root: Path, commit: str, folders: list[str], place: Path) -> None:
    """Folders as a commit has them, on this machine once."""
    if place.is_dir():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".extracting-", dir=place.parent) as unfinished:
        archive = Path(unfinished) / "archive.tar"
        _git(root, "archive", f"--output={archive}", commit, "--", *folders)
        with tarfile.open(archive) as packed:
            # Python 3.11.2, which Debian 12 has, knows no filters.
            safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            packed.extractall(Path(unfinished) / "files", **safe)  # noqa: S202 - it is this repository's own
        with contextlib.suppress(OSError):
            (Path(unfinished) / "files").rename(place)


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


def _check_type(name: str, answer: object, question: Mapping[str, Any]) -> None:
    """Copier says of an answer of a wrong type neither which it is nor what is wrong."""
    kind = str(question.get("type") or type(question.get("default")).__name__)
    if kind in _NUMBERS:
        try:
            _NUMBERS[kind](answer)
        except (TypeError, ValueError):
            raise TemplateProblem(f"{answer!r} is not a number, and the question is of type {kind}", name) from None
    if kind in _ONE_WORD and isinstance(answer, list | dict) and not question.get("multiselect"):
        raise TemplateProblem(f"{answer!r} is not one value, and the question is of type {kind}", name)


@cache
def _starting_files(name: str, source: str, version: str, folders: tuple[Path, ...], given: str) -> StartingFiles:
    parts = [metadata.version("copier"), source, version, given, *map(_digest, folders)]
    kept = _cache() / "rendered" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}.json"
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
            shutil.copytree(folder, whole, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
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
    record = {"_commit": version, "_src_path": source, **asked}
    head = "# What this repository was made from. Template updates read it; leave it as it is.\n"
    files[ANSWERS_FILE] = head + yaml.safe_dump(record, sort_keys=False, allow_unicode=True)
    return StartingFiles(files, frozenset(executable))


def _told(name: str, error: Exception) -> TemplateProblem:
    text = " ".join(str(error).split()) or type(error).__name__
    if type(error).__name__ == "UnsafeTemplateError":
        return TemplateProblem(f"{name} wants to run programs (tasks, migrations or extensions); take them out of it")
    about = _ABOUT_QUESTION.search(text)
    if about:
        return TemplateProblem(text[about.end() :].strip(), about.group(1))
    if unanswered := _UNANSWERED.search(text):
        return TemplateProblem(f"it has no default; answer this question of {name}", unanswered.group(1))
    return TemplateProblem(f"{name} does not render: {text}; mend the template")


def _described(name: str, source: str, folder: Path, version: str | None = None) -> ServiceTemplate:
    file = next((folder / one for one in _CONFIG_NAMES if (folder / one).is_file()), None)
    if file is None:
        raise TemplateProblem(f"{source!r} has no copier.yml; docs/service-templates.md says what a template is")
    if (folder / ".git").exists():
        raise TemplateProblem(f"{source!r} is a Git repository of its own; use its address, with a `version`")
    shared = _shared_folders(source, folder, _shared_in(file.read_text(encoding="utf-8", errors="replace")))
    links = [path for one in (folder, *shared) for path in one.rglob("*") if path.is_symlink()]
    if links:
        # Copier would follow it, out of the template.
        raise TemplateProblem(f"{source!r} has a symbolic link, {_within(links[0], folder)}; use a file instead")
    try:
        config = cast(object, yaml.safe_load(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise TemplateProblem(f"{source!r}: its {file.name} cannot be read as YAML; mend it") from None
    fields = cast(dict[str, Any], config) if isinstance(config, dict) else {}
    about = cast(dict[str, Any], fields.get("_slipway") or {})
    chart = folder / about["chart"] if "chart" in about else folder / "chart"
    questions = {
        key: cast(dict[str, Any], one) if isinstance(one, dict) else {"default": one}
        for key, one in fields.items()
        if not key.startswith("_") and not (isinstance(one, dict) and cast(dict[str, Any], one).get("when") is False)
    }
    return ServiceTemplate(
        name,
        str(about.get("description") or f"The template {name}"),
        str(version or about.get("version") or "0.0.0"),
        source,
        folder,
        chart.resolve() if chart.is_dir() else BUILT_IN / "_chart",
        shared,
        questions,
        cast(dict[str, Any], about.get("values") or {}),
    )


def _within(path: Path, folder: Path) -> Path:
    return path.relative_to(folder if path.is_relative_to(folder) else folder.parent)


def _shared_folders(source: str, folder: Path, names: list[str]) -> tuple[Path, ...]:
    """Folders beside a template, by name alone, so that nothing from elsewhere gets into a service."""
    for name in names:
        if not _SHARED.fullmatch(name) or not (folder.parent / name).is_dir():
            raise TemplateProblem(
                f"{source!r}: `shared` names {name!r}; name a folder beside the template that starts with `_`"
            )
    return tuple(folder.parent / name for name in names)


def _fetched(source: str, version: str) -> Path:
    """A version of a Git repository on this machine; a version that is there is not fetched again."""
    folder = _cache() / "templates" / hashlib.sha256(f"{source}@{version}".encode()).hexdigest()[:32]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as place:
        command = ["git", "clone", "--quiet", "--depth", "1", "--branch", version, "--", source, f"{place}/template"]
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        try:
            ran = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=_FETCH_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise TemplateProblem(f"{source!r} did not answer within {_FETCH_SECONDS} s; try again") from None
        if ran.returncode:
            said = (ran.stderr.strip().splitlines() or ["git failed"])[-1]
            raise TemplateProblem(f"{version} of {source!r} could not be fetched: {said}; check both, and the access")
        # Without its history it is a folder like any other, and Copier does not clone it once more.
        shutil.rmtree(f"{place}/template/.git")
        with contextlib.suppress(OSError):
            (Path(place) / "template").rename(folder)
    return folder


@cache
def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(folder)} {path.stat().st_mode & 0o111} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "slipway"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
