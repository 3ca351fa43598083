"""YAML as Helm and Argo CD read it, with every mistake named by its line. What they drop without a word is one too."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, cast

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from slipway_release.yaml_scalars import Scalar, resolved, text_of

Place: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys of mappings and positions in lists, from the top."""

_DEEPEST = 100
_MOST_REPEATED = 100_000
"""Values that aliases may stand for: a few lines of them can mean millions."""

# The C parser is the one that Go's was made from, and it is fast; a PyYAML without libyaml has none.
_Base = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
_STANDARD = "tag:yaml.org,2002:"
_PLAIN = "plain"
_CONTROL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
_DATE = re.compile(r"[0-9]{4}-([0-9]{2})-([0-9]{2})")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "null": (type(None),)}
_LARGEST_KEY = 2**63
_REASONS = {
    "mapping values are not allowed": "a colon and a blank inside of a text; put the text into quotes",
    "could not find expected ':'": "a line without a colon where a key must stand; indent it, or quote the text",
    "did not find expected key": "not at the indentation of the lines above",
    "unexpected end of stream": "ends inside of a quoted text",
    "did not find expected '-' indicator": "not at the indentation of the list above",
    "did not find expected <document start>": "more behind `...`, which ends a document; remove that line",
}


@dataclass(frozen=True, order=True)
class Mistake:
    """What is wrong, and in which line (from 1)."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True)
class Changed:
    """A word without quotes that is read as something else than it says, such as `1.10`, `on` or `0123`."""

    place: Place
    line: int
    source: str
    value: str
    """As a chart writes it into a text."""
    is_key: bool = False


@dataclass
class Reading:
    """What a text holds."""

    documents: list[object] = field(default_factory=list[object])
    lines: list[int] = field(default_factory=list[int])
    """In which line each document starts."""
    mistakes: list[Mistake] = field(default_factory=list[Mistake])
    changed: list[Changed] = field(default_factory=list[Changed])


class _TooMuchError(Exception):
    pass


def read(text: str) -> Reading:
    """Read a text to its end, or to the first mistake that makes the rest unreadable. It raises nothing."""
    reading = Reading()
    unreadable = _CONTROL.search(text) or _CONFLICT.search(text)
    if unreadable:
        found = unreadable.group()
        conflict = "a merge conflict is left here; resolve it"
        reason = conflict if len(found) > 1 else f"the character U+{ord(found):04X}, which YAML does not take"
        return Reading(mistakes=[Mistake(text.count("\n", 0, unreadable.start()) + 1, reason)])
    builder = _Builder(reading)
    try:
        for node, line in _nodes(text):
            # What cannot be read is not there, and neither is its line.
            reading.documents.append(builder.value(node, ()))
            reading.lines.append(line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reading.mistakes.append(Mistake(mark.line + 1 if mark else 1, _reason(error, text)))
    except (yaml.YAMLError, _TooMuchError) as error:
        reading.mistakes.append(Mistake(1, str(error)))
    reading.mistakes = sorted(set(reading.mistakes))
    return reading


def _nodes(text: str) -> Iterator[tuple[Node, int]]:
    """The documents, and in which line each starts. PyYAML's composer has no end of depth and takes no anchor twice."""
    events = yaml.parse(text, _Base)
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            mark = cast("yaml.Mark", event.start_mark)
            if event.version not in (None, (1, 1)):
                reason = "`%YAML` with a version that Helm and Argo CD do not read; remove that line"
                raise yaml.MarkedYAMLError(problem=reason, problem_mark=mark)
            yield _node(next(events), events, {}, 0), mark.line + 1


def _node(event: yaml.Event, events: Iterator[yaml.Event], anchors: dict[str, Node], depth: int) -> Node:
    mark = cast("yaml.Mark | None", event.start_mark)
    if depth > _DEEPEST:
        raise yaml.MarkedYAMLError(problem=f"nested more than {_DEEPEST} levels deep", problem_mark=mark)
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise yaml.MarkedYAMLError(problem=f"*{event.anchor} has no anchor above it", problem_mark=mark)
        return anchors[event.anchor]
    if isinstance(event, yaml.ScalarEvent):
        tag = event.tag or (_PLAIN if event.implicit[0] else f"{_STANDARD}str")
        return _anchored(ScalarNode(tag, event.value, mark), event, anchors)
    if isinstance(event, yaml.SequenceStartEvent):
        sequence = _anchored(SequenceNode(f"{_STANDARD}seq", [], mark), event, anchors)
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            _children(sequence).append(_node(event, events, anchors, depth + 1))
        return sequence
    mapping = _anchored(MappingNode(f"{_STANDARD}map", [], mark), event, anchors)
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _node(event, events, anchors, depth + 1)
        _pairs(mapping).append((key, _node(next(events), events, anchors, depth + 1)))
    return mapping


_NodeType = TypeVar("_NodeType", bound=Node)


def _anchored(node: _NodeType, event: yaml.Event, anchors: dict[str, Node]) -> _NodeType:
    anchor = cast("str | None", getattr(event, "anchor", None))
    if anchor is not None:
        anchors[anchor] = node
    return node


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _reason(error: yaml.MarkedYAMLError, text: str) -> str:
    """The parser's words, in those of somebody who edits a file."""
    problem, mark = error.problem or str(error), error.problem_mark
    if "cannot start any token" in problem and mark:
        lines = text.splitlines()
        found = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
        return "a tab; YAML is indented with blanks" if found == "\t" else f"a text that starts with {found}; quote it"
    return next((reason for words, reason in _REASONS.items() if words in problem), problem)


class _Builder:
    """Turns nodes into values, by the rules of Go's reader."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._within: set[int] = set()
        self._seen: set[int] = set()
        self._repeated = 0

    def value(self, node: Node, place: Place) -> object:
        if id(node) in self._within:
            self._mistake(node, "an alias of the value that contains it; it would have no end")
            return None
        self._repeated += id(node) in self._seen
        if self._repeated > _MOST_REPEATED:
            raise _TooMuchError(f"its aliases stand for more than {_MOST_REPEATED} values; write out what is meant")
        self._seen.add(id(node))
        self._within.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, place)
            if isinstance(node, SequenceNode):
                return [self.value(item, (*place, index)) for index, item in enumerate(_children(node))]
            return self._scalar(cast("ScalarNode", node), place)
        finally:
            self._within.discard(id(node))

    def _mistake(self, node: Node, text: str) -> None:
        self._reading.mistakes.append(Mistake(_line(node), text))

    def _mapping(self, node: MappingNode, place: Place) -> dict[str, object]:
        found: dict[str, object] = {}
        own: set[str] = set()
        for key_node, value_node in _pairs(node):
            if key_node.tag in {_PLAIN, f"{_STANDARD}merge"} and key_node.value == "<<":
                merged = self._merged(value_node, place)
                late = [key for key in merged if key in own and merged[key] != found[key]]
                if late:
                    text = f"`<<` stands below {late[0]!r}, and Helm takes what is merged; put `<<` first"
                    self._mistake(key_node, text)
                found |= merged
                continue
            key = self._key(key_node, place)
            if key is None:
                continue
            if key in own:
                self._mistake(key_node, f"key {key!r} is there twice")
            own.add(key)
            found[key] = self.value(value_node, (*place, key))
        return found

    def _merged(self, node: Node, place: Place) -> dict[str, object]:
        parts = list(reversed(_children(node))) if isinstance(node, SequenceNode) else [node]
        merged: dict[str, object] = {}
        for part in parts:
            if isinstance(part, MappingNode):
                merged |= cast("dict[str, object]", self.value(part, place) or {})
            else:
                self._mistake(part, "`<<` takes an alias of a mapping, or a list of them")
        return merged

    def _key(self, node: Node, place: Place) -> str | None:
        if not isinstance(node, ScalarNode):
            what = "mapping" if isinstance(node, MappingNode) else "list"
            self._mistake(node, f"a {what} where a key must stand; put a text that starts with {{{{ or [ into quotes")
            return None
        value = self._meaning(node)
        if value is None or (isinstance(value, int) and value >= _LARGEST_KEY):
            self._mistake(node, "a key is missing here, or is not text; quote it")
            return None
        key = text_of(value)
        if not isinstance(value, str) and key != node.value:
            self._reading.changed.append(Changed((*place, key), _line(node), str(node.value), key, is_key=True))
        return key

    def _scalar(self, node: ScalarNode, place: Place) -> Scalar:
        value = self._meaning(node)
        if not (value is None or isinstance(value, str)) and text_of(value) != node.value:
            self._reading.changed.append(Changed(place, _line(node), str(node.value), text_of(value)))
        return value

    def _meaning(self, node: ScalarNode) -> Scalar:
        text, kind = str(node.value), str(node.tag).removeprefix(_STANDARD)
        if kind == "binary":
            return self._binary(node, text)
        if kind != _PLAIN and kind not in _TYPES:
            return text
        value = resolved(text)
        if kind in _TYPES and not isinstance(value, _TYPES[kind]):
            self._mistake(node, f"{text!r} is not of the type {kind}")
            return None
        if isinstance(value, float) and not abs(value) < float("inf"):
            self._mistake(node, f"{text} is not a number that Helm takes; quote it")
            return None
        if isinstance(value, str) and (date := _DATE.fullmatch(value)) and not _is_day(int(date[1]), int(date[2])):
            self._mistake(node, f"{text} looks like a date, but there is no such day; quote it if it is not a date")
        return value

    def _binary(self, node: Node, text: str) -> str:
        try:
            return base64.b64decode("".join(text.splitlines()), validate=True).decode("utf-8", errors="replace")
        except (binascii.Error, ValueError):
            self._mistake(node, "!!binary without valid base64")
            return ""


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= len(_DAYS) and 1 <= day <= _DAYS[month - 1]


def _children(node: SequenceNode) -> list[Node]:
    return cast("list[Node]", node.value)


def _pairs(node: MappingNode) -> list[tuple[Node, Node]]:
    return cast("list[tuple[Node, Node]]", node.value)
