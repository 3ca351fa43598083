"""Values of expressions, and how they are compared and converted.

GitHub's numbers are IEEE doubles; text is compared without regard to case; arrays and objects are equal only to
themselves. https://docs.github.com/actions/reference/workflows-and-actions/expressions#operators
"""

import json
import math
import re
from typing import Any

from sandbox.github.actions.shapes import is_list, is_mapping

Value = Any
"""None, bool, int, float, str, list or dict: what JSON can say."""

_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z", re.ASCII)


class Filtered(list[Any]):
    """What an object filter `.*` yields: further property access goes to each item."""


def is_truthy(value: Value) -> bool:
    """False for null, false, 0, NaN and the empty text; true for anything else, empty arrays and objects included."""
    if isinstance(value, float) and math.isnan(value):
        return False
    if isinstance(value, (list, dict)):
        return True
    return bool(value)


def parse_number(text: str) -> float | None:
    """A number as the language writes it; None if the text is not a number."""
    if _HEXADECIMAL.match(text):
        return float(int(text, 16))
    if _OCTAL.match(text):
        return float(int(text, 8))
    if _DECIMAL.match(text):
        return float(text)
    return {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}.get(text)


def to_number(value: Value) -> float:
    """The number that a comparison sees; NaN for what is not a number."""
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    if isinstance(value, str):
        stripped = value.strip()
        if not stripped:
            return 0.0
        parsed = parse_number(stripped)
        return math.nan if parsed is None else parsed
    return math.nan


def to_text(value: Value) -> str:
    """The text that a template inserts."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, str):
        return value
    return "Array" if is_list(value) else "Object"


def number_text(number: float) -> str:
    """A number with at most 15 digits, as .NET's `G15` writes it."""
    if isinstance(number, float) and not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if float(number).is_integer() and abs(number) < 1e15:
        return str(int(number))
    text = f"{number:.15g}"
    return re.sub(r"e([-+])0*(\d)", r"E\1\2", text) if "e" in text else text


def to_json(value: Value) -> str:
    """What `toJSON` answers: two spaces of indentation, whole numbers without a fraction."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def to_compact_json(value: Value) -> str:
    """The same value on one line, in ASCII."""
    return json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: Value) -> Value:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if is_list(value):
        return [_plain(item) for item in value]
    if is_mapping(value):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def are_equal(left: Value, right: Value) -> bool:
    """`==`."""
    if isinstance(left, str) and isinstance(right, str):
        return fold_case(left) == fold_case(right)
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left is right
    if left is None and right is None:
        return True
    # NaN is not equal to itself, which Python's floats say as well.
    return to_number(left) == to_number(right)


def is_less(left: Value, right: Value) -> bool:
    """`<`."""
    if isinstance(left, str) and isinstance(right, str):
        return fold_case(left) < fold_case(right)
    return to_number(left) < to_number(right)


def fold_case(text: str) -> str:
    """Text as comparisons see it: ordinal, ignoring case, which .NET does by upper-casing single characters."""
    return "".join(upper if len(upper := character.upper()) == 1 else character for character in text)
