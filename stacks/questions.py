"""Asks for what an entry of a stack file needs; each answer is checked as soon as it is given."""

from collections.abc import Callable
from typing import Any

import questionary

from stacks.addition import ANSWERS, Kind, asking, choices, problems_of
from stacks.schema import stack_schema
from stacks.stack_text import StackText
from templates.copier_runs import asked
from templates.starting_files import without_defaults

_LAST = "at the end"
_UNSET = "(leave it unset)"

Answered = dict[str, Any]
"""Answers by field; those to a template's questions are a mapping."""


def ask(text: StackText, kind: Kind, stack: str, answers: Answered, after: str | None) -> tuple[Answered, str | None]:
    """The answers that were given, and those of a person; the second is the entry that the new one follows.

    Raises:
        TemplateProblem: the template does not render.
        KeyboardInterrupt: the person stops.
    """
    found: Answered = dict(answers)
    for name in kind.fields:
        if name in found:
            continue
        answer = _to_template(text, kind, stack, found) if name == ANSWERS else _answer(text, kind, stack, found, name)
        if answer:
            found[name] = answer
    names = text.names(kind.section)
    if kind.name == "environment" and after is None and names:
        chosen = questionary.select("after which environment is it promoted to?", [*names, _LAST], default=names[-1])
        picked = str(chosen.unsafe_ask())
        after = None if picked == _LAST else picked
    return found, after


def _answer(text: StackText, kind: Kind, stack: str, found: Answered, name: str) -> str:
    message = f"{name}: {_meaning(kind, name)}"
    options = [*choices(text, kind, name), *_words(kind, name)]
    if name in kind.lists and options:
        return ",".join(questionary.checkbox(message, options).unsafe_ask())
    if options:
        unset = [] if name in kind.required else [_UNSET]
        picked = str(questionary.select(message, [*unset, *options]).unsafe_ask())
        return "" if picked == _UNSET else picked
    return str(questionary.text(message, validate=_check(text, kind, stack, found, name)).unsafe_ask()).strip()


def _check(text: StackText, kind: Kind, stack: str, found: Answered, name: str) -> Callable[[str], bool | str]:
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


def _to_template(text: StackText, kind: Kind, stack: str, found: Answered) -> dict[str, Any]:
    """Answers to the questions of the template, as Copier asks them, without those that are its defaults anyway."""
    template, variables = asking(text, kind, stack, found) or (None, {})
    if template is None:
        questionary.print("The questions of the template keep their defaults: other settings of the file are wrong.")
        return {}
    if not template.questions:
        return {}
    return without_defaults(template, asked(template, {}, variables), variables)
