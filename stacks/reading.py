"""From configuration text to typed parts: the structure of a stack file, part by part.

A part with a mistake is read again without the keys that are wrong, so that the rules between parts can still be
checked and everything is reported at once.
"""

import difflib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from stacks.problems import Problem, listed

T = TypeVar("T")
Location = tuple[str | int, ...]

_EXPECTED = {
    "string_type": "a text; put it in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "dataclass_type": "a mapping",
}


@dataclass(frozen=True)
class Found(Generic[T]):
    """A part that could be read, perhaps without some of its keys."""

    path: str
    value: T
    broken: frozenset[str] = field(default_factory=frozenset[str])
    """Keys that were wrong and read as if absent; no rule may be built on them."""

    def at(self, *location: str | int) -> str:
        """The path of something below it."""
        return self.path + _path(location)


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)


@cache
def _schema(kind: type[Any]) -> dict[str, Any]:
    return _adapter(kind).json_schema(by_alias=True)


class Reader:
    """Reads the parts of one stack file and collects what is wrong with them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._texts: Mapping[str, str] = texts

    def problem(self, path: str, text: str) -> None:
        """Notes a problem."""
        self.problems.append(Problem(path, text))

    def one(self, key: str, kind: type[T]) -> Found[T] | None:
        """Reads a part that is there once; where it is absent, its defaults are read."""
        if key not in self._texts and cast(list[str], _schema(kind).get("required", [])):
            self.problem(key, f"missing; use a mapping with {listed(_schema(kind)['required'])}")
            return None
        raw = self._parsed(key, {})
        return None if raw is None else self._read(key, raw, kind)

    def many(self, key: str, kind: type[T]) -> list[Found[T]]:
        """Reads a list of parts; an item that cannot be read at all is left out."""
        raw = self._parsed(key, [])
        if not isinstance(raw, list):
            if raw is not None:
                self.problem(key, f"{_shown(raw)} is not a list: use a list of mappings, each with `name`")
            return []
        items = cast(list[object], raw)
        found = [self._read(f"{key}[{_label(item, index, items)}]", item, kind) for index, item in enumerate(items)]
        return [part for part in found if part is not None]

    def word(self, key: str, kind: Any, default: T) -> T:
        """Reads one word."""
        if key not in self._texts:
            return default
        found = cast(Found[T] | None, self._read(key, self._texts[key], kind))
        return default if found is None else found.value

    def names(self, key: str) -> set[str]:
        """The names in a list, also of items that could not be read."""
        try:
            raw = json.loads(self._texts.get(key, "[]"))
        except ValueError:
            return set()
        items = cast(list[object], raw) if isinstance(raw, list) else []
        return {name for item in items if (name := _name(item)) is not None}

    def _parsed(self, key: str, default: object) -> object:
        if key not in self._texts:
            return default
        try:
            found: object = json.loads(self._texts[key])
        except ValueError:
            kind = "a list" if isinstance(default, list) else "a mapping"
            self.problem(key, f"{_shown(self._texts[key])} has no structure; use {kind}")
            return None
        # A key with nothing behind it is one that is not there.
        return default if found is None else found

    def _read(self, path: str, raw: object, kind: type[T]) -> Found[T] | None:
        adapter = _adapter(kind)
        try:
            return Found(path, adapter.validate_json(json.dumps(raw)))
        except ValidationError as error:
            details = _told(error.errors(include_url=False))
        if empty := [detail["loc"] for detail in details if _is_empty(detail)]:
            raw = deepcopy(raw)
            for location in empty:
                _remove(raw, location)
            return self._read(path, raw, kind)
        for detail in details:
            self.problem(path + _path(detail["loc"]), _words(detail, _schema(kind)))
        # Deepest and last first, so that removing one list item does not move the next.
        locations = sorted(
            (detail["loc"] for detail in details), key=lambda loc: [str(part) for part in loc], reverse=True
        )
        rest = deepcopy(raw)
        for location in locations:
            _remove(rest, location)
        broken = frozenset(str(location[0]) for location in locations if location)
        try:
            return Found(path, adapter.validate_json(json.dumps(rest)), broken)
        except ValidationError:
            return None


def _told(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without lengths of lists whose items are wrong: those are not counted, so that the length is, too."""
    wrong = [detail["loc"] for detail in details]
    return [
        detail
        for detail in details
        if detail["type"] not in {"too_long", "too_short"}
        or not any(location[: len(detail["loc"])] == detail["loc"] != location for location in wrong)
    ]


def _is_empty(detail: ErrorDetails) -> bool:
    """Whether it is about a key with nothing behind it, which is one that is not there."""
    location = detail["loc"]
    return detail["input"] is None and bool(location) and isinstance(location[-1], str) and location[-1] != "[key]"


def _remove(raw: object, location: Location) -> None:
    # Where a key is wrong, it is the one before this word.
    *parents, last = (location[:-1] if location[-1:] == ("[key]",) else location) or ("",)
    here: Any = raw
    for part in parents:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(here, dict):
        cast(dict[str | int, object], here).pop(last, None)
    elif isinstance(here, list) and isinstance(last, int) and last < len(cast(list[object], here)):
        del here[last]


def _name(item: object) -> str | None:
    name = cast(dict[str, object], item).get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and name else None


def _label(item: object, index: int, items: list[object]) -> str:
    """A list item goes by its name where that says which one is meant."""
    name = _name(item)
    alone = sum(1 for other in items if _name(other) == name) == 1
    return name if name is not None and alone else str(index)


def _path(location: Location) -> str:
    parts = [part for part in location if part != "[key]"]
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _shown(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "a list" if isinstance(value, list) else "a mapping"
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _words(detail: ErrorDetails, schema: dict[str, Any]) -> str:
    kind, location, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "settings":
        return str(context["what"])
    if kind in {"unexpected_keyword_argument", "extra_forbidden"}:
        allowed = _keys(schema, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), allowed, 1)
        hint = f" (did you mean `{near[0]}`?)" if near else ""
        return f"unknown key{hint}; use one of {listed(allowed)}"
    if kind in {"missing", "missing_argument", "missing_keyword_only_argument"}:
        return f"missing; {_description(schema, location)}"
    shown = _shown(detail["input"])
    if kind == "enum":
        return f"{shown} is not allowed; use one of {str(context['expected']).replace(chr(39), '')}"
    if kind in _EXPECTED:
        return f"{shown} is of the wrong kind; use {_EXPECTED[kind]}"
    if kind in {"too_long", "too_short"}:
        limit = f"at most {context['max_length']}" if kind == "too_long" else f"at least {context['min_length']}"
        return f"{shown} of {context['actual_length']} does not fit; use {limit}"
    return f"{shown} does not fit; {detail['msg'][0].lower()}{detail['msg'][1:]}"


def _node(schema: dict[str, Any], location: Location) -> dict[str, Any]:
    """The part of a JSON Schema that describes a place."""
    definitions = cast(dict[str, dict[str, Any]], schema.get("$defs", {}))

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" in node:
            return resolved(
                definitions[str(node["$ref"]).rsplit("/", 1)[-1]] | {k: v for k, v in node.items() if k != "$ref"}
            )
        options = cast(list[dict[str, Any]], node.get("anyOf", []))
        structured = [option for option in map(resolved, options) if option.get("type") != "null"]
        return structured[0] | {k: v for k, v in node.items() if k != "anyOf"} if structured else node

    here = resolved(schema)
    for part in location:
        below: object = here.get("items") if isinstance(part, int) else here.get("properties", {}).get(part)
        below = below or here.get("additionalProperties")
        here = resolved(cast(dict[str, Any], below)) if isinstance(below, dict) else {}
    return here


def _keys(schema: dict[str, Any], location: Location) -> list[str]:
    return list(_node(schema, location).get("properties", {}))


def _description(schema: dict[str, Any], location: Location) -> str:
    text = str(_node(schema, location).get("description", "There is no default.")).splitlines()[0]
    return f"it is needed. {text}"
