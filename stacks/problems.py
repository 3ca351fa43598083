"""What is wrong with a stack file, in words: every problem with its path, all of them at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pulumi

NAMESPACE = "slipway"
"""What stands before the keys of a stack that are ours."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong."""

    path: str
    """Where, such as `environments[production].requires[0]`."""
    text: str
    """What is wrong; what is allowed."""
    line: int | None = None
    """The line of the stack file, counted from 1, if it stands there."""

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        return _line(f"{place}{self.path}: {self.text}")


def _line(text: str) -> str:
    """The text on one line, without what a terminal would take for an order; names and values may hold anything."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class SettingsError(pulumi.RunError):
    """All that is wrong with the settings of a stack; Pulumi prints it without a traceback."""

    def __init__(self, stack: str, problems: Sequence[Problem]) -> None:
        self.stack: str = stack
        self.problems: tuple[Problem, ...] = tuple(problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        lines = [f"stacks/Pulumi.{stack}.yaml: {count}; nothing was changed", *(f"  {problem}" for problem in problems)]
        super().__init__("\n".join(lines))


def listed(words: Iterable[str]) -> str:
    """The words that are allowed, for the end of a problem."""
    return ", ".join(words) or "none yet"
