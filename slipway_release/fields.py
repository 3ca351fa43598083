"""Typed access to JSON that others wrote: a missing or misshapen field is an error that names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeAlias, TypeVar, cast

from slipway_release.errors import RefusedError

E = TypeVar("E", bound=StrEnum)
Document: TypeAlias = Mapping[str, object]


def document(value: object, where: str) -> Document:
    """The value as a mapping with text keys."""
    if not isinstance(value, dict):
        raise RefusedError(f"{where}: expected an object, found {_kind(value)}")
    return cast("Document", value)


def optional_document(source: Document, key: str) -> Document | None:
    """A field that may be missing or something else than an object."""
    value = source.get(key)
    return cast("Document", value) if isinstance(value, dict) else None


def documents(value: object, where: str) -> list[Document]:
    """The value as a list of mappings."""
    return [document(item, f"{where}[{index}]") for index, item in enumerate(items(value, where))]


def mappings(value: object) -> Iterator[Document]:
    """The mappings in a list; nothing of what is something else."""
    for item in cast("list[object]", value) if isinstance(value, list) else []:
        if isinstance(item, dict):
            yield cast("Document", item)


def below(here: Document, *keys: str) -> Document:
    """The mapping at the end of a way of keys; an empty one where it does not lead to any."""
    for key in keys:
        here = optional_document(here, key) or {}
    return here


def items(value: object, where: str) -> list[object]:
    """The value as a list."""
    if not isinstance(value, list):
        raise RefusedError(f"{where}: expected a list, found {_kind(value)}")
    return cast("list[object]", value)


def text(source: Document, key: str, where: str) -> str:
    """A field that must be a text with something in it."""
    value = source.get(key)
    if not isinstance(value, str) or not value:
        raise RefusedError(f"{where}.{key}: expected a text, found {_kind(value)}")
    return value


def optional_text(source: Document, key: str) -> str | None:
    """A field that may be missing, null or empty."""
    value = source.get(key)
    return value if isinstance(value, str) and value else None


def number(source: Document, key: str, where: str) -> int:
    """A field that must be a whole number."""
    value = source.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RefusedError(f"{where}.{key}: expected a number, found {_kind(value)}")
    return value


def texts(source: Document, key: str, where: str) -> tuple[str, ...]:
    """A field that is a list of texts; missing is empty."""
    value = source.get(key)
    found = [] if value is None else items(value, f"{where}.{key}")
    if not all(isinstance(item, str) for item in found):
        raise RefusedError(f"{where}.{key}: expected a list of texts")
    return tuple(str(item) for item in found)


def choice(source: Document, key: str, choices: type[E], where: str) -> E:
    """A field that must be one of the words of an enum."""
    value = text(source, key, where)
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(choices)
        raise RefusedError(f"{where}.{key}: {value!r} is not known; expected one of {known}") from None


def child(source: Document, key: str, where: str) -> Document:
    """A field that must be an object."""
    return document(source.get(key), f"{where}.{key}")


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__
