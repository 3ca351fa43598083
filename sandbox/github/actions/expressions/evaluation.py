"""Evaluating trees against contexts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.github.actions.expressions.functions import FUNCTIONS, STATUS_FUNCTIONS
from sandbox.github.actions.expressions.syntax import (
    Binary,
    Call,
    Constant,
    ExpressionError,
    Index,
    Name,
    Node,
    Not,
    parse,
)
from sandbox.github.actions.expressions.values import (
    Filtered,
    Value,
    are_equal,
    fold_case,
    is_less,
    is_truthy,
    to_number,
    to_text,
)
from sandbox.github.actions.shapes import is_list, is_mapping

Contexts = Mapping[str, Value]
"""Name of a context, in lower case → its value."""


@dataclass(frozen=True)
class Status:
    """What the status functions answer."""

    success: bool = True
    failure: bool = False
    cancelled: bool = False


def evaluate(expression: str | Node, contexts: Contexts, status: Status | None = None) -> Value:
    """The value of an expression.

    Args:
        expression: Text without `${{ }}`, or a tree.
        contexts: What may be named.
        status: What the status functions answer; without it they are an error, as in most places of a workflow.

    Raises:
        ExpressionError: it cannot be read, or names something that is not available here.
    """
    node = parse(expression) if isinstance(expression, str) else expression
    match node:
        case Constant(value):
            return value
        case Name(name):
            if name.lower() not in contexts:
                raise ExpressionError(f"Unrecognized named-value: '{name}'")
            return contexts[name.lower()]
        case Index(target, key):
            value = evaluate(target, contexts, status)
            return every(value) if key is None else lookup(value, evaluate(key, contexts, status))
        case Not(operand):
            return not is_truthy(evaluate(operand, contexts, status))
        case Binary(operator, left, right):
            return _binary(operator, left, right, contexts, status)
        case Call(name, arguments):
            return call(name, [evaluate(argument, contexts, status) for argument in arguments], status)


def _binary(operator: str, left: Node, right: Node, contexts: Contexts, status: Status | None) -> Value:
    first = evaluate(left, contexts, status)
    if operator in ("&&", "||"):
        return first if is_truthy(first) == (operator == "||") else evaluate(right, contexts, status)
    second = evaluate(right, contexts, status)
    match operator:
        case "==":
            return are_equal(first, second)
        case "!=":
            return not are_equal(first, second)
        case "<":
            return is_less(first, second)
        case ">":
            return is_less(second, first)
        case "<=":
            return is_less(first, second) or _same_order(first, second)
        case _:
            return is_less(second, first) or _same_order(first, second)


def _same_order(left: Value, right: Value) -> bool:
    return (
        are_equal(left, right)
        if isinstance(left, str) and isinstance(right, str)
        else (to_number(left) == to_number(right))
    )


def call(name: str, arguments: list[Value], status: Status | None) -> Value:
    """Calls a function by name, with values."""
    lower = name.lower()
    if lower in STATUS_FUNCTIONS and status is not None:
        answers = {
            "success": status.success and not status.cancelled,
            "failure": status.failure and not status.cancelled,
            "cancelled": status.cancelled,
            "always": True,
        }
        return answers[lower]
    if lower not in FUNCTIONS:
        raise ExpressionError(f"Unrecognized function: '{name}'")
    function, fewest, most = FUNCTIONS[lower]
    if not fewest <= len(arguments) <= most:
        few = "few" if len(arguments) < fewest else "many"
        raise ExpressionError(f"Too {few} parameters supplied: {name}({len(arguments)} given)")
    return function(*arguments)


def lookup(target: Value, key: Value) -> Value:
    """`target[key]`: null for whatever is not there; names ignore case."""
    if isinstance(target, Filtered) and not isinstance(key, (int, float)):
        found: list[Any] = [lookup(item, key) for item in target if is_mapping(item) and _key(item, key) is not None]
        return Filtered(found)
    if is_mapping(target):
        actual = _key(target, key)
        return None if actual is None else target[actual]
    if is_list(target):
        number = to_number(key)
        return target[int(number)] if 0 <= number < len(target) else None
    return None


def every(target: Value) -> Value:
    """`target.*`: all items or values."""
    if isinstance(target, Filtered):
        nested: list[Any] = [item for inner in target for item in every(inner)]
        return Filtered(nested)
    if is_mapping(target):
        return Filtered(target.values())
    return Filtered(target) if is_list(target) else Filtered()


def _key(target: dict[str, Any], key: Value) -> str | None:
    text = to_text(key)
    if text in target:
        return text
    folded = fold_case(text)
    return next((name for name in target if fold_case(name) == folded), None)
