"""How settings are declared: frozen, camelCase in YAML, unknown keys refused; and the kinds of text in them."""

import copy
import ipaddress
import re
import unicodedata
from enum import StrEnum
from typing import Annotated, TypeVar, cast, dataclass_transform

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import PydanticCustomError

from slipway_release import maintenance
from slipway_release.yaml_scalars import is_plain_text

T = TypeVar("T")

DNS_LABEL_LENGTH = 63
RELEASE_NAME_LENGTH = 53
"""Helm's limit."""
SLUG_LENGTH = 100
LOGIN_LENGTH = 39
CLUSTER_NAME_LENGTH = 253
DESCRIPTION_LENGTH = 280
"""What remains of GitHub's 350 characters beside the longest mark."""
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")

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


IMAGE_PART = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")
"""https://github.com/distribution/reference: a component of a repository's path."""
IMAGE_PART_MEANING = "lowercase letters and digits with single dots, underscores or dashes between"
DOCKER_HUB = "docker.io"
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?")
_PROCESSORS = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i386": "386"}
_HOST_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_OWN_LABELS = frozenset({"app.kubernetes.io/managed-by", "kubernetes.io/metadata.name"})
_DOCKER_HUB = frozenset({"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "hub.docker.com"})


def wrong(what: str) -> PydanticCustomError:
    """The error of a field: what is wrong; what is allowed."""
    # The text goes through a context value because pydantic formats the template's braces.
    return PydanticCustomError("settings", "{what}", {"what": what})


def is_dns_label(text: str) -> bool:
    """Whether Kubernetes takes the text as the name of a namespace."""
    return len(text) <= DNS_LABEL_LENGTH and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", text) is not None


def _dns_label(text: str) -> str:
    if not is_dns_label(text):
        raise wrong(f"{text!r} is not a DNS label; use at most 63 lowercase letters, digits and inner hyphens")
    return text


def _service_name(text: str) -> str:
    # Kubernetes wants Services to begin with a letter, and Helm releases to be this short; charts write the name bare.
    if not is_dns_label(text) or not text[0].isalpha() or len(text) > RELEASE_NAME_LENGTH:
        raise wrong(
            f"{text!r} cannot be the name of a Helm release and a Kubernetes Service; use at most {RELEASE_NAME_LENGTH}"
            " lowercase letters, digits and inner dashes, beginning with a letter"
        )
    if not is_plain_text(text):
        raise wrong(f"{text!r} is read as a truth value or as nothing by YAML; use another word")
    return text


def _maintenance_branch(text: str) -> str:
    if not maintenance.is_pattern(text):
        raise wrong(f"{text!r} is not the name of a maintenance branch; use {maintenance.MEANING}")
    return text


def _slug(text: str) -> str:
    if len(text) > SLUG_LENGTH or not re.fullmatch(r"[a-z0-9_]+(-[a-z0-9_]+)*", text):
        raise wrong(
            f"{text!r} is not the slug of a team; use at most {SLUG_LENGTH} lowercase letters, digits, underscores and"
            " single inner dashes, as in the address of the team's page"
        )
    return text


def _login(text: str) -> str:
    # Enterprise Managed Users end with their enterprise's short code; old accounts may have dashes anywhere.
    if len(text) > LOGIN_LENGTH or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]*(_[A-Za-z0-9]+)?", text):
        raise wrong(
            f"{text!r} is not the login of an account on GitHub; use at most {LOGIN_LENGTH} letters, digits and dashes,"
            " and `_<short code>` where the enterprise manages its users"
        )
    return text


def _cluster_name(text: str) -> str:
    if "://" in text:
        raise wrong(f"{text!r} is an address; use the cluster's name in Argo CD, as `argocd cluster list` shows it")
    # In an AppProject a star would be a pattern, and a mark at the start would forbid the cluster.
    if text != text.strip() or len(text) > CLUSTER_NAME_LENGTH or set(text) & set("*?[]{}\\") or text.startswith("!"):
        raise wrong(
            f"{text!r} is not a cluster's name; use the one that `argocd cluster list` shows, at most"
            f" {CLUSTER_NAME_LENGTH} characters without patterns"
        )
    return _filled(text)


def _description(text: str) -> str:
    if len(text) > DESCRIPTION_LENGTH:
        raise wrong(f"it has {len(text)} characters; use at most {DESCRIPTION_LENGTH}, so that a mark fits behind it")
    return _filled(text)


def _mark(text: str) -> str:
    if len(text) > DNS_LABEL_LENGTH or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", text):
        raise wrong(
            f"{text!r} cannot be the value of a label; use at most {DNS_LABEL_LENGTH} letters, digits and inner dots,"
            " dashes and underscores"
        )
    return text


def _owner(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}", text):
        raise wrong(f"{text!r} is not an account name of GitHub: use up to 39 letters, digits and single inner dashes")
    return text


def _repository(text: str) -> str:
    if text.lower() in {".github", ".github-private"}:
        raise wrong(f"{text!r} is a repository with a meaning of its own on GitHub; use another name")
    if text in {".", ".."} or text.endswith((".git", ".wiki")) or not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise wrong(f"{text!r} is not a repository name: use up to 100 letters, digits, dots, dashes and underscores")
    return text


def _branch(text: str) -> str:
    # The subset of `git check-ref-format` that is also safe as a glob pattern of Actions and rulesets.
    bad = ("..", "//", "@{", ".lock/")
    if (
        not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}", text)
        or any(part in text for part in bad)
        or text.endswith(("/", ".", ".lock"))
    ):
        raise wrong(f"{text!r} is not a branch name: use letters, digits and inner `.`, `_`, `-`, `/`")
    return text


def without_credentials(text: str) -> str:
    """An address; one that holds a credential is refused and not quoted."""
    if "@" in text:
        raise wrong("it has a credential in it, which would be shown; use the address without what is before the @")
    return text


def _port(text: str) -> bool:
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
    return _url_of(text, re.sub(r"[{}]", "x", _PLACEHOLDER.sub("x", text)))


def _url_of(text: str, filled: str) -> str:
    without_credentials(text)
    found = re.fullmatch(r"https?://(?P<host>\[[^\]]*\]|[^\s/?#@:\[\]]+)(?P<port>:[0-9]+)?(?:/[^\s?#]*)?", filled)
    if found is None or not _port(found["port"] or ""):
        raise wrong(f"{text!r} is not a URL: use http:// or https://, a host and a path, without credentials")
    if not is_host(found["host"]):
        raise wrong(f"{text!r} does not have a valid host; use letters, digits, dots and dashes (xn--… for others)")
    return text


def _secret_url(text: str) -> str:
    try:
        return _http_url(text)
    except PydanticCustomError:
        raise wrong("it is not a URL; use http:// or https://, a host and a path, without credentials") from None


def _image_source(text: str) -> str:
    without_credentials(text)
    host, *path = text.split("/")
    if not _port(text) or not _HOST.fullmatch(host) or not all(map(IMAGE_PART.fullmatch, path)):
        raise wrong(f"{text!r} is not a registry: use a host, a port and a path in small letters, without https://")
    if not set(host) & set(".:") and host != "localhost":
        raise wrong(f"{host!r} is read as an account of Docker Hub, for want of a dot; use the registry's full name")
    return text


def _registry(text: str) -> str:
    _image_source(text)
    server, _, path = text.partition("/")
    if path.partition("/")[0] in {"v1", "v2"}:
        raise wrong(f"{text!r} has the path of a registry's API; use {server}, and the name that images have")
    if server in _DOCKER_HUB or (server == DOCKER_HUB and path):
        raise wrong(f"{text!r} is Docker Hub; use `host: {DOCKER_HUB}`, and `namespace` for the account of the images")
    return text


def _image_path(text: str) -> str:
    if not all(map(IMAGE_PART.fullmatch, text.split("/"))):
        raise wrong(f"{text!r} cannot be part of an image's name; use {IMAGE_PART_MEANING}, and slashes between parts")
    return text


def _platform(text: str) -> str:
    _, _, processor = text.partition("/")
    if meant := _PROCESSORS.get(processor):
        raise wrong(f"{text!r} has the kernel's word for the processor; use linux/{meant}, as images do")
    if not re.fullmatch(r"linux/[a-z0-9_]+(/v[0-9]+)?", text):
        raise wrong(f"{text!r} is not a platform of images; use one such as linux/amd64 or linux/arm64")
    return text


def _quantity(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?", text):
        raise wrong(f"{text!r} is not a quantity: use a number with a unit of Kubernetes, such as 500m or 4Gi")
    return text


def _cpus(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?m?", _quantity(text)):
        raise wrong(f"{text!r} is far too many processors; use a number such as 4, or thousandths such as 500m")
    return text


def _number(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,20}", text):
        raise wrong(f"{text!r} is not an id: use digits, in quotes")
    return text


def _filled(text: str) -> str:
    # Marks of direction, such as U+202E, make a text look like another one.
    hidden = any(unicodedata.category(one) == "Cc" or one in _DIRECTIONS for one in text)
    if not text.strip() or len(text.splitlines()) != 1 or hidden:
        raise wrong("it is empty, has more than one line or a control character; use one line of text")
    return text.strip()


DnsLabel = Annotated[
    str, AfterValidator(_dns_label), Field(json_schema_extra={"pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"})
]
ServiceName = Annotated[
    str, AfterValidator(_service_name), Field(json_schema_extra={"pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$"})
]
TeamSlug = Annotated[str, AfterValidator(_slug)]
Login = Annotated[str, AfterValidator(_login)]
ClusterName = Annotated[str, AfterValidator(_cluster_name)]
Description = Annotated[str, AfterValidator(_description)]
Mark = Annotated[str, AfterValidator(_mark)]
Owner = Annotated[str, AfterValidator(_owner)]
RepositoryName = Annotated[str, AfterValidator(_repository)]
BranchName = Annotated[str, AfterValidator(_branch)]
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
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise wrong(f"{text!r} is not a range of addresses; use one such as 10.0.0.0/8 or 169.254.20.10/32") from None


def placeholders(text: str, *allowed: str) -> set[str]:
    """The placeholders of a text, such as `service` of https://{service}.example.com.

    Args:
        text: what a setting says.
        allowed: those that are filled in there.

    Raises:
        PydanticCustomError: there is another one, or a brace that neither begins nor ends one.
    """
    found = set(_PLACEHOLDER.findall(text))
    known = " and ".join(f"{{{name}}}" for name in allowed)
    if unknown := sorted(found - set(allowed)):
        raise wrong(f"{{{unknown[0]}}} is not a placeholder: use {known}")
    if set("{}") & set(_PLACEHOLDER.sub("", text)):
        raise wrong(f"{text!r} has a brace without its other half: use {known}")
    return found


def _account(text: str) -> str:
    if re.search(r"[\s:]", text):
        raise wrong(f"{text!r} is not an account of a registry: use its name alone, without a colon and blanks")
    return text


def _label_key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if not _LABEL.fullmatch(name) or (slash and not _LABEL_PREFIX.fullmatch(prefix)):
        raise wrong(f"{text!r} is not the key of a label; use <domain>/<name> or <name>, as Kubernetes does")
    if prefix == "slipway.dev" or text in _OWN_LABELS:
        raise wrong(f"{text!r} is the platform's own; use another key")
    return text


def _label_value(text: str) -> str:
    if text and not _LABEL.fullmatch(text):
        raise wrong(f"{text!r} cannot be the value of a label; use at most 63 letters, digits and inner `.`, `_`, `-`")
    return text


def _runner_label(text: str) -> str:
    if "," in text or "${{" in text:
        raise wrong(f"{text!r} is not the label of a runner; use one label an item")
    if re.match("(windows|macos)-", text.lower()):
        raise wrong(f"{text!r} has no Linux, which images are built on; use ubuntu-latest, or labels of your own")
    return _filled(text)


ImagePath = Annotated[str, AfterValidator(_image_path)]
Cidr = Annotated[str, AfterValidator(_cidr)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
RunnerLabel = Annotated[str, AfterValidator(_runner_label)]
Platform = Annotated[str, AfterValidator(_platform)]
ImageSource = Annotated[str, AfterValidator(_image_source)]
RegistryHost = Annotated[str, AfterValidator(_registry)]
Quantity = Annotated[str, AfterValidator(_quantity)]
Cpus = Annotated[str, AfterValidator(_cpus)]
NumberText = Annotated[str, AfterValidator(_number)]
MaintenanceBranch = Annotated[str, AfterValidator(_maintenance_branch)]
Line = Annotated[str, AfterValidator(_filled)]
Account = Annotated[Line, AfterValidator(_account)]
