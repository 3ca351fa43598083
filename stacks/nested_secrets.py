"""Secrets inside of `slipway:argocd.values`, such as `configs.secret.extra["dex.github.clientSecret"]`.

Pulumi tells a program which keys hold a secret, but not where in them; the stack file says where. Where that file is
another one (`--config-file`), every text counts as secret rather than none.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from stacks.problems import NAMESPACE
from stacks.pulumi_yaml import load

FOLDER = Path(__file__).parent
PUBLIC = frozenset({"policy.csv"})
"""Keys that hold no secret; the platform adds to them."""

Json = Any


@dataclass(frozen=True)
class Hidden:
    """A value that was set with `--secret`."""

    value: object


class _OtherFileError(Exception):
    """The values are not those of the stack file."""


def with_hidden(stack: str, section: Json) -> Json:
    """The section with each of its secrets as `Hidden`."""
    try:
        return _located(section, _written(stack))
    except _OtherFileError:
        return _hidden(section)


def parted(value: Json) -> tuple[Json, Json]:
    """Two mappings that make up one with hidden secrets: without its secrets, and its secrets alone.

    A list with a secret in it is among the secrets as a whole, since Helm replaces lists.
    """
    if not isinstance(value, Mapping):
        return (None, value) if _holds(value) else (value, None)
    public: dict[str, Json] = {}
    secret: dict[str, Json] = {}
    for key, item in cast(Mapping[str, Json], value).items():
        shown, kept = parted(item)
        if kept is not None:
            secret[key] = kept
        if kept is None or isinstance(item, Mapping):
            public[key] = shown
    return public, secret or None


def unveiled(value: Json, wrap: Callable[[object], object]) -> Json:
    """The value with each `Hidden` replaced by what `wrap` makes of it."""
    if isinstance(value, Hidden):
        return wrap(value.value)
    if isinstance(value, Mapping):
        return {key: unveiled(item, wrap) for key, item in cast(Mapping[str, Json], value).items()}
    return [unveiled(item, wrap) for item in cast(list[Json], value)] if isinstance(value, list) else value


def _written(stack: str) -> Json:
    path = FOLDER / f"Pulumi.{stack}.yaml"
    try:
        content: Json = load(path.read_text(encoding="utf-8"))
        return json.loads(json.dumps(content["config"][f"{NAMESPACE}:argocd"]))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError):
        raise _OtherFileError from None


def _located(given: Json, written: Json) -> Json:
    if isinstance(written, dict) and set(cast(dict[str, Json], written)) == {"secure"} and not isinstance(given, dict):
        return Hidden(given)
    if isinstance(given, dict) and isinstance(written, dict):
        below, texts = cast(dict[str, Json], given), cast(dict[str, Json], written)
        if set(below) != set(texts):
            raise _OtherFileError
        return {key: item if key in PUBLIC else _located(item, texts[key]) for key, item in below.items()}
    if isinstance(given, list) and isinstance(written, list):
        items, others = cast(list[Json], given), cast(list[Json], written)
        if len(items) != len(others):
            raise _OtherFileError
        return [_located(item, other) for item, other in zip(items, others, strict=True)]
    if given != written:
        raise _OtherFileError
    return cast(Json, given)


def _hidden(value: Json) -> Json:
    """Every text in a section's `values` as secret."""

    def veiled(item: Json, key: str) -> Json:
        if isinstance(item, dict):
            return {below: veiled(inner, below) for below, inner in cast(dict[str, Json], item).items()}
        if isinstance(item, list):
            return [veiled(inner, key) for inner in cast(list[Json], item)]
        return Hidden(item) if isinstance(item, str) and key not in PUBLIC else item

    if not isinstance(value, dict):
        return value
    section = cast(dict[str, Json], value)
    return {key: veiled(item, key) if key == "values" else item for key, item in section.items()}


def _holds(value: Json) -> bool:
    return isinstance(value, Hidden) or (isinstance(value, list) and any(map(_holds_below, cast(list[Json], value))))


def _holds_below(value: Json) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_below, cast(Mapping[str, Json], value).values()))
    return _holds(value)
