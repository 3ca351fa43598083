"""Asks for what an entry of a stack file needs; each answer is checked as soon as it is given."""

from collections.abc import Callable
from typing import Any

import questionary

from stacks.addition import Kind, choices, problems_of
from stacks.schema import stack_schema
from stacks.stack_text import StackText

_LAST = "at the end"
_UNSET = "(leave it unset)"


def ask(
    text: StackText, kind: Kind, stack: str, answers: dict[str, str], after: str | None
) -> tuple[dict[str, str], str | None]:
    """The answers that were given, and those of a person; the second is the entry that the new one follows.

    Raises:
        KeyboardInterrupt: the person stops.
    """
    found = dict(answers)
    for name in kind.fields:
        if name in found:
            continue
        if value := _answer(text, kind, stack, found, name):
            found[name] = value
    names = text.names(kind.section)
    if kind.name == "environment" and after is None and names:
        chosen = questionary.select("after which environment is it promoted to?", [*names, _LAST], default=names[-1])
        picked = str(chosen.unsafe_ask())
        after = None if picked == _LAST else picked
    return found, after


def _answer(text: StackText, kind: Kind, stack: str, found: dict[str, str], name: str) -> str:
    message = f"{name}: {_meaning(kind, name)}"
    options = [*choices(text, kind, name), *_words(kind, name)]
    if name in kind.lists and options:
        return ",".join(questionary.checkbox(message, options).unsafe_ask())
    if options:
        unset = [] if name in kind.required else [_UNSET]
        picked = str(questionary.select(message, [*unset, *options]).unsafe_ask())
        return "" if picked == _UNSET else picked
    return str(questionary.text(message, validate=_check(text, kind, stack, found, name)).unsafe_ask()).strip()


def _check(text: StackText, kind: Kind, stack: str, found: dict[str, str], name: str) -> Callable[[str], bool | str]:
    """A check of one answer with those before it; what is still to be asked is not missed."""
    stand_ins = {one: (choices(text, kind, one) or ["x"])[0] for one in kind.required}

    def check(answer: str) -> bool | str:
        if not answer.strip():
            return True if name not in kind.required else "it is needed"
        problems = problems_of(text, kind, stack, {**stand_ins, **found, name: answer.strip()})
        about = [problem.text for problem in problems if problem.path.partition("].")[2].startswith(name)]
        about += [problem.text for problem in problems if problem.path == name]
        return about[0] if about else True

    return check


def _field(kind: Kind, name: str) -> dict[str, Any]:
    document = stack_schema()
    items = document["properties"]["config"]["properties"][f"slipway:{kind.section}"]["items"]
    definition = document["$defs"][str(items["$ref"]).rpartition("/")[2]]
    found: dict[str, Any] = definition["properties"][name]
    if "$ref" in found:
        found = {**document["$defs"][str(found["$ref"]).rpartition("/")[2]], **found}
    return found


def _meaning(kind: Kind, name: str) -> str:
    return str(_field(kind, name).get("description", "")).partition("\n")[0]


def _words(kind: Kind, name: str) -> list[str]:
    return [str(word) for word in _field(kind, name).get("enum", [])]
