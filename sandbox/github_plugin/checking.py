"""Checks what a program declares, before anything is asked of GitHub."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sandbox.github_plugin.schema import Block, Field, Kind, Many, Shape
from sandbox.github_plugin.wire import UNKNOWN, Json

NAMES = {str: "a text", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True)
class Failure:
    """What is wrong with one property."""

    property: str
    reason: str


def check(kind: Kind, given: Json, name: str) -> tuple[Json, list[Failure]]:
    """The inputs of a resource in their own types, and everything that is wrong with them.

    Args:
        kind: what it is.
        given: its properties; those that the engine keeps for itself begin with `__`.
        name: what a resource without a name of its own is called.
    """
    inputs = {key: value for key, value in given.items() if not key.startswith("__")}
    if kind.named and "name" not in inputs:
        inputs["name"] = name
    inputs = {
        key: _typed(kind.fields[key].shape, value) if key in kind.fields else value for key, value in inputs.items()
    }
    return inputs, list(_failures(kind.fields, kind.refused, inputs, ""))


def _typed(shape: Shape, value: Any) -> Any:
    """Numbers and texts that stand for each other, as the real plugin takes them."""
    if shape is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if shape is int and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if isinstance(shape, Block) and isinstance(value, dict):
        known = cast("Json", value)
        return {
            key: _typed(shape.fields[key].shape, item) if key in shape.fields else item for key, item in known.items()
        }
    if isinstance(shape, Many) and isinstance(value, list):
        return [_typed(shape.of, item) for item in cast("list[Any]", value)]
    return value


def _failures(shape: Mapping[str, Field], refused: frozenset[str], values: Json, path: str) -> Iterator[Failure]:
    for name, value in values.items():
        where = f"{path}{name}"
        if name in refused:
            yield Failure(where, "the sandbox's GitHub plugin cannot do this; the real plugin can")
        elif name not in shape:
            yield Failure(where, f"there is no such property; the properties are {', '.join(sorted(shape))}")
        elif shape[name].output:
            yield Failure(where, "only GitHub sets this; remove it")
        else:
            yield from _value_failures(shape[name], shape[name].shape, value, where)
    for name, field in shape.items():
        if field.required and name not in values:
            yield Failure(f"{path}{name}", "this is required and missing")


def _value_failures(field: Field, shape: Shape, value: Any, where: str) -> Iterator[Failure]:
    if value == UNKNOWN:
        return
    if isinstance(shape, Block):
        if isinstance(value, dict):
            yield from _failures(shape.fields, shape.refused, cast("Json", value), f"{where}.")
        else:
            yield Failure(where, "this has to be an object")
    elif isinstance(shape, Many):
        if isinstance(value, list):
            for position, item in enumerate(cast("list[Any]", value)):
                yield from _value_failures(field, shape.of, item, f"{where}[{position}]")
        else:
            yield Failure(where, "this has to be a list")
    elif type(value) is not shape:
        yield Failure(where, f"this has to be {NAMES[shape]}")
    elif field.allowed and value not in field.allowed:
        yield Failure(where, f"{value!r} is not allowed; use one of {', '.join(field.allowed)}")
