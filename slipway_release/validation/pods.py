"""What Kubernetes refuses of the pods of a workload, beyond single fields: names that are not there, or there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.names import is_dns_label
from slipway_release.validation import images
from slipway_release.validation.files import Manifest
from slipway_release.validation.formats import amount

_ENDURING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_GRACE = 30
"""Seconds that pods have to end, if nothing is said."""


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the pods that an object makes."""
    pod, kind = images.pod_of(manifest), str(manifest.get("kind"))
    if pod is None:
        return
    yield from _restarts(pod, kind)
    if kind in _ENDURING and pod.get("activeDeadlineSeconds") is not None:
        yield f"activeDeadlineSeconds is one of a Job's; a {kind}'s pods do not end"
    if pod.get("ephemeralContainers"):
        yield "ephemeralContainers come to a pod that runs, by `kubectl debug`; take them out"
    if pod.get("dnsPolicy") == "None" and not (fields.optional_document(pod, "dnsConfig") or {}).get("nameservers"):
        yield "dnsPolicy None wants dnsConfig.nameservers; name one, or take dnsPolicy out"
    first, later = (list(fields.mappings(pod.get(key))) for key in ("initContainers", "containers"))
    for name, count in Counter(str(container.get("name") or "") for container in (*first, *later)).items():
        if not is_dns_label(name):
            yield f"container {name!r} has no name that Kubernetes takes; use lowercase letters, digits and dashes"
        elif count > 1:
            yield f"container {name!r} is there {count} times; give each a name of its own"
    volumes = _volumes(manifest, pod)
    for container in (*first, *later):
        where = f"container {container.get('name')!r}: "
        for text in (*_mounts(container, volumes), *_container(container, pod)):
            yield where + text
        is_sidecar = container.get("restartPolicy") == "Always"
        for key in (*_PROBES, "lifecycle") if container in first and not is_sidecar else ():
            if container.get(key) is not None:
                yield f"{where}{key} is not for an init container that ends; take it out, or set restartPolicy: Always"


def _restarts(pod: Document, kind: str) -> Iterator[str]:
    restarts = pod.get("restartPolicy")
    if kind in {"Job", "CronJob"} and restarts not in {"OnFailure", "Never"}:
        yield f"restartPolicy {restarts or 'Always'!r} is not one of a Job; use Never or OnFailure"
    if kind in _ENDURING and restarts not in {None, "", "Always"}:
        yield f"restartPolicy {restarts!r} is one of a Job's; a {kind}'s pods restart always"


def _volumes(manifest: Manifest, pod: Document) -> list[object]:
    """The names of what may be mounted; a broken manifest may have any values there."""
    spec = fields.optional_document(manifest, "spec") or {}
    claims = (fields.below(claim, "metadata") for claim in fields.mappings(spec.get("volumeClaimTemplates")))
    own = (volume.get("name") for volume in fields.mappings(pod.get("volumes")))
    return [*own, *(claim.get("name") for claim in claims if claim)]


def _mounts(container: Document, volumes: list[object]) -> Iterator[str]:
    for key in ("volumeMounts", "volumeDevices"):
        for mount in fields.mappings(container.get(key)):
            if (name := mount.get("name")) and name not in volumes:
                yield f"{key} name {name!r}, which is not among the pod's volumes; add it there, or correct the name"


def _container(container: Document, pod: Document) -> Iterator[str]:
    yield from resource_problems(fields.optional_document(container, "resources") or {})
    ports = list(fields.mappings(container.get("ports")))
    if pod.get("hostNetwork") is True and any(
        port.get("hostPort") not in (None, 0, port.get("containerPort")) for port in ports
    ):
        yield "hostPort differs from containerPort, and with hostNetwork they are one; take hostPort out"
    for key in _PROBES:
        probe = fields.optional_document(container, key) or {}
        if key != "readinessProbe" and probe.get("successThreshold") not in (None, 0, 1):
            yield f"{key}.successThreshold {probe['successThreshold']} must be 1; a readinessProbe alone may have more"
        if key == "readinessProbe" and probe.get("terminationGracePeriodSeconds") is not None:
            yield f"{key}.terminationGracePeriodSeconds is not for a readinessProbe, which ends nothing; take it out"
    sleep = fields.below(container, "lifecycle", "preStop", "sleep").get("seconds")
    grace = pod.get("terminationGracePeriodSeconds", _GRACE)
    if isinstance(sleep, int) and isinstance(grace, int) and sleep > (grace if grace >= 0 else 1):
        yield f"preStop sleeps for {sleep} seconds, and terminationGracePeriodSeconds is {grace}; raise that"
    security = fields.optional_document(container, "securityContext") or {}
    if security.get("privileged") is True and security.get("allowPrivilegeEscalation") is False:
        yield "securityContext has privileged: true and allowPrivilegeEscalation: false, which exclude each other"


def resource_problems(resources: Document) -> Iterator[str]:
    """What is wrong with the requests and limits of a container."""
    requests, limits = (fields.optional_document(resources, key) or {} for key in ("requests", "limits"))
    for name in dict.fromkeys((*requests, *limits)):
        given = {"requests": requests.get(name), "limits": limits.get(name)}
        sizes = {key: amount(quantity) for key, quantity in given.items()}
        wrong = [key for key, size in sizes.items() if given[key] is not None and (size is None or size < 0)]
        for key in wrong:
            yield f"resources.{key}.{name} {given[key]!r} is not a quantity; use one such as 500m or 4Gi"
        request, limit = sizes["requests"], sizes["limits"]
        if wrong:
            continue
        # A device is not shared.
        is_extended = "/" in name
        if is_extended and any(size is not None and size % 1 for size in sizes.values()):
            yield f"resources of {name} are given out as a whole; use a whole number"
        elif is_extended and limit is None:
            yield f"resources.limits.{name} is missing; Kubernetes gives out as much as the limit says"
        elif request is not None and limit is not None and (request > limit or (is_extended and request != limit)):
            relation = "equal to" if is_extended else "at most"
            yield f"resources.requests.{name} {given['requests']} must be {relation} its limit, {given['limits']}"
