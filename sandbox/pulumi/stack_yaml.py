"""YAML as Pulumi reads a stack file, so that what is rehearsed is what `pulumi` does.

To it `no` and `on` are texts, `0o17` and `1e3` are numbers, a date is a moment, and a key that is there twice an error.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import yaml

from sandbox.fast_yaml import SafeLoader

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_INTEGER = re.compile(r"([-+]?)(?:0([xXbBoO]?)([0-9a-fA-F]+)|(0|[1-9][0-9]*))", re.ASCII)
_BASES = {"x": 16, "b": 2, "o": 8, "": 8}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt](\d{1,2}):(\d{1,2}):(\d{1,2})Z)?", re.ASCII)
_TEXT, _MERGE, _OTHER = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge", "tag:slipway.dev,2026:scalar"
_INFINITE = (float("inf"), float("-inf"))
_LARGEST = 2**64


def scalar(text: str) -> object:
    """What a word without quotes is; a moment is the text that Pulumi shows for it."""
    if text in _WORDS:
        return _WORDS[text]
    if (found := _DATE.fullmatch(text)) is not None:
        return _moment(text, [int(part or 0) for part in found.groups()])
    if text[0] not in "+-.0123456789":
        return text
    plain = text.replace("_", "")
    integer = _integer(plain)
    if integer is not None or not _FLOAT.fullmatch(plain):
        return text if integer is None else integer
    number = float(plain)
    if number in _INFINITE:
        return text
    return int(number) if number.is_integer() else number


def _integer(plain: str) -> int | None:
    if (found := _INTEGER.fullmatch(plain)) is None:
        return None
    sign, base, digits, decimal = found.groups()
    try:
        value = int(decimal) if decimal else int(digits, _BASES[base.lower()])
    except ValueError:
        return None
    return None if value >= _LARGEST else -value if sign == "-" else value


def _moment(text: str, parts: list[int]) -> str:
    try:
        return f"{datetime(*cast(Any, parts), tzinfo=UTC):%Y-%m-%d %H:%M:%S} +0000 UTC"
    except ValueError:
        return text


class _Loader(SafeLoader):
    """Takes words for what Pulumi takes them for."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _TEXT if scalar(value) == value else _OTHER
        return str(super().resolve(kind, value, implicit))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


_Loader.add_constructor(_OTHER, lambda _loader, node: scalar(str(node.value)))
_Loader.add_constructor(_MERGE, lambda _loader, node: str(node.value))


def load(text: str) -> object:
    """What a file says.

    Raises:
        yaml.MarkedYAMLError: it is not YAML, or a mapping has a key twice.
    """
    for key in _repeated(yaml.compose(text, Loader=_Loader), set()):
        raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} is there twice", key.start_mark)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from the safe loader


def _repeated(node: yaml.Node | None, visited: set[int]) -> Iterator[yaml.Node]:
    """Keys that an earlier one of their mapping equals."""
    if node is None or id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, yaml.MappingNode):
        pairs = cast("list[tuple[yaml.Node, yaml.Node]]", node.value)
        keys = [str(key.value) for key, _ in pairs]
        yield from (key for place, (key, _) in enumerate(pairs) if keys[place] in keys[:place])
        for _, value in pairs:
            yield from _repeated(value, visited)
    elif isinstance(node, yaml.SequenceNode):
        for item in cast("list[yaml.Node]", node.value):
            yield from _repeated(item, visited)
