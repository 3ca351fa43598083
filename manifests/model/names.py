"""Settings that are names, as GitHub, Kubernetes, Helm and Argo CD take them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from manifests.model.base import filled, matching, wrong
from slipway_release import maintenance
from slipway_release.names import (
    DNS_LABEL_LENGTH,
    DNS_SUBDOMAIN_LENGTH,
    is_dns_label,
    is_dns_subdomain,
    is_label_key,
    is_label_value,
)
from slipway_release.validation import objects
from slipway_release.yaml_scalars import is_plain_text

RELEASE_NAME_LENGTH = 53
"""Helm's limit."""
SLUG_LENGTH = 100
LOGIN_LENGTH = 39
CLUSTER_NAME_LENGTH = 253
_OWN_LABELS = frozenset({"app.kubernetes.io/managed-by", "kubernetes.io/metadata.name"})
_OF_ARGOCD = re.compile(r"argocd\.argoproj\.io/(tracking-id|installation-id|hook.*)|helm\.sh/hook.*")


def _dns_label(text: str) -> str:
    if not is_dns_label(text):
        raise wrong(f"{text!r} is not a DNS label; use at most 63 lowercase letters, digits and inner hyphens")
    return text


def object_name(text: str) -> str:
    """The name of an object of Kubernetes that need not be a label."""
    if not is_dns_subdomain(text):
        raise wrong(
            f"{text!r} is not the name of an object of Kubernetes; use at most {DNS_SUBDOMAIN_LENGTH} small letters,"
            " digits, inner dashes and dots"
        )
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
    return filled(text)


def _mark(text: str) -> str:
    if len(text) > DNS_LABEL_LENGTH or not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", text):
        raise wrong(
            f"{text!r} cannot be the value of a label; use at most {DNS_LABEL_LENGTH} letters, digits and inner dots,"
            " dashes and underscores"
        )
    return text


def _repository(text: str) -> str:
    name = text.lower()
    if name in {".github", ".github-private"}:
        raise wrong(f"{text!r} is a repository with a meaning of its own on GitHub; use another name")
    if name.endswith(".github.io"):
        raise wrong(f"{text!r} is a site that GitHub Pages publishes, also of a private repository; use another name")
    if name.endswith((".git", ".wiki")):
        # GitHub takes `.git` off, so that the repository would have another name than its resource.
        raise wrong(f"{text!r} has an ending that GitHub keeps for itself; use the name without it")
    if text in {".", ".."} or not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", text):
        raise wrong(f"{text!r} is not a repository name: use up to 100 letters, digits, dots, dashes and underscores")
    return text


def _branch(text: str) -> str:
    # The subset of `git check-ref-format` that is also safe as a glob pattern of Actions and rulesets.
    bad = ("..", "//", "/.", ".lock/")
    if (
        not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}", text)
        or any(part in text for part in bad)
        or text.endswith(("/", ".", ".lock"))
    ):
        raise wrong(f"{text!r} is not a branch name: use letters, digits and inner `.`, `_`, `-`, `/`")
    if text == "HEAD" or text.startswith("refs/") or re.fullmatch(r"[0-9a-fA-F]{40}", text):
        raise wrong(f"{text!r} means something else than a branch to Git; use another name")
    return text


def _cluster_group(text: str) -> str:
    if (text := filled(text)).startswith("system:"):
        raise wrong(f"{text!r} is of Kubernetes' own groups, in which others are too; name a group of your directory")
    return text


def _sso_group(text: str) -> str:
    # Argo CD takes a group of that name for its role, or for its own administrator.
    if (text := filled(text)).lower().startswith("role:") or text.lower() == "admin":
        raise wrong(f"{text!r} is a role or an account of Argo CD, with its rights; name another group")
    return text


DnsLabel = Annotated[
    str, AfterValidator(_dns_label), Field(json_schema_extra={"pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"})
]
ObjectName = Annotated[str, AfterValidator(object_name)]
ServiceName = Annotated[
    str, AfterValidator(_service_name), Field(json_schema_extra={"pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$"})
]
TeamSlug = Annotated[str, AfterValidator(_slug)]
Login = Annotated[str, AfterValidator(_login)]
ClusterName = Annotated[str, AfterValidator(_cluster_name)]
ClusterGroup = Annotated[str, AfterValidator(_cluster_group)]
SsoGroup = Annotated[str, AfterValidator(_sso_group)]
Mark = Annotated[str, AfterValidator(_mark)]
Owner = Annotated[
    str,
    matching(
        r"(?=.{1,39}$)[A-Za-z0-9](?:-?[A-Za-z0-9])*",
        "is not an account name of GitHub: use up to 39 letters, digits and single inner dashes",
    ),
]
RepositoryName = Annotated[str, AfterValidator(_repository)]
BranchName = Annotated[str, AfterValidator(_branch)]


def _label_key(text: str) -> str:
    if not is_label_key(text):
        raise wrong(f"{text!r} is not the key of a label; use <domain>/<name> or <name>, as Kubernetes does")
    if text.rpartition("/")[0] == "slipway.dev" or text in _OWN_LABELS:
        raise wrong(f"{text!r} is the platform's own; use another key")
    return text


def _annotation_key(text: str) -> str:
    # Its domain may be in other letters.
    if not is_label_key(text.lower()):
        raise wrong(f"{text!r} is not the key of an annotation; use <domain>/<name> or <name>, as Kubernetes does")
    if text.rpartition("/")[0] == "slipway.dev":
        raise wrong(f"{text!r} is the platform's own; use another key")
    if _OF_ARGOCD.fullmatch(text):
        raise wrong(f"{text!r} would take objects from the Application that keeps them; remove it")
    return text


def _heeded(annotations: dict[str, str]) -> dict[str, str]:
    for text in objects.unheeded(annotations):
        raise wrong(text)
    return annotations


def _label_value(text: str) -> str:
    if not is_label_value(text):
        raise wrong(f"{text!r} cannot be the value of a label; use at most 63 letters, digits and inner `.`, `_`, `-`")
    return text


def _runner_label(text: str) -> str:
    if "," in text or "${{" in text:
        raise wrong(f"{text!r} is not the label of a runner; use one label an item")
    if re.match("(windows|macos)-", text.lower()):
        raise wrong(f"{text!r} has no Linux, which images are built on; use ubuntu-latest, or labels of your own")
    return filled(text)


LabelKey = Annotated[str, AfterValidator(_label_key)]
Annotations = Annotated[dict[Annotated[str, AfterValidator(_annotation_key)], str], AfterValidator(_heeded)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
RunnerLabel = Annotated[str, AfterValidator(_runner_label)]
MaintenanceBranch = Annotated[str, AfterValidator(_maintenance_branch)]
