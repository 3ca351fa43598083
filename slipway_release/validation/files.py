"""The environment repository's work tree: its files as they are found, and what its YAML holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from slipway_release import platform_file
from slipway_release.fields import Document
from slipway_release.platform_types import Environment, Platform, Service
from slipway_release.validation import reading
from slipway_release.validation.reading import Reading

_IGNORED = {".git", "node_modules", "__pycache__"}
LARGEST = 5_000_000
"""Bytes of a file that are read. Helm and Kubernetes take no more either."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong."""

    path: str
    text: str
    line: int = 0
    """From 1; 0 where the whole file is meant."""
    is_warning: bool = False
    """Whether it is told and stops nothing."""

    def __str__(self) -> str:
        return f"{self.path}: line {self.line}: {self.text}" if self.line else f"{self.path}: {self.text}"

    @property
    def subject(self) -> tuple[str, str]:
        """What stays the same when other lines of the file move it."""
        return self.path, self.text


Manifest: TypeAlias = Document


def values_of(value: object, key: str) -> Iterator[object]:
    """What a key has, wherever it stands: what a StatefulSet makes of its templates has their annotations too."""
    if isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            if name == key:
                yield inner
            yield from values_of(inner, key)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from values_of(item, key)


@dataclass(frozen=True)
class Tree:
    """A checked-out environment repository."""

    folder: Path

    def platform(self) -> Platform:
        return platform_file.load(self.folder / ".slipway/platform.json")

    def placements(self) -> Iterator[tuple[Service, Environment]]:
        """Every service in every environment it runs in."""
        platform = self.platform()
        for environment in platform.environments:
            for service in platform.services:
                if environment.name in service.environments:
                    yield service, environment

    def files(self, *suffixes: str) -> Iterator[tuple[str, Path]]:
        """The files with one of the suffixes (all without), by path from the root."""
        for path in sorted(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            wanted = path.is_file() and not path.is_symlink() and not _IGNORED & set(relative.parts)
            if wanted and (not suffixes or path.suffix in suffixes):
                yield relative.as_posix(), path

    def links(self, folder: str = "") -> Iterator[tuple[str, Path]]:
        """The symbolic links in a folder (unset: everywhere), by path from the root."""
        for path in sorted((self.folder / folder).rglob("*")):
            relative = path.relative_to(self.folder)
            # Argo CD looks at all of them, in folders that nothing else reads too.
            if path.is_symlink() and relative.parts[0] != ".git":
                yield relative.as_posix(), path

    def links_out(self, folder: str = "") -> list[str]:
        """Those that lead out of the work tree; an absolute one does so on every other machine."""
        root = self.folder.resolve()
        return [path for path, link in self.links(folder) if _leaves(path, link.readlink()) or _ends_beyond(link, root)]

    def readings(self) -> Iterator[tuple[str, Reading, list[Problem]]]:
        """The YAML files with what they hold; Helm's templates are not a YAML before they are rendered."""
        for path, file in self.files(".yaml", ".yml", ".json"):
            if path.endswith(".json") and not path.startswith(("infrastructure/", "apps/")):
                continue
            parts = path.split("/")
            if not (parts[0] == "helm-charts" and "templates" in parts[2:]):
                text, problems = read_text(file, path)
                found = reading.read(text)
                yield path, found, problems + mistakes(found, path)

    def manifests(self) -> Iterator[tuple[str, list[Manifest], list[Problem]]]:
        """The YAML files with the objects in them."""
        for path, found, problems in self.readings():
            yield path, objects(found), problems


def _leaves(path: str, target: Path) -> bool:
    """Whether a link passes the root by its words, as Argo CD reads them: it follows no other link on the way."""
    depth = path.count("/")
    for part in target.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return target.is_absolute()


def _ends_beyond(link: Path, root: Path) -> bool:
    """Whether it ends outside, by way of other links too."""
    try:
        return not link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        return False  # in a circle, which leads nowhere


def read_text(file: Path, path: str) -> tuple[str, list[Problem]]:
    """A file's text; empty, with the reason, where nothing else in the platform would read it either."""
    size = file.stat().st_size
    if size > LARGEST:
        return "", [Problem(path, f"has {size:,} bytes; more than {LARGEST:,} are not read")]
    content = file.read_bytes()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", [Problem(path, "is UTF-16; save it as UTF-8")]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", [Problem(path, "is not UTF-8; save it as UTF-8", line)]


def parse(text: str, path: str) -> tuple[list[Manifest], list[Problem]]:
    """The documents of a YAML text that are mappings, and what is wrong with the text."""
    found = reading.read(text)
    return objects(found), mistakes(found, path)


def objects(found: Reading) -> list[Manifest]:
    """The documents that are mappings; a `List` is what is in it, as for Argo CD."""
    return [item for document in found.documents for item in _flat(document)]


def _flat(document: object) -> Iterator[Manifest]:
    if not isinstance(document, dict):
        return
    manifest = cast("Manifest", document)
    inner = manifest.get("items")
    if str(manifest.get("kind")).endswith("List") and isinstance(inner, list):
        for item in cast("list[object]", inner):
            yield from _flat(item)
    else:
        yield manifest


def mistakes(found: Reading, path: str) -> list[Problem]:
    """What is wrong with a text, as problems of its file."""
    return [Problem(path, mistake.text, mistake.line) for mistake in found.mistakes]


def dump(manifest: Manifest) -> str:
    """A manifest as stable text for people."""
    return str(yaml.safe_dump(dict(manifest), sort_keys=True, default_flow_style=False, width=120))
