"""How a preview reads what the engine writes, and writes names."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

Json = Mapping[str, Any]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine writes for a text that it does not know before something is made."""


def at(node: object, *path: str) -> Any:
    """What a document has at a path; None where it has nothing."""
    for key in path:
        node = cast(Json, node).get(key) if isinstance(node, Mapping) else None
    return node


def some(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def code(value: object) -> str:
    """A name as code: it cannot be a mention, a link or markup."""
    if value == UNKNOWN:
        return "(known once it is made)"
    text = " ".join(str(value).replace("`", "'").split())
    return f"`{text[:200]}`"
