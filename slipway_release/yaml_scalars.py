"""What Helm, Argo CD and Kubernetes read where YAML has a word without quotes.

Their reader is Go's `sigs.k8s.io/yaml`, which keeps to neither YAML 1.1 nor 1.2: to it `y`, `1e3`, `0o17` and `089` are
no texts, and `1:30` and `2024-01-02` are. Whatever writes or judges YAML for them asks here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_INNER = re.compile(r"(?<=[0-9])_(?=[0-9])", re.ASCII)
_INFINITE = (float("inf"), float("-inf"))
_LONGEST = 70
"""More characters than any integer of 64 bits has."""


def resolved(text: str) -> Scalar:
    """What a word without quotes is: `0123` is 83, `y` is true, `1:30` is the text that it looks like."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", ""))
    if text[0] not in "+-.0123456789":
        return text
    plain = _INNER.sub("", text) if text.startswith(".") else text.replace("_", "")
    value = _integer(plain) if _INTEGER.fullmatch(plain) else None
    if value is not None:
        return value
    if _FLOAT.fullmatch(plain):
        number = float(plain)
        # A number that is too large for them is a text again.
        return text if number in _INFINITE else number
    return text


def _integer(text: str) -> int | None:
    """The value, if 64 bits hold it."""
    if len(text) > _LONGEST:
        return None
    digits = text.lstrip("+-")
    value = int(f"0o{digits[1:]}" if re.match("0[0-7]", digits) else digits, 0)
    value = -value if text.startswith("-") else value
    largest = 2**63 if text[0] in "+-" else 2**64
    return value if -(2**63) <= value < largest else None


def text_of(value: Scalar) -> str:
    """The text that a value becomes as a key, and by `toJson` in a chart."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    # All numbers are of 64 bits with a point on their way through Helm.
    number = Decimal(repr(float(value)))
    text = (
        format(number, "f") if number == 0 or Decimal("1e-6") <= abs(number) < Decimal("1e21") else str(number).lower()
    )
    return text.removesuffix(".0")


def is_plain_text(text: str) -> bool:
    """Whether a text stays itself without quotes."""
    return resolved(text) == text and isinstance(resolved(text), str)
