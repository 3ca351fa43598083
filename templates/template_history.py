"""Templates as they were: from their Git address, or from the history of the platform repository."""

import contextlib
import hashlib
import posixpath
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from templates import rendered_files
from templates.service_template import (
    CONFIG_NAMES,
    ServiceTemplate,
    TemplateProblem,
    cache_folder,
    described,
    is_git_address,
    own_template,
)
from templates.starting_files import starting_files

_BEFORE_COPIER = "template.yaml"
"""Where a template said its version and its chart before it had questions."""


@dataclass(frozen=True)
class _Found:
    """Where the history has a version of a template."""

    commit: str
    folder: str
    about: dict[str, Any]
    """What it says to Slipway."""

    def beside(self, name: object) -> str:
        """The path of a folder that the template names."""
        return posixpath.normpath(posixpath.join(self.folder, str(name)))


def earlier_version(template: ServiceTemplate, version: str, root: Path) -> ServiceTemplate:
    """A template as it was.

    Args:
        template: the template as it is now.
        version: the version to find.
        root: the platform repository, a clone with its history.

    Raises:
        TemplateProblem: that version is not to be had.
    """
    if version == template.version:
        return template
    if is_git_address(template.source):
        return own_template(template.name, template.source, version, root)
    found = _found(template, version, root, CONFIG_NAMES)
    shared = cast(list[object], found.about.get("shared") or [])
    needed = [found.beside(f"../{name}") for name in shared]
    if "chart" in found.about:
        needed.append(found.beside(found.about["chart"]))
    place = _extracted(root, found.commit, [found.folder, *needed])
    return described(template.name, template.source, place / found.folder, version)


def versions_without_questions(template: ServiceTemplate, root: Path) -> tuple[str, ...]:
    """The versions of a template from before it had questions, whose services have no record; the newest first.

    Args:
        template: the template as it is now.
        root: the platform repository, a clone with its history.
    """
    folder, head = _place(template, root), _head(root)
    return _without_questions(root, head, folder) if folder and head else ()


def earlier_files(
    template: ServiceTemplate, version: str, answers: Mapping[str, Any], variables: Mapping[str, Any], root: Path
) -> Mapping[str, str]:
    """What a service of an earlier version started with, by path; also from before templates had questions.

    Args:
        template: the template as it is now.
        version: the version to find.
        answers: those that the service has recorded.
        variables: what else the template may use.
        root: the platform repository, a clone with its history.

    Raises:
        TemplateProblem: that version is not to be had, or does not render.
    """
    if answers or version not in versions_without_questions(template, root):
        old = earlier_version(template, version, root)
        return starting_files(old, answers, variables, recorded=True).files
    found = _found(template, version, root, (_BEFORE_COPIER,))
    folder = found.beside("repository")
    given = {**variables, "template": {"name": template.name, "version": version}}
    return rendered_files(str(_extracted(root, found.commit, [folder]) / folder), given)


def earlier_chart(template: ServiceTemplate, version: str, root: Path) -> Path:
    """The folder of a template's chart as it was, also before templates had questions.

    Args:
        template: the template as it is now.
        version: the version to find.
        root: the platform repository, a clone with its history.

    Raises:
        TemplateProblem: that version is not to be had, or had no chart of its own.
    """
    if version == template.version or is_git_address(template.source):
        old = earlier_version(template, version, root)
        chart = old.chart if old.brings_chart else None
    else:
        found = _found(template, version, root, (*CONFIG_NAMES, _BEFORE_COPIER))
        folder = found.beside(found.about.get("chart", "chart"))
        chart = _extracted(root, found.commit, [folder]) / folder
    if chart is None or not chart.is_dir():
        raise TemplateProblem(f"{template.name} {version} has no chart of its own")
    return chart


def changed_since(template: ServiceTemplate, root: Path) -> str:
    """The first commit that has a template's version, if its files are not those of it any more; empty otherwise.

    Args:
        template: a template in a folder of the platform repository.
        root: the platform repository, a clone with its history.
    """
    folders = [template.folder, *template.shared, *([template.chart] if template.brings_chart else [])]
    if not all(folder.resolve().is_relative_to(root.resolve()) for folder in folders):
        return ""
    paths = [folder.resolve().relative_to(root.resolve()).as_posix() for folder in folders]
    first = ""
    for commit in _git(root, "log", "--format=%H", "--", paths[0]).split():
        texts = [(name, _git(root, "show", f"{commit}:{paths[0]}/{name}")) for name in CONFIG_NAMES]
        if all(str(_about(text, name).get("version", "")) != template.version for name, text in texts):
            break
        first = commit
    return first if first and _git(root, "diff", "--name-only", first, "--", *paths) else ""


def _found(template: ServiceTemplate, version: str, root: Path, names: tuple[str, ...]) -> _Found:
    folder = _place(template, root)
    head = _head(root)
    found = _in_history(root, head, folder, version, names) if folder and head else None
    if found is None:
        text = f"{template.name} {version} is not in the history of this clone"
        remedy = "fetch all of it (git fetch --unshallow), or merge the tag of Slipway that had it"
        raise TemplateProblem(f"{text}; {remedy}")
    return found


def _place(template: ServiceTemplate, root: Path) -> str | None:
    """The path of a template in the platform repository; None where it lies elsewhere."""
    here = template.folder.resolve()
    return here.relative_to(root.resolve()).as_posix() if here.is_relative_to(root.resolve()) else None


@cache
def _in_history(root: Path, head: str, folder: str, version: str, names: tuple[str, ...]) -> _Found | None:
    """The newest commit that has that version; the same for all services of a template."""
    for commit in _git(root, "log", "--format=%H", head, "--", folder).split():
        for name in names:
            about = _about(_git(root, "show", f"{commit}:{folder}/{name}"), name)
            if str(about.get("version", "")) == version:
                return _Found(commit, folder, about)
    return None


@cache
def _without_questions(root: Path, head: str, folder: str) -> tuple[str, ...]:
    """The versions that a template said before it had questions, newest first; the same for all its services."""
    file = f"{folder}/{_BEFORE_COPIER}"
    commits = _git(root, "log", "--format=%H", head, "--", file).split()
    texts = [_git(root, "show", f"{commit}:{file}") for commit in commits]
    found = [str(_about(text, _BEFORE_COPIER).get("version", "")) for text in texts]
    return tuple(dict.fromkeys(filter(None, found)))


def _about(text: str, name: str) -> dict[str, Any]:
    """What a description says to Slipway; empty where it cannot be read."""
    try:
        config = cast(object, yaml.safe_load(text))
    except yaml.YAMLError:
        return {}
    about = cast(dict[str, Any], config) if isinstance(config, dict) else {}
    if name != _BEFORE_COPIER:
        about = cast(object, about.get("_slipway"))
    return cast(dict[str, Any], about) if isinstance(about, dict) else {}


def _head(root: Path) -> str:
    """The commit that the history ends with; empty where there is none."""
    return _git(root, "rev-parse", "HEAD").strip()


def _git(root: Path, *arguments: str) -> str:
    """What git says; empty where it fails."""
    ran = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return ran.stdout if ran.returncode == 0 else ""


def _extracted(root: Path, commit: str, folders: list[str]) -> Path:
    """Folders as a commit has them, on this machine once; those that it does not have are left out."""
    digest = hashlib.sha256("\n".join(folders).encode()).hexdigest()[:8]
    place = cache_folder() / "history" / f"{commit}-{digest}"
    if place.is_dir():
        return place
    there = [folder for folder in folders if _git(root, "ls-tree", commit, "--", folder)]
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".extracting-", dir=place.parent) as unfinished:
        archive, files = Path(unfinished) / "archive.tar", Path(unfinished) / "files"
        files.mkdir()
        if there:
            _git(root, "archive", f"--output={archive}", commit, "--", *there)
            with tarfile.open(archive) as packed:
                # Python 3.11.2, which Debian 12 has, knows no filters.
                safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
                packed.extractall(files, **safe)  # noqa: S202 - it is this repository's own
        with contextlib.suppress(OSError):
            files.rename(place)
    return place
