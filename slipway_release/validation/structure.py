"""Whether an object has the fields that Kubernetes knows, of the types that it takes; a sync fails at any other one.

`kubernetes.json` is made from the API server's own description (`tests/admission/schema.py`).
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from slipway_release.fields import Document
from slipway_release.validation.files import Manifest

FILE = Path(__file__).with_name("kubernetes.json")
VERSION = (1, 35)
"""The Kubernetes whose fields are known."""
_MEANINGS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "a text; quote it"),
    "whole": ((int, float), "a whole number, without quotes"),
    "truth": ((bool,), "true or false, without quotes"),
}
_DEFAULT_KEYS = {"protocol": "TCP"}
_FILLED_IN = frozenset({("RoleRef", "apiGroup")})
"""Fields that the schema requires, and that Kubernetes fills in."""


def check(manifest: Document, *, scalars: bool = True, unknown: bool = True) -> Iterator[str]:
    """What is wrong with the fields of an object; nothing of a kind that is not Kubernetes' own.

    Args:
        manifest: the object.
        scalars: whether texts, numbers and truth values are looked at; others may have told of them.
        unknown: whether fields count that this version of Kubernetes does not have.
    """
    known = _known()
    name = known["kinds"].get(f"{manifest.get('apiVersion')}/{manifest.get('kind')}")
    if name is not None:
        whole = {key: value for key, value in manifest.items() if key != "status"}
        yield from _Walk(known["types"], scalars=scalars, unknown=unknown).type(whole, name, "")


@dataclass(frozen=True)
class Part:
    """A mapping in an object, such as one of its containers."""

    type: str
    """As in `kubernetes.json`."""
    path: str
    content: Document
    required: Collection[str]
    """Fields of which the schema says so."""
    has_unknown: bool
    """Whether it has fields that are not known here; a newer Kubernetes may know them."""

    @property
    def below(self) -> str:
        """What stands before the names of its fields."""
        return f"{self.path}." if self.path else ""


def parts(manifest: Manifest) -> Iterator[Part]:
    """The mappings in an object that have a type; of kinds that are not Kubernetes' own, their metadata alone."""
    known = _known()
    name = known["kinds"].get(f"{manifest.get('apiVersion')}/{manifest.get('kind')}")
    if name is not None:
        whole = {key: value for key, value in manifest.items() if key != "status"}
        yield from _parts(whole, {"type": name}, "", known["types"])
    else:
        yield from _parts(manifest.get("metadata"), {"type": "ObjectMeta"}, "metadata", known["types"])


def _parts(value: object, given: Any, path: str, types: Mapping[str, Any]) -> Iterator[Part]:
    schema = cast("dict[str, Any]", given if isinstance(given, dict) else {})
    if isinstance(value, list) and "list" in schema:
        for index, item in enumerate(cast("list[object]", value)):
            yield from _parts(item, schema["list"], f"{path}[{index}]", types)
    elif isinstance(value, dict) and "type" in schema:
        found, known = cast("Document", value), types[schema["type"]]
        yield Part(schema["type"], path, found, known.get("required", ()), not found.keys() <= known["fields"].keys())
        for key, inner in found.items():
            yield from _parts(inner, known["fields"].get(key), f"{path}.{key}" if path else key, types)


def is_newer(version: str | None) -> bool:
    """Whether a Kubernetes may have fields that are not known here."""
    numbers = [part for part in (version or "").removeprefix("v").split(".") if part.isdigit()]
    return len(numbers) > 1 and (int(numbers[0]), int(numbers[1])) > VERSION


@functools.cache
def _known() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))


class _Walk:
    """Goes through an object beside the types of its fields."""

    def __init__(self, types: Mapping[str, Any], *, scalars: bool, unknown: bool) -> None:
        self._types = types
        self._scalars = scalars
        self._unknown = unknown

    def type(self, value: object, name: str, path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path or 'it'} is {_kind(value)}, and Kubernetes wants a mapping"
            return
        found, known = cast("Document", value), cast("dict[str, Any]", self._types[name])
        fields = cast("dict[str, Any]", known["fields"])
        below = f"{path}." if path else ""
        for key, inner in found.items():
            schema = fields.get(key)
            if schema is not None:
                yield from self._value(inner, schema, below + key)
            elif self._unknown:
                near = difflib.get_close_matches(key, list(fields), 1)
                hint = f"; did you mean {near[0]}?" if near else "; take it out"
                yield f"{below}{key} is not a field that Kubernetes knows{hint}"
        for key in known.get("required", ()):
            if found.get(key) is None and (name, key) not in _FILLED_IN:
                yield f"{below}{key} is missing"

    def _value(self, value: object, schema: Any, path: str) -> Iterator[str]:
        # What is null counts as absent.
        if value is None or schema == "any":
            return
        if isinstance(schema, str):
            yield from self._scalar(value, schema, path)
        elif "type" in schema:
            yield from self.type(value, schema["type"], path)
        elif "words" in schema:
            if value not in ("", *schema["words"]):
                yield f"{path} {value!r} is not one of {', '.join(schema['words'])}"
        elif "map" in schema:
            if not isinstance(value, dict):
                yield f"{path} is {_kind(value)}, and Kubernetes wants a mapping"
                return
            for key, inner in cast("Document", value).items():
                yield from self._value(inner, schema["map"], f"{path}.{key}")
        else:
            yield from self._list(value, schema, path)

    def _list(self, value: object, schema: Any, path: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield f"{path} is {_kind(value)}, and Kubernetes wants a list"
            return
        items = cast("list[object]", value)
        for index, item in enumerate(items):
            yield from self._value(item, schema["list"], f"{path}[{index}]")
        seen: set[str] = set()
        for item in items if "keys" in schema else ():
            key = _identity(item, schema["keys"])
            if key in seen:
                yield f"{path} has {key} twice, which a server-side apply refuses; remove one"
            seen.add(key)

    def _scalar(self, value: object, kind: str, path: str) -> Iterator[str]:
        types, meaning = _MEANINGS[kind]
        is_truth = isinstance(value, bool)
        fits = isinstance(value, types) and is_truth == (kind == "truth")
        if fits and kind == "whole":
            fits = cast("float", value) % 1 == 0
        is_scalar = not isinstance(value, (dict, list))
        if not fits and (self._scalars or not is_scalar):
            yield f"{path} is {_kind(cast('object', value))}, and Kubernetes wants {meaning}"


def _identity(item: object, keys: list[str]) -> str:
    found = cast("Document", item if isinstance(item, dict) else {})
    return ", ".join(f"{key} {found.get(key, _DEFAULT_KEYS.get(key))}" for key in keys)


def _kind(value: object) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"{value!r}" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
