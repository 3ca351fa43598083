"""Answers to the questions of a template, as a person types them: `python=3.13,size=3`."""

import re

_NEXT = re.compile(r",(?=\s*\w+\s*=)")
"""The comma before the next answer; any other is part of an answer."""


class AnswerError(ValueError):
    """What is wrong with the text; what to write."""


def read_answers(text: str) -> dict[str, str]:
    """The answers by question, as they are typed.

    Raises:
        AnswerError: the text is not a list of answers.
    """
    found: dict[str, str] = {}
    for part in _NEXT.split(text):
        name, sign, value = (one.strip() for one in part.partition("="))
        if not sign or not name:
            raise AnswerError(f"{part.strip()!r} is not an answer; write question=answer, with commas between several")
        if name in found:
            raise AnswerError(f"{name!r} is answered twice; answer it once")
        found[name] = value
    return found
