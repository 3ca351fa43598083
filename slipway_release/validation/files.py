"""A work tree of the environment repository and the YAML in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import yaml

from slipway_release import platform_file
from slipway_release.fields import Document
from slipway_release.platform_file import Environment, Platform, Service

_IGNORED = {".git", "node_modules", "__pycache__"}


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


Manifest: TypeAlias = Document


class _Loader(yaml.SafeLoader):
    """Refuses a key that is there twice: Helm takes the last one, people mean the first."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[object, object]:
    loader.flatten_mapping(node)
    seen: set[object] = set()
    for key_node, _ in node.value:
        key = cast("object", loader.construct_object(key_node, deep=True))  # pyright: ignore[reportUnknownMemberType]
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is there twice", key_node.start_mark)
        seen.add(key)
    return cast("dict[object, object]", loader.construct_mapping(node, deep=True))


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


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

    def manifests(self) -> Iterator[tuple[str, list[Manifest], list[Problem]]]:
        """The YAML files with what they hold; Helm's templates are no YAML before they are rendered."""
        for path, file in self.files(".yaml", ".yml"):
            parts = path.split("/")
            if not (parts[0] == "helm-charts" and "templates" in parts[2:]):
                found, problems = parse(file.read_text(encoding="utf-8", errors="replace"), path)
                yield path, found, problems


def parse(text: str, path: str) -> tuple[list[Manifest], list[Problem]]:
    """The documents of a YAML text that are mappings, and what is wrong with the text."""
    try:
        items = list(cast("Iterator[object]", yaml.load_all(text, Loader=_Loader)))
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        return [], [Problem(path, f"{line}{error.problem or error}")]
    except yaml.YAMLError as error:
        return [], [Problem(path, str(error))]
    return [cast("Manifest", item) for item in items if isinstance(item, dict)], []


def dump(manifest: Manifest) -> str:
    """A manifest as stable text for people."""
    return str(yaml.safe_dump(dict(manifest), sort_keys=True, default_flow_style=False, width=120))
