"""What single values of Kubernetes' fields look like: each format by its name, with what to write instead.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and
https://github.com/kubernetes/kubernetes/tree/v1.35.4/staging/src/k8s.io/apimachinery/pkg/util/validation
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

from slipway_release.names import is_dns_label, is_dns_subdomain, is_label_key, is_label_value
from slipway_release.validation import schedules

_LARGEST_PORT = 65_535
_QUANTITY = re.compile(r"(?P<number>[+-]?[0-9.]+)(?P<unit>[eE][+-]?[0-9]+|n|u|m|k|Ki|[MGTPE]i?)?")
_POWERS = {"n": -3, "u": -2, "m": -1, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_RANGE = re.compile(r"(?P<least>[0-9]+)\.\.(?P<most>[0-9]*)")
_POD_FIELDS = frozenset(
    {
        *("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"),
        *(
            "spec.nodeName",
            "spec.serviceAccountName",
            "status.hostIP",
            "status.hostIPs",
            "status.podIP",
            "status.podIPs",
        ),
    }
)
_POD_FIELD_WITH_KEY = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")
_RESOURCES = frozenset({"cpu", "ephemeral-storage", "memory"})
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_SYSCTL = re.compile(r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?")


def is_whole(value: object) -> bool:
    """Whether a value is a whole number; YAML's `2.0` is one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0


def is_port_name(text: str) -> bool:
    """Whether a container's port can be called so: up to 15 letters, digits and inner dashes, a letter among them."""
    return (
        len(text) <= 15
        and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text) is not None
        and re.search("[a-z]", text) is not None
    )


def is_service_name(text: str) -> bool:
    """Whether a Service can be called so: a DNS label that begins with a letter."""
    return is_dns_label(text) and text[0].isalpha()


def amount(quantity: object) -> Decimal | None:
    """A quantity of Kubernetes as a number; None for what is none."""
    found = _QUANTITY.fullmatch(str(quantity).strip()) if isinstance(quantity, (str, int, float)) else None
    if found is None or isinstance(quantity, bool):
        return None
    unit = found["unit"] or ""
    try:
        if unit[:1] in {"e", "E"} and len(unit) > 1 and unit != "Ei":
            return Decimal(found["number"] + unit)
        base = 1024 if unit.endswith("i") else 1000
        power = _POWERS.get(unit[:1], 0)
        return Decimal(found["number"]) * Decimal(base) ** power
    except InvalidOperation:
        return None


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The addresses of a CIDR; None for what is none. Bits beyond the prefix and zeros in front are let be."""
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(_without_zeros(text.strip()), strict=False)
    except ValueError:
        return None


def _without_zeros(text: str) -> str:
    return re.sub(r"(?<![0-9a-fA-F:])0+(?=[0-9])", "", text) if "." in text else text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(_without_zeros(text))
    except ValueError:
        return False
    return True


def _is_port(value: object) -> bool:
    return is_port_name(value) if isinstance(value, str) else is_in_range(value, f"1..{_LARGEST_PORT}")


def _is_share(value: object, most: int | None = None) -> bool:
    """Whether it is a count or a percentage of pods."""
    if isinstance(value, str):
        return re.fullmatch("[0-9]+%", value) is not None and (most is None or int(value[:-1]) <= most)
    return is_in_range(value, "0..")


def _is_more_than_zero(value: object) -> bool:
    found = amount(value)
    return found is not None and found > 0


def _is_not_negative(value: object) -> bool:
    found = amount(value)
    return found is not None and found >= 0


def is_in_range(value: object, limits: str) -> bool:
    """Whether a whole number is within `<least>..<most>`, of which the last may be left out."""
    found = _RANGE.fullmatch(limits)
    if found is None or not isinstance(value, (int, float)) or not is_whole(value):
        return False
    return int(found["least"]) <= value and (not found["most"] or value <= int(found["most"]))


def _is_relative(text: str) -> bool:
    return not text.startswith("/") and ".." not in text.split("/")


def _is_standard(resource: str) -> bool:
    return resource in _RESOURCES or resource.startswith("hugepages-")


def is_data_key(text: str) -> bool:
    """Whether a ConfigMap or a Secret can have something by this name."""
    return re.fullmatch(r"[-._A-Za-z0-9]{1,253}", text) is not None and text != "." and not text.startswith("..")


def _texts(check: Callable[[str], bool]) -> Callable[[object], bool]:
    """A check of texts alone; of another type, structure.py tells."""
    return lambda value: not isinstance(value, str) or check(value)


_LABEL = "at most 63 small letters, digits and inner dashes"
_SUBDOMAIN = "small letters, digits, inner dashes and dots"
FORMATS: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "CIDR": (_texts(lambda text: network(text) is not None), "addresses such as 10.0.0.0/8"),
    "CSI driver": (_texts(lambda text: is_dns_subdomain(text.lower())), "the name of a CSI driver"),
    "DNS label": (_texts(is_dns_label), _LABEL),
    "DNS subdomain": (_texts(is_dns_subdomain), _SUBDOMAIN),
    "IP address": (_texts(_is_address), "an IP address"),
    "IP address or None": (_texts(lambda text: text == "None" or _is_address(text)), "an IP address or None"),
    "absolute path": (_texts(lambda text: text.startswith("/")), "a path that begins with a slash"),
    "annotation key": (
        # The domain of an annotation may be in other letters.
        _texts(lambda text: is_label_key(text.lower())),
        "<domain>/<name> or <name>",
    ),
    "count or percentage": (_is_share, "a whole number without quotes, or a percentage such as 25%"),
    "count or percentage to 100": (
        lambda value: _is_share(value, 100),
        "a whole number without quotes, or a percentage up to 100%",
    ),
    "data key": (_texts(is_data_key), "letters, digits, `-`, `_` and `.`, and not `..` in front"),
    "external name": (
        _texts(lambda text: is_dns_subdomain(text.removesuffix("."))),
        "a name in small letters such as db.example.com, without a scheme or a port",
    ),
    "header name": (_texts(lambda text: re.fullmatch("[-A-Za-z0-9]+", text) is not None), "letters, digits and dashes"),
    "host": (
        _texts(lambda text: is_dns_subdomain(text.removeprefix("*."))),
        "a name in small letters such as web.example.com, without a port",
    ),
    "label key": (_texts(is_label_key), "<domain>/<name> or <name>"),
    "label value": (_texts(is_label_value), "at most 63 letters, digits and inner `.`, `_`, `-`"),
    "name of a sysctl": (
        _texts(lambda text: len(text) <= 253 and _SYSCTL.fullmatch(text) is not None),
        "a name such as net.core.somaxconn",
    ),
    "name without a slash": (_texts(lambda text: re.fullmatch(r"(?!\.\.?$)[^/%]+", text) is not None), "no / or %"),
    "path without ..": (_texts(lambda text: ".." not in text.split("/")), "a path without `..`"),
    "field of a pod": (
        _texts(lambda text: text in _POD_FIELDS or _POD_FIELD_WITH_KEY.fullmatch(text) is not None),
        f"one of {', '.join(sorted(_POD_FIELDS))}, metadata.labels['<key>'] or metadata.annotations['<key>']",
    ),
    "port": (_is_port, "a number from 1 to 65535 without quotes, or a port's name of at most 15 small letters"),
    "port name": (_texts(is_port_name), "at most 15 small letters, digits and inner dashes, with a letter"),
    "port or 0": (
        lambda value: value == 0 or _is_port(value),
        "a number from 1 to 65535 without quotes, or a port's name of at most 15 small letters",
    ),
    "qualified name": (
        _texts(lambda text: text in _STANDARD_FINALIZERS or ("/" in text and is_label_key(text))),
        "<domain>/<name>",
    ),
    "quantity": (_is_not_negative, "a quantity such as 500m or 4Gi"),
    "quantity above 0": (_is_more_than_zero, "a quantity above 0, such as 500m or 4Gi"),
    "relative path": (_texts(_is_relative), "a path without a slash in front and without `..`"),
    "resource": (
        _texts(lambda text: _is_standard(text) or ("/" in text and is_label_key(text))),
        f"{', '.join(sorted(_RESOURCES))}, or a device such as example.com/gpu",
    ),
    "resource of a container": (
        _texts(lambda text: text.partition(".")[0] in {"limits", "requests"} and _is_standard(text.partition(".")[2])),
        "limits.cpu, requests.memory or such",
    ),
    "schedule": (_texts(schedules.is_schedule), schedules.REMEDY),
    "search domain": (
        _texts(lambda text: text == "." or is_dns_subdomain(text.removesuffix(".").replace("_", "a"))),
        _SUBDOMAIN,
    ),
    "service name": (
        _texts(is_service_name),
        f"{_LABEL}, a letter first",
    ),
    "time zone": (_texts(schedules.is_time_zone), "one of https://www.iana.org/time-zones, such as Europe/Berlin"),
    "variable name": (
        _texts(lambda text: re.fullmatch(r"[ -<>-~]+", text) is not None),
        "letters, digits and `_`, without `=`",
    ),
}
"""Checks that a value passes, and what to write where it does not."""
