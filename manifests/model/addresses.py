"""Settings that are addresses: hosts, URLs and ranges of IP addresses."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from manifests.model.base import PLACEHOLDER, wrong

_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def without_credentials(text: str) -> str:
    """An address; one that holds a credential is refused and not quoted."""
    if "@" in text:
        raise wrong("it has a credential in it, which would be shown; use the address without what is before the @")
    return text


def has_valid_port(text: str) -> bool:
    """Whether the port of an address can be one."""
    found = re.match(r"(?:[a-z]+://)?[^/]*?:([0-9]+)(?:/|$)", text)
    return found is None or 0 < int(found[1]) <= 65_535


def is_host(text: str) -> bool:
    """Whether the host of an address can be one: a name in ASCII, as DNS knows it, or an IP address."""
    labels = text.split(".")
    if text.startswith("[") or all(label.isdigit() for label in labels):
        try:
            ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True
    return len(text) <= 253 and all(map(_HOST_LABEL.fullmatch, labels))


def _http_url(text: str) -> str:
    return _url_of(text, text)


def _url_template(text: str) -> str:
    # The rules of a field say which placeholders it has, and what is wrong with a brace.
    return _url_of(text, re.sub(r"[{}]", "x", PLACEHOLDER.sub("x", text)))


def _url_of(text: str, filled: str) -> str:
    without_credentials(text)
    found = re.fullmatch(r"https?://(?P<host>\[[^\]]*\]|[^\s/?#@:\[\]]+)(?P<port>:[0-9]+)?(?:/[^\s?#]*)?", filled)
    if found is None or not has_valid_port(found["port"] or ""):
        raise wrong(f"{text!r} is not a URL: use http:// or https://, a host and a path, without credentials")
    if not is_host(found["host"]):
        raise wrong(f"{text!r} does not have a valid host; use letters, digits, dots and dashes (xn--… for others)")
    return text


def _secret_url(text: str) -> str:
    try:
        return _http_url(text)
    except PydanticCustomError:
        raise wrong("it is not a URL; use http:// or https://, a host and a path, without credentials") from None


HttpUrl = Annotated[str, AfterValidator(_http_url)]
UrlTemplate = Annotated[str, AfterValidator(_url_template)]
"""A URL with placeholders."""
_ENCRYPTED = {"type": "object", "properties": {"secure": {"type": "string"}}, "required": ["secure"]}
SecretUrl = Annotated[
    str, AfterValidator(_secret_url), WithJsonSchema({"anyOf": [{"type": "string"}, _ENCRYPTED]}, mode="validation")
]
"""A URL that is a secret in itself: no error quotes it."""


def _cidr(text: str) -> str:
    try:
        # A NetworkPolicy takes no address without its mask.
        if "%" not in text:
            return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    raise wrong(f"{text!r} is not a range of addresses; use one such as 10.0.0.0/8 or 169.254.20.10/32")


Cidr = Annotated[str, AfterValidator(_cidr)]
