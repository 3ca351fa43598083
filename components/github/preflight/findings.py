"""What a check finds: problems, which stop before the first write, and advice, which does not."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Self

from components.github.errors import GitHubError

PARALLEL = 16
REFUSALS = frozenset({403, 404})
"""Answers to a question that the credential may not ask, or that this GitHub does not know."""

Check = Callable[[], Iterable[str]]


class Advice(str):
    """Something that a person wants to know and that does not stop anything."""

    __slots__ = ()


class Adoptable(str):
    """Something that exists already; the stack could take it over."""

    __slots__ = ("entry",)

    entry: str
    """What `slipway:adopt` calls it."""

    def __new__(cls, text: str, entry: str) -> Self:
        made = super().__new__(cls, text)
        made.entry = entry
        return made


@dataclass
class Findings:
    """All that was found, in the order in which a person would mend it."""

    problems: list[str] = field(default_factory=list[str])
    advice: list[str] = field(default_factory=list[str])

    @property
    def adoptable(self) -> list[str]:
        """What `slipway:adopt` has to name for all that exists already."""
        return [problem.entry for problem in self.problems if isinstance(problem, Adoptable)]

    def add(self, found: Iterable[str]) -> None:
        """Takes what a check found."""
        for text in found:
            (self.advice if isinstance(text, Advice) else self.problems).append(text)


def later(check: Callable[..., Iterator[str]], *arguments: object) -> Check:
    """A check that is made when it is called."""
    return lambda: check(*arguments)


def side_by_side(checks: Iterable[Check]) -> Iterator[str]:
    """What the checks find, in their order; a refusal of GitHub is a finding."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        for found in pool.map(_collected, checks):
            yield from found


def _collected(check: Check) -> list[str]:
    try:
        return list(check())
    except GitHubError as error:
        return [str(error)]
