"""The built-in functions that need nothing but their arguments."""

import json
from collections.abc import Callable

from sandbox.github.actions.expressions.syntax import ExpressionError
from sandbox.github.actions.expressions.values import (
    Value,
    are_equal,
    fold_case,
    is_truthy,
    to_json,
    to_text,
)
from sandbox.github.actions.shapes import is_list, is_mapping


def contains(search: Value, item: Value) -> bool:
    """True if the text contains the text, or the array the item."""
    if is_list(search):
        return any(are_equal(element, item) for element in search)
    if is_mapping(search) or isinstance(item, (list, dict)):
        return False
    return fold_case(to_text(item)) in fold_case(to_text(search))


def starts_with(text: Value, start: Value) -> bool:
    """True if the text starts with the other, ignoring case."""
    if isinstance(text, (list, dict)) or isinstance(start, (list, dict)):
        return False
    return fold_case(to_text(text)).startswith(fold_case(to_text(start)))


def ends_with(text: Value, end: Value) -> bool:
    """True if the text ends with the other, ignoring case."""
    if isinstance(text, (list, dict)) or isinstance(end, (list, dict)):
        return False
    return fold_case(to_text(text)).endswith(fold_case(to_text(end)))


def format_text(template: Value, *replacements: Value) -> str:
    """Puts replacements at `{0}`, `{1}`, …; `{{` and `}}` stand for braces."""
    text = to_text(template)
    result: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in "{}" and text[position : position + 2] == character * 2:
            result.append(character)
            position += 2
        elif character == "{":
            end = text.find("}", position)
            number = text[position + 1 : end] if end > 0 else ""
            if not number.isdigit() or not number.isascii():
                raise ExpressionError(f"The following format string is invalid: {text}")
            if int(number) >= len(replacements):
                raise ExpressionError(
                    f"The following format string references more arguments than were supplied: {text}"
                )
            result.append(to_text(replacements[int(number)]))
            position = end + 1
        elif character == "}":
            raise ExpressionError(f"The following format string is invalid: {text}")
        else:
            result.append(character)
            position += 1
    return "".join(result)


def join(items: Value, separator: Value = ",") -> str:
    """The items of an array with a separator between them."""
    if is_list(items):
        return to_text(separator).join(to_text(item) for item in items)
    return "" if is_mapping(items) else to_text(items)


def from_json(text: Value) -> Value:
    """The value that a JSON text describes."""
    try:
        return json.loads(to_text(text))
    except ValueError as error:
        raise ExpressionError(f"Error parsing fromJson: {error}: {to_text(text)[:200]!r}") from error


def case(*arguments: Value) -> Value:
    """The value after the first condition that holds, or the last argument."""
    if len(arguments) % 2 == 0:
        raise ExpressionError("case: give pairs of a condition and a value, then one default")
    for condition, value in zip(arguments[:-1:2], arguments[1::2], strict=True):
        if is_truthy(condition):
            return value
    return arguments[-1]


FUNCTIONS: dict[str, tuple[Callable[..., Value], int, int]] = {
    "contains": (contains, 2, 2),
    "startswith": (starts_with, 2, 2),
    "endswith": (ends_with, 2, 2),
    "format": (format_text, 1, 255),
    "join": (join, 1, 2),
    "tojson": (to_json, 1, 1),
    "fromjson": (from_json, 1, 1),
    "case": (case, 3, 255),
}
"""Lower-case name → function, fewest and most arguments."""

STATUS_FUNCTIONS = frozenset({"success", "failure", "always", "cancelled"})
