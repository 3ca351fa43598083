"""Values that Pulumi does not read as they are written: `1.10` is the number 1.1 to it, and a date a moment."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml

from slipway_release.yaml_scalars import text_of
from stacks.problems import NAMESPACE, Problem
from stacks.pulumi_yaml import child, is_word, pairs, scalar


def changed_values(root: yaml.Node | None, given: Mapping[str, str]) -> Iterator[Problem]:
    """Each value that the program gets otherwise than it stands in the stack file.

    Args:
        root: the stack file's nodes.
        given: the values that the program has, by key without namespace. Those of another file are left alone.
    """
    for key, node in pairs(child(root, "config")):
        name = str(key.value).removeprefix(f"{NAMESPACE}:")
        if name in given and name != key.value:
            text = given[name]
            yield from _changed(node, text if isinstance(node, yaml.ScalarNode) else _structure(text), name)


def _changed(node: yaml.Node, given: Any, path: str) -> Iterator[Problem]:
    if isinstance(node, yaml.MappingNode) and isinstance(given, dict):
        for key, value in pairs(node):
            if (name := str(key.value)) in given:
                yield from _changed(value, given[name], f"{path}.{name}")
    elif isinstance(node, yaml.SequenceNode) and isinstance(given, list):
        for index, (item, one) in enumerate(zip(node.value, cast("list[Any]", given), strict=False)):
            name = cast("dict[str, object]", one).get("name", index) if isinstance(one, dict) else index
            yield from _changed(item, one, f"{path}[{name}]")
    elif is_word(node):
        yield from _of_word(str(node.value), given, path)


def _of_word(written: str, given: object, path: str) -> Iterator[Problem]:
    value = scalar(written)
    read = text_of(value)
    # Large numbers are rounded on their way.
    is_given = given == read or (isinstance(value, float | int) and given == float(value))
    if isinstance(value, bool) or value is None or read == written or not is_given:
        return
    if isinstance(value, str):
        yield Problem(path, f"{written} without quotes is the moment {read!r} to Pulumi; put it in quotes")
    else:
        text = (
            f"{written} without quotes is the number {read} to Pulumi; put it in quotes, or write {read} if it is one"
        )
        yield Problem(path, text)


def _structure(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
