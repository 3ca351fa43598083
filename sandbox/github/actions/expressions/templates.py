"""Text with `${{ }}` in it: evaluating it now, or folding in what is known and leaving the rest to `act`."""

from collections.abc import Iterator
from typing import Any

from sandbox.github.actions.expressions.evaluation import Contexts, Status, call, evaluate, every, lookup
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
    unparse,
)
from sandbox.github.actions.expressions.values import Value, is_truthy, to_text
from sandbox.github.actions.shapes import is_list, is_mapping

OPEN, CLOSE = "${{", "}}"


class Partial(dict[str, Any]):
    """A context of which only these properties are known; others stay expressions."""


def split(text: str) -> Iterator[tuple[bool, str]]:
    """Parts of a text in order: (True, expression) or (False, literal)."""
    position = 0
    while (start := text.find(OPEN, position)) >= 0:
        if start > position:
            yield False, text[position:start]
        end = _end(text, start + len(OPEN))
        yield True, text[start + len(OPEN) : end]
        position = end + len(CLOSE)
    if position < len(text):
        yield False, text[position:]


def _end(text: str, position: int) -> int:
    quoted = False
    while position < len(text):
        if text[position] == "'":
            quoted = not quoted
        elif not quoted and text.startswith(CLOSE, position):
            return position
        position += 1
    raise ExpressionError(f"The expression is not closed: {text[:200]}")


def evaluate_template(value: Value, contexts: Contexts, status: Status | None = None) -> Value:
    """A value of a workflow with all expressions in it evaluated.

    A text that is one expression and nothing else keeps the expression's type.
    """
    if isinstance(value, str):
        if OPEN not in value:
            return value
        parts = list(split(value.strip()))
        if len(parts) == 1:
            return evaluate(parts[0][1], contexts, status)
        texts = (evaluate(part, contexts, status) if dynamic else part for dynamic, part in split(value))
        return "".join(to_text(text) for text in texts)
    if is_mapping(value):
        return {
            to_text(evaluate_template(key, contexts, status)): evaluate_template(item, contexts, status)
            for key, item in value.items()
        }
    if is_list(value):
        return [evaluate_template(item, contexts, status) for item in value]
    return value


def _condition(value: Value) -> Node:
    """The tree of an `if`, which may be written with or without `${{ }}`."""
    if not isinstance(value, str):
        return Constant(value)
    text = value.strip()
    if OPEN not in text:
        return parse(text) if text else Constant(True)
    parts = list(split(text))
    if len(parts) == 1:
        return parse(parts[0][1])
    # Text around an expression makes the whole a text, which is true; GitHub warns about it and does the same.
    arguments: list[Node] = []
    template = ""
    for dynamic, part in parts:
        if dynamic:
            template += f"{{{len(arguments)}}}"
            arguments.append(parse(part))
        else:
            template += part.replace("{", "{{").replace("}", "}}")
    return Call("format", (Constant(template), *arguments))


def evaluate_condition(value: Value, contexts: Contexts, status: Status) -> bool:
    """Whether an `if` holds. Without a status function in it, `success()` must hold as well."""
    node = _condition(True if value is None else value)
    if not uses_status(node) and not call("success", [], status):
        return False
    return is_truthy(evaluate(node, contexts, status))


def uses_status(node: Node) -> bool:
    """True if a status function is called anywhere in the tree."""
    match node:
        case Call(name, arguments):
            return name.lower() in STATUS_FUNCTIONS or any(map(uses_status, arguments))
        case Not(operand):
            return uses_status(operand)
        case Binary(_, left, right):
            return uses_status(left) or uses_status(right)
        case Index(target, key):
            return uses_status(target) or (key is not None and uses_status(key))
        case _:
            return False


def fold(value: Value, known: Contexts) -> Value:
    """The same part of a workflow with everything that `known` decides replaced by constants.

    What is left is for `act`. A constant is still written as an expression, so that text from outside that looks like
    an expression is not evaluated: `${{ inputs.title }}` becomes `${{ 'It''s ${{ mine }}' }}`.
    """
    if isinstance(value, str):
        if OPEN not in value:
            return value
        return "".join(
            f"{OPEN} {unparse(fold_node(parse(part), known))} {CLOSE}" if dynamic else part
            for dynamic, part in split(value)
        )
    if is_mapping(value):
        return {key: fold(item, known) for key, item in value.items()}
    if is_list(value):
        return [fold(item, known) for item in value]
    return value


def fold_condition(value: Value, known: Contexts) -> str:
    """A step's `if` with everything that `known` decides replaced."""
    return f"{OPEN} {unparse(fold_node(_condition(value), known))} {CLOSE}"


def quote(text: str) -> str:
    """An expression in `${{ }}` whose value is this text."""
    return f"{OPEN} {unparse(Constant(text))} {CLOSE}"


def fold_node(node: Node, known: Contexts) -> Node:
    """A tree with all parts that are known replaced by constants."""
    match node:
        case Name(name):
            value = known.get(name.lower(), node)
            return node if value is node or isinstance(value, Partial) else Constant(value)
        case Index(target, key):
            return _fold_index(target, None if key is None else fold_node(key, known), known)
        case Not(operand):
            folded = fold_node(operand, known)
            return Constant(not is_truthy(folded.value)) if isinstance(folded, Constant) else Not(folded)
        case Binary(operator, left, right):
            folded = Binary(operator, fold_node(left, known), fold_node(right, known))
            both = isinstance(folded.left, Constant) and isinstance(folded.right, Constant)
            return Constant(evaluate(folded, {})) if both else folded
        case Call(name, arguments):
            return _fold_call(name, [fold_node(argument, known) for argument in arguments])
        case _:
            return node


def _fold_index(target: Node, key: Node | None, known: Contexts) -> Node:
    partial = known.get(target.name.lower()) if isinstance(target, Name) else None
    if isinstance(partial, Partial):
        if isinstance(key, Constant) and isinstance(key.value, str) and key.value.lower() in partial:
            return Constant(partial[key.value.lower()])
        return Index(target, key)
    target = fold_node(target, known)
    if isinstance(target, Constant) and (key is None or isinstance(key, Constant)):
        value: Any = every(target.value) if key is None else lookup(target.value, key.value)
        return Constant(value)
    return Index(target, key)


def _fold_call(name: str, arguments: list[Node]) -> Node:
    if name.lower() in FUNCTIONS:
        values = [argument.value for argument in arguments if isinstance(argument, Constant)]
        if len(values) == len(arguments):
            return Constant(call(name, values, None))
    return Call(name, tuple(arguments))
