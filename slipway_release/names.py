"""Names as Kubernetes and registries take them: for the settings, and for what is in Git."""

from __future__ import annotations

import re

DNS_LABEL_LENGTH = 63
DNS_SUBDOMAIN_LENGTH = 253
_DNS_LABEL = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_DNS_SUBDOMAIN = re.compile(rf"(?=.{{1,{DNS_SUBDOMAIN_LENGTH}}}$){_DNS_LABEL}(\.{_DNS_LABEL})*")
IMAGE_PART = r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*"
"""https://github.com/distribution/reference: a component of a repository's path, as a regular expression."""


def is_dns_label(text: str) -> bool:
    """Whether Kubernetes takes the text as the name of a namespace, a Service or a container."""
    return len(text) <= DNS_LABEL_LENGTH and re.fullmatch(_DNS_LABEL, text) is not None


def is_dns_subdomain(text: str) -> bool:
    """Whether Kubernetes takes the text as the name of most other objects: labels with dots between them."""
    return _DNS_SUBDOMAIN.fullmatch(text) is not None


def is_label_key(text: str) -> bool:
    """Whether it can be the key of a label: a name, with a domain and a slash before it or not."""
    prefix, slash, name = text.rpartition("/")
    return _LABEL.fullmatch(name) is not None and (not slash or _DNS_SUBDOMAIN.fullmatch(prefix) is not None)


def is_label_value(text: str) -> bool:
    """Whether it can be the value of a label, which may be empty."""
    return not text or _LABEL.fullmatch(text) is not None
