"""How settings are declared: frozen, camelCase in YAML, unknown keys refused; and plain kinds of text in them."""

import copy
import re
import unicodedata
from enum import StrEnum
from typing import Annotated, TypeVar, cast, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import PydanticCustomError

T = TypeVar("T")
DESCRIPTION_LENGTH = 280
"""What remains of GitHub's 350 characters beside the longest mark."""
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""What is filled in later, such as {service}."""
_CONFIG = ConfigDict(
    alias_generator=to_camel,
    extra="forbid",
    strict=True,
    use_attribute_docstrings=True,
    validate_by_alias=True,
    validate_by_name=False,
)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(Field,))
def model(cls: type[T]) -> type[T]:
    """Declares a part of the settings; the docstrings of its fields become the JSON Schema's descriptions."""
    # Pydantic's decorator forgets which class it was given.
    return cast(type[T], pydantic_dataclass(frozen=True, kw_only=True, config=_CONFIG)(cls))


def varied(thing: T, **changes: object) -> T:
    """Another one of a part of the settings, with some fields changed to values that are valid.

    `dataclasses.replace` gives fields by their names in Python, which these classes take from no base class.
    """
    other = copy.copy(thing)
    for name, value in changes.items():
        object.__setattr__(other, name, value)
    return other


class Choice(StrEnum):
    """A closed set of words."""


def wrong(what: str) -> PydanticCustomError:
    """The error of a field: what is wrong; what is allowed."""
    # The text goes through a context value because pydantic formats the template's braces.
    return PydanticCustomError("settings", "{what}", {"what": what})


def matching(pattern: str, otherwise: str) -> AfterValidator:
    """Takes a text that a regular expression matches as a whole; of any other it says that it `otherwise`."""
    regex = re.compile(pattern)

    def check(text: str) -> str:
        if regex.fullmatch(text) is None:
            raise wrong(f"{text!r} {otherwise}")
        return text

    return AfterValidator(check)


def _description(text: str) -> str:
    if len(text) > DESCRIPTION_LENGTH:
        raise wrong(f"it has {len(text)} characters; use at most {DESCRIPTION_LENGTH}, so that a mark fits behind it")
    return filled(text)


def filled(text: str) -> str:
    """One line of text, without the blanks around it; anything else is refused."""
    # Marks of direction, such as U+202E, make a text look like another one.
    hidden = any(unicodedata.category(one) == "Cc" or one in _DIRECTIONS for one in text)
    if not text.strip() or len(text.splitlines()) != 1 or hidden:
        raise wrong("it is empty, has more than one line or a control character; use one line of text")
    return text.strip()


def placeholders(text: str, *allowed: str) -> set[str]:
    """The placeholders of a text, such as `service` of https://{service}.example.com.

    Args:
        text: what a setting says.
        allowed: those that are filled in there.

    Raises:
        PydanticCustomError: there is another one, or a brace that neither begins nor ends one.
    """
    found = set(PLACEHOLDER.findall(text))
    known = " and ".join(f"{{{name}}}" for name in allowed)
    if unknown := sorted(found - set(allowed)):
        raise wrong(f"{{{unknown[0]}}} is not a placeholder: use {known}")
    if set("{}") & set(PLACEHOLDER.sub("", text)):
        raise wrong(f"{text!r} has a brace without its other half: use {known}")
    return found


Description = Annotated[str, AfterValidator(_description)]
Quantity = Annotated[
    str,
    matching(
        r"[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?",
        "is not a quantity: use a number with a unit of Kubernetes, such as 500m or 4Gi",
    ),
]
Cpus = Annotated[
    Quantity,
    matching(
        r"[0-9]+(\.[0-9]+)?m?",
        "is far too many processors; use a number such as 4, or thousandths such as 500m",
    ),
]
NumberText = Annotated[
    str, matching(r"0|[1-9][0-9]{0,19}", "is not an id: use its digits as GitHub shows them, in quotes")
]
Line = Annotated[str, AfterValidator(filled)]
