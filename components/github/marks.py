"""The mark of a platform in descriptions on GitHub, which says whose a repository or a team is."""

import re

_MARKED = re.compile(r"\[(slipway-\S+-[0-9a-f]+)\]$")
"""With a mark that a platform has by itself; one of a person's own may be any text."""


def marked(description: str, mark: str) -> str:
    """A description with a mark; unlike a topic it is set by the call that creates a repository."""
    return f"{description} [{mark}]"


def carries(description: str | None, mark: str) -> bool:
    """Whether a description has a mark."""
    return f"[{mark}]" in (description or "")


def other_mark(description: str | None, mark: str) -> str | None:
    """The mark of another platform that a description ends with, where that platform has it by itself."""
    found = _MARKED.search(description or "")
    return found[1] if found and found[1] != mark else None
