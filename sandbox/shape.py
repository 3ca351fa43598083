"""Reading into JSON documents whose shape somebody else decides."""

from typing import Any, cast

Json = dict[str, Any]


def at(document: object, *path: str | int) -> Any:
    """The value at a path; None as soon as the path ends early."""
    value: Any = document
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def fields(document: object, *path: str | int) -> Json:
    """The mapping at a path; empty if there is none."""
    value = at(document, *path)
    return cast("Json", value) if isinstance(value, dict) else {}


def items(document: object, *path: str | int) -> list[Json]:
    """The list of mappings at a path; empty if there is none."""
    value = at(document, *path)
    return cast("list[Json]", value) if isinstance(value, list) else []


def number(document: object, *path: str | int) -> int:
    """The number at a path; 0 if there is none."""
    value = at(document, *path)
    return value if isinstance(value, int) else 0
