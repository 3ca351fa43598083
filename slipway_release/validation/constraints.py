"""Whether the fields of an object have values that Kubernetes takes: `constraints.toml` says which those are."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.validation import structure
from slipway_release.validation.files import Manifest
from slipway_release.validation.formats import FORMATS, is_in_range

FILE = Path(__file__).with_name("constraints.toml")
_SOME, _FILLED = "some", "filled"


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with single fields, and with fields that exclude each other."""
    known = _known()
    for part in structure.parts(manifest):
        for key, constraint in known["fields"].get(part.type, {}).items():
            yield from _field(part, key, constraint)
        for text in _together(part, known):
            yield f"{part.below}{text}"


@functools.cache
def _known() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _field(part: structure.Part, key: str, constraint: Any) -> Iterator[str]:
    value, path = part.content.get(key), f"{part.below}{key}"
    if isinstance(constraint, str):
        first, _, rest = constraint.partition(" ")
        if first == _SOME and value in (None, "", [], {}):
            # structure.py names what is missing that the schema wants.
            if value is not None or key not in part.required:
                yield f"{path} is {'missing' if value is None else 'empty'}; Kubernetes requires it"
            return
        if first == _FILLED and value in ("", []):
            yield f"{path} is empty; fill it in, or take it out"
            return
        constraint = rest if first in {_SOME, _FILLED} else constraint
    if value in (None, "") or not constraint:
        return
    if isinstance(constraint, dict):
        yield from _inner(value, cast("Mapping[str, Any]", constraint), path)
    else:
        yield from _value(value, constraint, path)


def _inner(value: object, constraint: Mapping[str, Any], path: str) -> Iterator[str]:
    if isinstance(value, list) and "each" in constraint:
        for index, item in enumerate(cast("list[object]", value)):
            yield from _value(item, constraint["each"], f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in cast("Document", value).items():
            if "keys" in constraint:
                yield from _value(key, constraint["keys"], f"{path} key")
            if "values" in constraint and item is not None:
                yield from _value(item, constraint["values"], f"{path}.{key}")


def _value(value: object, constraint: str | Sequence[str], path: str) -> Iterator[str]:
    if not isinstance(constraint, str):
        if isinstance(value, str) and value not in constraint:
            yield f"{path} {value!r} is not one of {', '.join(constraint)}"
    elif constraint in FORMATS:
        fits, remedy = FORMATS[constraint]
        if not fits(value):
            yield f"{path} {_shown(value)} is not accepted by Kubernetes; use {remedy}"
    elif isinstance(value, (int, float)) and value % 1 == 0 and not is_in_range(value, constraint):
        least, _, most = constraint.partition("..")
        yield f"{path} {value} is not accepted by Kubernetes; use {least} {f'to {most}' if most else 'or more'}"


def _together(part: structure.Part, known: Mapping[str, Any]) -> Iterator[str]:
    for rule, least in (("exactly_one", 1), ("at_most_one", 0)):
        names: list[str] = known[rule].get(part.type, [])
        absent: tuple[object, ...] = (None, "", [], 0) if least else (None, "")
        given = [name for name in names if part.content.get(name) not in absent]
        if len(given) > 1:
            yield f"{' and '.join(given)} exclude each other; take out all but one"
        elif names and len(given) < least and not part.has_unknown:
            yield f"{' or '.join(names)} is missing; Kubernetes requires one of them"
    for key, other, words in _conditions(known["only_when"], part):
        if not _is_absent(part.content.get(key)) and _word(part.content.get(other)) not in words:
            yield f"{key} is permitted only {_where(other, words)}; take it out, or change {other}"
    for key, other, words in _conditions(known["wanted_when"], part):
        if _is_absent(part.content.get(key)) and _word(part.content.get(other)) in words:
            yield f"{key} is missing; Kubernetes requires it {_where(other, words)}"
    for key, name in known["unique"].get(part.type, {}).items():
        named = [str(value) for item in fields.mappings(part.content.get(key)) if (value := item.get(name))]
        for value in sorted({value for value in named if named.count(value) > 1}):
            yield f"{key} has {name} {value!r} twice; give each its own"


def _conditions(rule: Mapping[str, Any], part: structure.Part) -> Iterator[tuple[str, str, Sequence[str]]]:
    for key, others in rule.get(part.type, {}).items():
        for other, words in others.items():
            yield key, other, words


def _is_absent(value: object) -> bool:
    return value in (None, "", []) or (value == 0 and not isinstance(value, bool))


def _word(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else "something"


def _where(field: str, words: Sequence[str]) -> str:
    named = " or ".join(word for word in words if word)
    return f"where {field} is {named}" if named else f"without {field}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
