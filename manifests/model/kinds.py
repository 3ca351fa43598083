"""The settings that name kinds of Kubernetes: what services may consist of, and whose fields others write."""

import re
from typing import Annotated

from pydantic import AfterValidator

from manifests.model.base import Line, matching, model, wrong

_OF_CORE = re.compile(
    "Binding|ConfigMap|Endpoints|Event|LimitRange|Namespace|Node|PersistentVolume|PersistentVolumeClaim|Pod|PodTemplate"
    "|ReplicationController|ResourceQuota|Secret|Service|ServiceAccount"
)
_OF_CLUSTERS = re.compile(
    "APIService|CSIDriver|CSINode|CertificateSigningRequest|ClusterExternalSecret|ClusterIssuer|ClusterRole"
    "|ClusterRoleBinding|ClusterSecretStore|CustomResourceDefinition|DeviceClass|FlowSchema|GatewayClass|IngressClass"
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
    if not group and not _OF_CORE.fullmatch(kind):
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
    jq_path_expressions: tuple[Line, ...] = ()
    """Fields as jq paths."""
    managed_fields_managers: tuple[Line, ...] = ()
    """Managers whose fields are ignored, such as kube-controller-manager."""
