"""Text of an expression → tree, and tree → text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.github.actions.expressions.values import Value, number_text, parse_number, to_compact_json


class ExpressionError(Exception):
    """An expression that cannot be read or evaluated; the text says which and why."""


@dataclass(frozen=True)
class Constant:
    """A value known now."""

    value: Value


@dataclass(frozen=True)
class Name:
    """A context, such as `github`."""

    name: str


@dataclass(frozen=True)
class Index:
    """`target.key` or `target[key]`; a key of None is the object filter `*`."""

    target: "Node"
    key: "Node | None"


@dataclass(frozen=True)
class Call:
    """A function call."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """`!operand`."""

    operand: "Node"


@dataclass(frozen=True)
class Binary:
    """A comparison, `&&` or `||`."""

    operator: str
    left: "Node"
    right: "Node"


Node = Constant | Name | Index | Call | Not | Binary


class _Token(NamedTuple):
    kind: str
    text: str


_TOKENS = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>'(?:''|[^'])*')"
    r"|(?P<number>0x[0-9a-fA-F]+|0o[0-7]+|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]Infinity)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<operator>&&|\|\||==|!=|<=|>=|[()\[\].,!<>*])",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_KEYWORDS: dict[str, Value] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": float("nan"),
    "Infinity": float("inf"),
}
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="))
"""Binary operators, the loosest first."""


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    previous = ""
    while position < len(text):
        # After a dot only names follow, so that `steps.1x` fails and `.5` is a number elsewhere.
        match = _TOKENS.match(text, position)
        if match is None or (match.lastgroup == "number" and previous == "name"):
            raise ExpressionError(
                f"Unexpected symbol: '{text[position:].split(maxsplit=1)[0]}' in the expression: {text}"
            )
        position = match.end()
        if match.lastgroup == "number" and (following := re.match(r"[A-Za-z0-9_]", text[position:])):
            raise ExpressionError(f"Unexpected symbol: '{match[0]}{following[0]}' in the expression: {text}")
        if match.lastgroup != "space":
            previous = match.lastgroup or ""
            yield _Token(previous, match[0])
        else:
            previous = ""


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.position = 0

    def peek(self) -> _Token:
        return self.tokens[self.position] if self.position < len(self.tokens) else _Token("end", "")

    def take(self) -> _Token:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, operator: str) -> bool:
        if self.peek() == ("operator", operator):
            self.position += 1
            return True
        return False

    def expect(self, operator: str) -> None:
        if not self.accept(operator):
            raise self.unexpected()

    def unexpected(self) -> ExpressionError:
        token = self.peek()
        if token.kind == "end":
            return ExpressionError(f"Unexpected end of expression: {self.text}")
        return ExpressionError(f"Unexpected symbol: '{token.text}' in the expression: {self.text}")

    def whole(self) -> Node:
        node = self.binary(0)
        if self.peek().kind != "end":
            raise self.unexpected()
        return node

    def binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self.unary()
        left = self.binary(level + 1)
        while self.peek().kind == "operator" and self.peek().text in _LEVELS[level]:
            left = Binary(self.take().text, left, self.binary(level + 1))
        return left

    def unary(self) -> Node:
        return Not(self.unary()) if self.accept("!") else self.postfix(self.primary())

    def primary(self) -> Node:
        token = self.peek()
        if self.accept("("):
            node = self.binary(0)
            self.expect(")")
            return node
        if token.kind in ("end", "operator"):
            raise self.unexpected()
        self.take()
        if token.kind == "string":
            return Constant(token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Constant(parse_number(token.text))
        if self.accept("("):
            return Call(token.text, self.arguments())
        return Constant(_KEYWORDS[token.text]) if token.text in _KEYWORDS else Name(token.text)

    def arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        if self.accept(")"):
            return ()
        while True:
            found.append(self.binary(0))
            if self.accept(")"):
                return tuple(found)
            self.expect(",")

    def postfix(self, node: Node) -> Node:
        while True:
            if self.accept("."):
                if self.accept("*"):
                    node = Index(node, None)
                elif self.peek().kind == "name":
                    node = Index(node, Constant(self.take().text))
                else:
                    raise self.unexpected()
            elif self.accept("["):
                node = Index(node, None if self.accept("*") else self.binary(0))
                self.expect("]")
            else:
                return node


def parse(text: str) -> Node:
    """The tree of an expression (without `${{ }}`).

    Raises:
        ExpressionError: the text is not an expression.
    """
    if not text.strip():
        raise ExpressionError("An expression was expected")
    return _Parser(text).whole()


def unparse(node: Node) -> str:
    """An expression that reads back as this tree. Parentheses are written wherever they could matter."""
    match node:
        case Constant(value):
            return _constant(value)
        case Name(name):
            return name
        case Index(target, key):
            inner = f"({unparse(target)})" if isinstance(target, (Binary, Not)) else unparse(target)
            if key is None:
                return f"{inner}.*"
            if isinstance(key, Constant) and isinstance(key.value, str) and _NAME.fullmatch(key.value):
                return f"{inner}.{key.value}"
            return f"{inner}[{unparse(key)}]"
        case Call(name, arguments):
            return f"{name}({', '.join(map(unparse, arguments))})"
        case Not(operand):
            return f"!{_group(operand)}"
        case Binary(operator, left, right):
            return f"{_group(left)} {operator} {_group(right)}"


def _group(node: Node) -> str:
    return f"({unparse(node)})" if isinstance(node, Binary) else unparse(node)


def _constant(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, (int, float)):
        return number_text(value)
    return "fromJSON('" + to_compact_json(value).replace("'", "''") + "')"
