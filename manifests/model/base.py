"""How settings are declared: frozen, camelCase in YAML, unknown keys refused; and the kinds of text in them."""

import re
from enum import StrEnum
from typing import Annotated, TypeVar, cast, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import PydanticCustomError

T = TypeVar("T")

DNS_LABEL_LENGTH = 63
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

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


class Choice(StrEnum):
    """A closed set of words."""


def wrong(what: str) -> PydanticCustomError:
    """The error of a field: what is wrong; what is allowed."""
    # The text goes through a context value because pydantic formats the template's braces.
    return PydanticCustomError("settings", "{what}", {"what": what})


def is_dns_label(text: str) -> bool:
    """Whether Kubernetes takes the text as the name of a namespace."""
    return len(text) <= DNS_LABEL_LENGTH and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", text) is not None


def _dns_label(text: str) -> str:
    if not is_dns_label(text):
        raise wrong(f"{text!r} is no DNS label; allowed are up to 63 of a-z, 0-9 and inner dashes")
    return text


def _owner(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", text):
        raise wrong(
            f"{text!r} is no account name of GitHub; allowed are up to 39 letters, digits and single inner dashes"
        )
    return text


def _repository(text: str) -> str:
    if text in {".", ".."} or text.endswith(".git") or not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise wrong(
            f"{text!r} is no repository name; allowed are up to 100 letters, digits, dots, dashes and underscores"
        )
    return text


def _branch(text: str) -> str:
    # The subset of `git check-ref-format` that is also safe as a glob pattern of Actions and rulesets.
    bad = ("..", "//", "@{", ".lock/")
    if (
        not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}", text)
        or any(part in text for part in bad)
        or text.endswith(("/", ".", ".lock"))
    ):
        raise wrong(f"{text!r} is no branch name; allowed are letters, digits and inner `.`, `_`, `-`, `/`")
    return text


def _http_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(?:/[^\s?#]*)?", text):
        raise wrong(f"{text!r} is no URL; allowed is http:// or https://, a host and a path, without credentials")
    return text


def _secret_url(text: str) -> str:
    try:
        return _http_url(text)
    except PydanticCustomError:
        raise wrong("it is not a URL; use http:// or https://, a host and a path, without credentials") from None


def _registry(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-][a-z0-9]+)*)*", text):
        raise wrong(f"{text!r} is no registry; allowed is a host, a port and a path in small letters, without https://")
    return text


def _quantity(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?", text):
        raise wrong(f"{text!r} is no quantity; allowed is a number with a unit of Kubernetes, such as 500m or 4Gi")
    return text


def _number(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise wrong(f"{text!r} is no id; allowed are digits, in quotes")
    return text


def _filled(text: str) -> str:
    if not text.strip() or "\n" in text:
        raise wrong("it is empty or has more than one line; allowed is one line of text")
    return text


DnsLabel = Annotated[
    str, AfterValidator(_dns_label), Field(json_schema_extra={"pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"})
]
Owner = Annotated[str, AfterValidator(_owner)]
RepositoryName = Annotated[str, AfterValidator(_repository)]
BranchName = Annotated[str, AfterValidator(_branch)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
_ENCRYPTED = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}
SecretUrl = Annotated[
    str, AfterValidator(_secret_url), WithJsonSchema({"anyOf": [{"type": "string"}, _ENCRYPTED]}, mode="validation")
]
"""A URL that is a secret in itself: no error quotes it."""
RegistryHost = Annotated[str, AfterValidator(_registry)]
Quantity = Annotated[str, AfterValidator(_quantity)]
NumberText = Annotated[str, AfterValidator(_number)]
Line = Annotated[str, AfterValidator(_filled)]
