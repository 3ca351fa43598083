"""YAML as Pulumi reads a stack file, which is neither as Python's reader does nor as Helm's.

To it `no` and `on` are texts, `0o17` and `1e3` are numbers, a date is a moment, and a key that is there twice an error.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import yaml

from slipway_release.yaml_scalars import Scalar, resolved

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:[Tt](?=.*(?:Z|[-+]\d\d:\d\d)$)| (?!.*Z$))(\d{1,2}):(\d{1,2}):(\d{1,2})(?:Z|([-+]\d\d):(\d\d))?)?",
    re.ASCII,
)
_TEXT, _MERGE, _OTHER = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge", "tag:slipway.dev,2026:scalar"


class DuplicateKeyError(yaml.constructor.ConstructorError):
    """A mapping has a key twice; `problem` says which."""


def scalar(text: str) -> Scalar:
    """What a word without quotes is to Pulumi; a moment is the text that Pulumi shows for it."""
    if text in _WORDS:
        return _WORDS[text]
    if (found := _MOMENT.fullmatch(text)) is not None:
        return _moment(
            text, [int(part or 0) for part in found.groups()[:6]], "".join(found.group(7, 8) if found[7] else ())
        )
    value = resolved(text)
    # Helm's reader takes more words for truth values.
    return text if isinstance(value, bool) else value


def _moment(text: str, parts: list[int], zone: str) -> str:
    try:
        return (
            f"{datetime(*cast(Any, parts), tzinfo=UTC):%Y-%m-%d %H:%M:%S} {f'{zone} {zone}' if zone else '+0000 UTC'}"
        )
    except ValueError:
        return text


class _Loader(yaml.SafeLoader):
    """Takes words for what Pulumi takes them for."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return _MERGE if value == "<<" else _TEXT if scalar(value) == value else _OTHER
        return str(super().resolve(kind, value, implicit))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


_Loader.add_constructor(_OTHER, lambda _loader, node: scalar(str(node.value)))
_Loader.add_constructor(_MERGE, lambda _loader, node: str(node.value))
for _kind in ("set", "binary", "omap", "pairs"):
    # JSON has none of them.
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", yaml.SafeLoader.construct_undefined)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def is_word(node: yaml.Node) -> bool:
    """Whether it is written without quotes and is no text to Pulumi, or another one."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _OTHER


def compose(text: str) -> yaml.Node | None:
    """The nodes of a stack file.

    Raises:
        DuplicateKeyError: a mapping has a key twice.
        yaml.YAMLError: it is not YAML.
    """
    root = yaml.compose(text, Loader=_Loader)
    _check_ends(root, frozenset(), set())
    for key, first in _repeated(root, set()):
        said = f"{key.value!r} is there twice, first in line {first.start_mark.line + 1}"
        raise DuplicateKeyError(None, None, said, key.start_mark)
    return root


def load(text: str) -> object:
    """What a stack file says, as JSON has it; raises as `compose` does."""
    root = compose(text)
    return _Loader("").construct_document(root) if root else None  # pyright: ignore[reportUnknownMemberType]


def pairs(node: yaml.Node | None) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The keys of a mapping, each with what is behind it; nothing of what is something else."""
    if isinstance(node, yaml.MappingNode):
        yield from cast("list[tuple[yaml.Node, yaml.Node]]", node.value)


def child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """What is behind a key of a mapping; None where there is none."""
    return next((value for name, value in pairs(node) if name.value == key), None)


def _check_ends(node: yaml.Node | None, around: frozenset[int], checked: set[int]) -> None:
    """Refuses an alias of what it is in."""
    if id(node) in around and node is not None:
        raise yaml.constructor.ConstructorError(None, None, "it contains itself", node.start_mark)
    if not isinstance(node, yaml.CollectionNode) or id(node) in checked:
        return
    for part in cast("list[yaml.Node | tuple[yaml.Node, yaml.Node]]", node.value):
        for one in part if isinstance(part, tuple) else (part,):
            _check_ends(one, around | {id(node)}, checked)
    checked.add(id(node))


def _repeated(node: yaml.Node | None, visited: set[int]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Keys that are there twice, each with the first one."""
    if node is None or id(node) in visited:
        return
    visited.add(id(node))
    first: dict[str, yaml.Node] = {}
    for key, value in pairs(node):
        if isinstance(key, yaml.ScalarNode) and first.setdefault(str(key.value), key) is not key:
            yield key, first[str(key.value)]
        yield from _repeated(value, visited)
    if isinstance(node, yaml.SequenceNode):
        for item in cast("list[yaml.Node]", node.value):
            yield from _repeated(item, visited)
