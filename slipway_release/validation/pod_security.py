"""What the level of Pod Security of a namespace refuses of pods: their workload would be there, and no pod of it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.validation import images
from slipway_release.validation.files import Manifest

BASELINE, RESTRICTED = "baseline", "restricted"
_HOST = ("hostNetwork", "hostPID", "hostIPC")
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_CAPABILITIES = frozenset(
    (
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD"),
        *("NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    )
)
"""What containers may have on the level `baseline`: the ones that most runtimes give."""


def check(manifest: Manifest, level: str | None) -> Iterator[str]:
    """What keeps the pods of a workload from being made.

    Args:
        manifest: an object.
        level: that of its namespace; None where it is not known.
    """
    pod = images.pod_of(manifest)
    if pod is None or level not in {BASELINE, RESTRICTED}:
        return
    wrong = [*_pod(pod, level)]
    for container in _containers(pod):
        where = f"container {container.get('name')!r}: "
        wrong += [where + text for text in _container(container, pod, level)]
    for text in wrong:
        yield f"{text} (Pod Security {level} of the namespace, by the environment's `namespaceLabels`)"


def _pod(pod: Document, level: str) -> Iterator[str]:
    for key in _HOST:
        if pod.get(key) is True:
            yield f"{key} is not permitted; take it out"
    for volume in fields.mappings(pod.get("volumes")):
        kinds = {key for key, value in volume.items() if key != "name" and value is not None}
        refused = kinds - _VOLUMES if level == RESTRICTED else kinds & {"hostPath"}
        for kind in sorted(refused):
            yield f"volume {volume.get('name')!r}: {kind} is not permitted; use another kind of volume"


def _container(container: Document, pod: Document, level: str) -> Iterator[str]:
    own, shared = _security(container), _security(pod)
    capabilities = fields.optional_document(own, "capabilities") or {}
    added = set(_words(capabilities.get("add")))
    if own.get("privileged") is True:
        yield "securityContext.privileged is not permitted; take it out"
    if beyond := sorted(added - ({"NET_BIND_SERVICE"} if level == RESTRICTED else _CAPABILITIES)):
        yield f"securityContext.capabilities.add of {', '.join(beyond)} is not permitted; take it out"
    if any(port.get("hostPort") for port in fields.mappings(container.get("ports"))):
        yield "hostPort is not permitted; take it out"
    profile = (
        fields.optional_document(own, "seccompProfile") or fields.optional_document(shared, "seccompProfile")
    ) or {}
    if profile.get("type") == "Unconfined":
        yield "securityContext.seccompProfile Unconfined is not permitted; use RuntimeDefault"
    if level == RESTRICTED:
        yield from _restricted(own, shared, profile.get("type"), "ALL" in set(_words(capabilities.get("drop"))))


def _restricted(own: Document, shared: Document, profile: object, drops_all: bool) -> Iterator[str]:
    user = own.get("runAsUser", shared.get("runAsUser"))
    wanted = {
        "allowPrivilegeEscalation: false": own.get("allowPrivilegeEscalation") is False,
        "capabilities: {drop: [ALL]}": drops_all,
        "runAsNonRoot: true": own.get("runAsNonRoot", shared.get("runAsNonRoot")) is True,
        "seccompProfile: {type: RuntimeDefault}": profile is not None,
    }
    if lacking := [text for text, there in wanted.items() if not there]:
        yield f"securityContext lacks {', '.join(lacking)}"
    if user == 0:
        yield "securityContext.runAsUser 0 is root; use another user"


def _containers(pod: Document) -> Iterator[Document]:
    for key in images.CONTAINERS:
        yield from fields.mappings(pod.get(key))


def _security(of: Document) -> Document:
    return fields.optional_document(of, "securityContext") or {}


def _words(value: object) -> list[str]:
    return [str(item) for item in cast("list[object]", value)] if isinstance(value, list) else []
