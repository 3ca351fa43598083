"""Answers to the questions of a template, as a person types them: `python=3.13,size=3`."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from manifests.model import Template
from stacks.reading import Reader
from stacks.stack_text import StackText
from stacks.template_checks import known_templates

Question = Mapping[str, Any]

_NEXT = re.compile(r",(?=\s*\w+\s*=)")
"""The comma before the next answer; any other is part of an answer."""
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_STRUCTURED = frozenset({"yaml", "json"})


class AnswerError(ValueError):
    """What is wrong with the text; what to write."""


def questions_of(text: StackText, template: str) -> Mapping[str, Question]:
    """The questions of a template that a stack file may name; none where there is no such template."""
    found = known_templates(Reader(text.texts()).many("templates", Template))[0].get(template)
    return found.questions if found else {}


def read_answers(text: str, questions: Mapping[str, Question]) -> dict[str, Any]:
    """The answers by question, each of the question's type; whether they fit is for Copier to say.

    Raises:
        AnswerError: the text is not a list of answers.
    """
    found: dict[str, Any] = {}
    for part in _NEXT.split(text):
        name, sign, value = (one.strip() for one in part.partition("="))
        if not sign or not name:
            raise AnswerError(f"{part.strip()!r} is not an answer; write question=answer, with commas between several")
        if name in found:
            raise AnswerError(f"{name!r} is answered twice; answer it once")
        found[name] = typed(value, questions.get(name, {}))
    return found


def type_of(question: Question) -> str:
    """Copier's word for what a question takes."""
    return str(question.get("type") or type(question.get("default")).__name__)


def typed(value: str, question: Question) -> Any:
    """The answer as the settings hold it; one that does not fit stays text, for the message."""
    kind = type_of(question)
    if question.get("multiselect") or kind in _STRUCTURED:
        try:
            return yaml.safe_load(value)
        except yaml.YAMLError:
            return value
    if kind == "bool":
        return _TRUTHS.get(value.lower(), value)
    for name, number in (("int", int), ("float", float)):
        if kind == name:
            try:
                return number(value)
            except ValueError:
                return value
    return value
