"""What a resource becomes, and in what that differs from what it is."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sandbox.github_plugin.schema import Block, Field, Kind, Many, Shape
from sandbox.github_plugin.wire import UNKNOWN, Json, contains_unknown


@dataclass(frozen=True)
class Change:
    """One property that differs."""

    path: str
    had: bool
    has: bool
    replaces: bool


def planned(kind: Kind, inputs: Json) -> Json:
    """The inputs, with the defaults of those that are not given."""
    return _planned(kind.fields, inputs)


def _planned(shape: Mapping[str, Field], inputs: Json) -> Json:
    values = {
        name: inputs.get(name, field.default)
        for name, field in shape.items()
        if not field.output and inputs.get(name, field.default) is not None
    }
    return {name: _planned_value(shape[name].shape, value) for name, value in values.items()}


def _planned_value(shape: Shape, value: Any) -> Any:
    if isinstance(shape, Block) and isinstance(value, dict):
        return _planned(shape.fields, cast("Json", value))
    if isinstance(shape, Many) and isinstance(value, list):
        return [_planned_value(shape.of, item) for item in cast("list[Any]", value)]
    return value


def previewed(kind: Kind, inputs: Json, state: Json) -> Json:
    """The state that a change leads to, as far as it can be known before it is made."""
    after = planned(kind, inputs)
    for name, field in kind.fields.items():
        if name not in after and (field.output or field.computed):
            after[name] = state.get(name, UNKNOWN)
    return after


def changes(kind: Kind, state: Json, inputs: Json, ignored: list[str]) -> list[Change]:
    """What an update has to change; nothing where the state is as declared.

    Args:
        kind: what it is.
        state: what is known to be.
        inputs: what is declared.
        ignored: paths of properties whose difference does not count.
    """
    after = planned(kind, inputs)
    found = [
        change
        for name, field in kind.fields.items()
        if not field.output
        for change in _changes(field, field.shape, state.get(name), after.get(name), name, field.replaces)
    ]
    found += [Change(name, had=True, has=True, replaces=False) for name in kind.drifted(state)]
    return [change for change in found if not _is_ignored(change.path, ignored)]


def _is_ignored(path: str, ignored: list[str]) -> bool:
    return any(path == given or path.startswith((f"{given}.", f"{given}[")) for given in ignored)


def _changes(field: Field, shape: Shape, old: Any, new: Any, path: str, replaces: bool) -> Iterator[Change]:
    if (new is None and field.computed) or _comparable(shape, old, old) == _comparable(shape, new, old):
        return
    if isinstance(shape, Block) and isinstance(old, dict) and isinstance(new, dict):
        before, after = cast("Json", old), cast("Json", new)
        for name, inner in shape.fields.items():
            yield from _changes(
                inner, inner.shape, before.get(name), after.get(name), f"{path}.{name}", replaces or inner.replaces
            )
    else:
        yield Change(path, had=_is_there(cast("object", old)), has=_is_there(cast("object", new)), replaces=replaces)


def _is_there(value: object) -> bool:
    return value not in (None, "", [], {})


def _comparable(shape: Shape, value: Any, old: Any) -> Any:
    """A value in a form in which equal things are equal.

    Empty values are alike, as in the real plugin's state, and the order of sets does not count. What GitHub chose, and
    the program does not say, is taken from `old`.
    """
    if contains_unknown(value):
        return object()
    if isinstance(shape, Block):
        given: Json = value or {}
        before: Json = old or {}
        found = {
            name: _comparable(inner.shape, _chosen(inner, given.get(name), before.get(name)), before.get(name))
            for name, inner in shape.fields.items()
            if not inner.output
        }
        return {name: inner for name, inner in found.items() if inner} or None
    if isinstance(shape, Many):
        entries = [_comparable(shape.of, item, None) for item in cast("list[Any]", value or [])]
        return (
            entries if shape.ordered else sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))
        ) or None
    return value or None


def _chosen(field: Field, value: Any, old: Any) -> Any:
    return old if value is None and field.computed else value
