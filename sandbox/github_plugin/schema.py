"""What describes a kind of resource: its properties, and how GitHub makes, reads, changes and removes one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.wire import Json


@dataclass(frozen=True)
class Block:
    """An object with properties of its own."""

    fields: "Mapping[str, Field]"
    refused: frozenset[str] = frozenset()
    """Properties that the real plugin has and this one does not."""


@dataclass(frozen=True)
class Many:
    """A list; a set where the order does not count."""

    of: "Shape"
    ordered: bool = False


Shape = type[str] | type[int] | type[bool] | Block | Many


@dataclass(frozen=True)
class Field:
    """One property, with the traits that the real plugin's schema gives it."""

    shape: Shape
    required: bool = False
    output: bool = False
    """Only GitHub says it; a program cannot."""
    computed: bool = False
    """GitHub says it where the program does not."""
    default: Any = None
    replaces: bool = False
    """Another value is another resource."""
    kept: bool = False
    """GitHub does not tell it again: the state keeps what the program said."""
    allowed: tuple[str, ...] = ()
    github: str = ""
    """Its name in GitHub's documents, where that is not the property's in snake case."""


@dataclass(frozen=True)
class Imported:
    """Where a resource that a person names by its import id is found."""

    id: str
    known: Json
    """What the import id says beside the id."""


def _as_it_is(_github: GitHub, given: str) -> Imported:
    return Imported(given, {})


def _nothing_more(_github: GitHub, _id: str, _planned: Json) -> None:
    """For kinds that one request makes."""


def _no_drift(_state: Json) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Kind:
    """One kind of resource."""

    fields: Mapping[str, Field]
    create: Callable[[GitHub, Json], str]
    """Makes it with one request; returns the id. Takes what is planned: inputs and defaults."""
    read: Callable[[GitHub, str, Json], Json | None]
    """Its state; None if it is gone. Takes the id and what is known of it."""
    delete: Callable[[GitHub, str, Json], None]
    """Takes the id and the state."""
    update: Callable[[GitHub, str, Json, Json], None] | None = None
    """Takes the id, the state and what is planned; None where every change replaces."""
    finish: Callable[[GitHub, str, Json], None] = _nothing_more
    """What creating takes beyond the first request; where it fails, the resource is there and unfinished."""
    imported: Callable[[GitHub, str], Imported] = _as_it_is
    drifted: Callable[[Json], tuple[str, ...]] = _no_drift
    """Outputs of a state that show a change made by somebody else, for which no input differs."""
    refused: frozenset[str] = frozenset()
    """Properties that the real plugin has and this one does not."""
    follows_rename: bool = False
    """The state knows the repository's number, so a renamed repository is not another one."""
    named: bool = False
    """It gets a name of the resource's own with a random end where the program gives none."""


def snake(name: str) -> str:
    """`allowMergeCommit` as GitHub spells it: `allow_merge_commit`."""
    return re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", name)


def body(shape: Mapping[str, Field], values: Json, *names: str) -> Json:
    """Properties as GitHub spells them, nested ones too.

    Args:
        shape: the properties.
        values: their values; those that are not there are left out.
        names: which of them; all that GitHub is told if none is named.
    """
    chosen = names or tuple(name for name, field in shape.items() if not field.kept and not field.output)
    return {
        shape[name].github or snake(name): _spelled(shape[name].shape, values[name])
        for name in chosen
        if values.get(name) is not None
    }


def _spelled(shape: Shape, value: Any) -> Any:
    if isinstance(shape, Block):
        return body(shape.fields, value)
    return [_spelled(shape.of, item) for item in cast("list[Any]", value)] if isinstance(shape, Many) else value


def state(shape: Mapping[str, Field], document: Json) -> Json:
    """What a document of GitHub says of the properties; an empty text or list where it says null or nothing."""
    return {
        name: _property(field.shape, document.get(field.github or snake(name)))
        for name, field in shape.items()
        if not field.kept
    }


def _property(shape: Shape, value: Any) -> Any:
    if isinstance(shape, Block):
        return state(shape.fields, value) if value else None
    if isinstance(shape, Many):
        return [_property(shape.of, item) for item in cast("list[Any]", value or [])]
    return value if value is not None else {str: "", int: 0, bool: False}[shape]
