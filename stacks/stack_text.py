"""The text of a stack file: where each setting is in it, and how an entry is added without touching the rest."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

import yaml

from manifests.yaml_text import document
from stacks.problems import NAMESPACE, Problem
from stacks.pulumi_yaml import DuplicateKeyError, child, compose, load, pairs
from stacks.written import changed_values

_TOKENS = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
_ENCRYPTED = "https://encrypted.invalid/"
"""What stands for an encrypted value: a text, and a URL where one is wanted."""


class StackTextError(ValueError):
    """The text is not a stack file, or an entry cannot be added to it; says what to do."""


def unreadable(error: StackTextError | OSError | UnicodeDecodeError) -> str:
    """Why a stack file cannot be read, and what to do."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8; save it as such"
    return (isinstance(error, OSError) and error.strerror) or str(error)


class StackText:
    """The text of one stack file."""

    def __init__(self, text: str) -> None:
        """Reads it.

        Raises:
            StackTextError: it is not YAML, or has no `config`.
        """
        self.text: str = text
        try:
            self._root: yaml.Node | None = compose(text)
            loaded = load(text)
        except DuplicateKeyError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 0
            raise StackTextError(f"line {line}: {error.problem}; remove one") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            place = f"line {mark.line + 1}: " if isinstance(mark, yaml.Mark) else ""
            raise StackTextError(f"{place}it cannot be read as YAML; mend it first") from None
        config = cast(dict[str, object], loaded).get("config") if isinstance(loaded, dict) else None
        if not isinstance(config, dict) or not config:
            raise StackTextError("it has no `config`; copy stacks/Pulumi.example.yaml")
        self._config: dict[str, object] = {str(key): value for key, value in cast(dict[object, object], config).items()}

    def texts(self) -> dict[str, str]:
        """The values of our settings by key without namespace, as Pulumi gives them; encrypted ones are veiled."""
        shown = {
            key.partition(":")[2]: _veiled(value)
            for key, value in self._config.items()
            if key.startswith(f"{NAMESPACE}:")
        }
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in shown.items()}

    def changed(self, given: Mapping[str, str]) -> list[Problem]:
        """What the program gets otherwise than it is written here; `given` is what it gets, by key."""
        return list(changed_values(self._root, given))

    def line(self, path: str) -> int | None:
        """The line, counted from 1, of a setting such as `environments[dev].sync`, or of the nearest part around it.

        None where nothing of it is written in the file.
        """
        here, found = child(self._root, "config"), None
        for index, token in enumerate(name or number for name, number in _TOKENS.findall(path)):
            key = f"{NAMESPACE}:{token}" if index == 0 else token
            step = _step(here, key)
            if step is None:
                break
            found, here = step
        return found

    def located(self, problem: Problem) -> Problem:
        """The problem with its line."""
        return Problem(problem.path, problem.text, self.line(problem.path))

    def names(self, section: str) -> list[str]:
        """The names of a list's items."""
        items = self._config.get(f"{NAMESPACE}:{section}")
        found = cast(list[object], items) if isinstance(items, list) else []
        return [
            str(cast(dict[str, object], item)["name"]) for item in found if isinstance(item, dict) and "name" in item
        ]

    def with_item(self, section: str, item: Mapping[str, Any], after: str | None = None) -> "StackText":
        """The text with one more item in a list; every other line stays as it is.

        Args:
            section: the list, such as `services`.
            item: what is added.
            after: the name of the item that it follows. None: the last one.

        Raises:
            StackTextError: the list is written in a way that has no room for a line.
        """
        key = f"{NAMESPACE}:{section}"
        lines = self.text.splitlines(keepends=True)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        config = cast(yaml.MappingNode, child(self._root, "config"))
        if config.flow_style:
            raise StackTextError("`config` is written in braces; write it as lines, one setting each")
        listed = child(config, key)
        if not isinstance(listed, yaml.SequenceNode) or not listed.value:
            pair = next((pair for pair in config.value if pair[0].value == key), None)
            column = config.value[0][0].start_mark.column
            added = [f"{' ' * column}{key}:\n", *_item_lines(item, column + 2)]
            if pair is None:
                place = _last_line(config, lines) + 1
                lines[place:place] = added
            else:
                lines[pair[0].start_mark.line : _last_line(pair[1], lines) + 1] = added
            return self._grown("".join(lines), section, item)
        if listed.flow_style:
            text = f"{section}: the list is written in brackets; write it with one dash an item"
            raise StackTextError(f"line {listed.start_mark.line + 1}: {text}")
        items = cast(list[yaml.Node], listed.value)
        names = [_scalar(child(node, "name")) for node in items]
        previous = items[names.index(after)] if after in names else items[-1]
        column = listed.start_mark.column
        place = _last_line(previous, lines) + 1
        while place < len(lines) and lines[place].lstrip().startswith("#") and _indent(lines[place]) > column:
            place += 1
        lines[place:place] = _item_lines(item, column)
        return self._grown("".join(lines), section, item)

    def _grown(self, text: str, section: str, item: Mapping[str, Any]) -> "StackText":
        """What has become of the text, if it says what it said and the item."""
        grown = StackText(text)
        key = f"{NAMESPACE}:{section}"
        old, new = (cast(list[object], stack._config.get(key) or []) for stack in (self, grown))  # noqa: SLF001 - its own
        rest, others = ({name: stack._config[name] for name in stack._config if name != key} for stack in (self, grown))  # noqa: SLF001
        if rest != others or [one for one in new if one != item] != old or len(new) != len(old) + 1:
            raise StackTextError(f"{section}: the file is written in an unusual way; add the entry by hand")
        return grown


def _item_lines(item: Mapping[str, Any], column: int) -> list[str]:
    first, *rest = document(dict(item)).splitlines(keepends=True)
    return [f"{' ' * column}- {first}", *(f"{' ' * column}  {line}" for line in rest)]


def _step(node: yaml.Node | None, key: str) -> tuple[int, yaml.Node] | None:
    """The line and the node of something below a node: of a key, or of an item by its name or index."""
    for name, value in pairs(node):
        if name.value == key:
            return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode):
        items = cast(list[yaml.Node], node.value)
        for index, item in enumerate(items):
            if _scalar(child(item, "name")) == key or (key.isdigit() and int(key) == index):
                return item.start_mark.line + 1, item
    return None


def _scalar(node: yaml.Node | None) -> str | None:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else None


def _last_line(node: yaml.Node, lines: list[str]) -> int:
    """The last line, counted from 0, that belongs to a node; marks at its end may stand behind comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        parts = [*pairs(node)] if isinstance(node, yaml.MappingNode) else cast(list[yaml.Node], node.value)
        if parts:
            last = parts[-1]
            # The node of an alias is the one that it names, which stands earlier: its key tells the line.
            key, value = last if isinstance(last, tuple) else (last, last)
            return max(key.start_mark.line, _last_line(value, lines))
    line = node.end_mark.line - (1 if node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line else 0)
    while line > node.start_mark.line and not lines[line].strip():
        line -= 1
    return line


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _veiled(value: object) -> object:
    if isinstance(value, dict):
        found = cast(dict[object, object], value)
        return _ENCRYPTED if set(found) == {"secure"} else {str(key): _veiled(one) for key, one in found.items()}
    return [_veiled(one) for one in cast(list[object], value)] if isinstance(value, list) else value
