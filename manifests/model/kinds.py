"""The settings that name kinds of Kubernetes: what services may consist of, and whose fields others write."""

import re
from typing import Annotated

from pydantic import AfterValidator

from manifests.model.base import Line, filled, matching, model, wrong

OF_CORE = re.compile(
    "Binding|ConfigMap|Endpoints|Event|LimitRange|Namespace|Node|PersistentVolume|PersistentVolumeClaim|Pod|PodTemplate"
    "|ReplicationController|ResourceQuota|Secret|Service|ServiceAccount"
)
_OF_CLUSTERS = re.compile(
    "APIService|CSIDriver|CSINode|CertificateSigningRequest|ClusterCleanupPolicy|ClusterExternalSecret|ClusterIssuer"
    "|ClusterPolicy|ClusterRole|ClusterRoleBinding|ClusterSecretStore|ClusterWorkflowTemplate|CustomResourceDefinition|DeviceClass|FlowSchema|GatewayClass|IngressClass"
    "|(Mutating|Validating)(AdmissionPolicy|AdmissionPolicyBinding|WebhookConfiguration)|Namespace|Node"
    "|PersistentVolume|PriorityClass|PriorityLevelConfiguration|ResourceSlice|RuntimeClass|StorageClass"
    "|VolumeAttachment|VolumeSnapshotClass"
)
"""Kinds without a namespace, which an AppProject does not permit by its list of those that have one."""


def _kind(text: str) -> str:
    if re.fullmatch(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Z][A-Za-z0-9]*", text) is None:
        raise wrong(
            f"{text!r} is not a kind; expected group/Kind without a version, such as cert-manager.io/Certificate"
        )
    group, _, kind = text.rpartition("/")
    if re.fullmatch(r"v[0-9]+((alpha|beta)[0-9]+)?", group):
        raise wrong(f"{text!r} has a version in place of a group; use {kind} alone for Kubernetes' core, or group/Kind")
    if not group and not OF_CORE.fullmatch(kind):
        raise wrong(f"{text!r} is not a kind of Kubernetes' core; use group/Kind, such as cert-manager.io/Certificate")
    if _OF_CLUSTERS.fullmatch(kind):
        raise wrong(f"{text} is not namespaced, and a service has only its own namespace; allow it for the cluster")
    if text == "Secret" or text.startswith("argoproj.io/App"):
        raise wrong(f"{text} cannot be permitted to services: Git holds no Secret, and Argo CD is the platform's")
    return text


PermittedKind = Annotated[str, AfterValidator(_kind)]
_Group = Annotated[
    str,
    matching(r"[a-z0-9.*-]*", "is not an API group; use one without a version, such as apps, or nothing for the core"),
]
_KindPattern = Annotated[
    str,
    matching(r"[A-Z*][A-Za-z0-9*]*", "is not a kind; use one such as Deployment, without its group and version"),
]
_JsonPointer = Annotated[
    str,
    matching(
        r"(/([^~/]|~[01])*)+", "is not a JSON pointer; use one such as /spec/replicas, and ~1 for a slash in a key"
    ),
]

_JQ_TEXT = re.compile(r'"(?:\\.|[^"\\])*"')
_JQ_WRONG = re.compile(r'"|\[\*\]|(?<![0-9])\.[0-9]|\.[A-Za-z_]\w*[-/][A-Za-z]')
"""A text without its end, the items of a list as JSONPath has them, and keys that have to be in quotes."""


def _jq_path(text: str) -> str:
    # Argo CD compares nothing of an Application any more that has one which it cannot read.
    bare = _JQ_TEXT.sub("_", filled(text))
    rest = re.sub(r"[^()\[\]{}]", "", bare)
    for _ in range(len(rest)):
        rest = re.sub(r"\(\)|\[\]|\{\}", "", rest)
    if rest or _JQ_WRONG.search(bare) or not re.match(r"\.|\(|[a-z_]+\(", bare):
        raise wrong(
            f"{text!r} is not a path of jq; use one such as .spec.replicas, with quotes around keys that have other"
            ' characters (."a-b"), [] for the items of a list, and each bracket closed'
        )
    return filled(text)


_JqPath = Annotated[str, AfterValidator(_jq_path)]


@model
class IgnoredDifference:
    """Fields that others write, an autoscaler or a webhook for example, in Argo CD's own terms."""

    kind: _KindPattern
    """The kind whose fields they are, such as Deployment."""
    group: _Group = ""
    """Its API group, such as apps; empty for Kubernetes' core."""
    name: Line | None = None
    """The one object. Unset: all of that kind."""
    json_pointers: tuple[_JsonPointer, ...] = ()
    """Fields as JSON pointers, such as /spec/replicas."""
    jq_path_expressions: tuple[_JqPath, ...] = ()
    """Fields as jq paths."""
    managed_fields_managers: tuple[Line, ...] = ()
    """Managers whose fields are ignored, such as kube-controller-manager."""
