"""What Kubernetes refuses of an object, or Argo CD does not heed: the sync would fail, or do less than is written.

Only what holds on every cluster is known here; where kubeconform is on the runner, Kubernetes' own schemas say more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import cast

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.names import is_dns_label, is_dns_subdomain, is_label_key, is_label_value
from slipway_release.validation import images
from slipway_release.validation.files import Manifest

_SERVED: Mapping[str, tuple[str, ...]] = {
    "apps/Deployment": ("v1",),
    "apps/StatefulSet": ("v1",),
    "autoscaling/HorizontalPodAutoscaler": ("v1", "v2"),
    "batch/CronJob": ("v1",),
    "batch/Job": ("v1",),
    "networking.k8s.io/Ingress": ("v1",),
    "networking.k8s.io/NetworkPolicy": ("v1",),
    "policy/PodDisruptionBudget": ("v1",),
}
"""Kinds of which Kubernetes has taken older versions away."""
_DATA_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}")
_MOST_DATA = 1024 * 1024
_QUANTITY = re.compile(r"(?P<number>[+-]?[0-9.]+)(?P<unit>[eE][+-]?[0-9]+|n|u|m|k|Ki|[MGTPE]i?)?")
_POWERS = {"n": -3, "u": -2, "m": -1, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_PHASES = frozenset({"PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"})
_POLICIES = frozenset({"HookSucceeded", "HookFailed", "BeforeHookCreation"})
_ARGOCD = "argocd.argoproj.io/"
_HELM_HOOK = "helm.sh/hook"
_HELM_PHASES = frozenset(
    {
        *(f"{when}-{what}" for when in ("pre", "post") for what in ("install", "upgrade", "delete", "rollback")),
        *("crd-install", "test", "test-success", "test-failure"),
    }
)


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with an object."""
    kind, version = str(manifest.get("kind")), str(manifest.get("apiVersion"))
    group, _, own = version.rpartition("/")
    served = _SERVED.get(f"{group}/{kind}", (own,))
    if own not in served:
        yield f"Kubernetes does not serve {kind} as {version} any more; use {group}/{served[-1]}"
    metadata = fields.optional_document(manifest, "metadata") or {}
    yield from _keys(metadata, "label", "labels")
    yield from _keys(metadata, "annotation", "annotations")
    yield from _hook(fields.optional_document(metadata, "annotations") or {})
    if version == "v1" and kind == "ConfigMap":
        yield from _data(manifest)
    if version == "v1" and kind == "Service":
        yield from _service(metadata, fields.optional_document(manifest, "spec") or {})
    if kind == "Ingress" and group == "networking.k8s.io":
        yield from _ingress(fields.optional_document(manifest, "spec") or {})
    if kind == "HorizontalPodAutoscaler":
        yield from _scaling(fields.optional_document(manifest, "spec") or {})
    pod = images.pod_of(manifest)
    if pod is not None:
        yield from _pod(pod, kind)
    replicas = (fields.optional_document(manifest, "spec") or {}).get("replicas")
    if pod is not None and replicas is not None and not _is_whole(replicas):
        yield f"spec.replicas {replicas!r} is not a whole number"


def _keys(metadata: Document, what: str, key: str) -> Iterator[str]:
    for name, value in (fields.optional_document(metadata, key) or {}).items():
        # The domain of an annotation may be in other letters.
        if not is_label_key(name if what == "label" else name.lower()):
            yield f"{key}: {name!r} is not a key; use <domain>/<name> or <name>"
        elif what == "label" and isinstance(value, str) and not is_label_value(value):
            yield f"label {name}: {value!r} is not a value; use at most 63 letters, digits and inner `.`, `_`, `-`"


def _hook(annotations: Document) -> Iterator[str]:
    """Argo CD does nothing with a phase or policy that it does not know, and says nothing."""
    for key, known in ((f"{_ARGOCD}hook", _PHASES), (f"{_ARGOCD}hook-delete-policy", _POLICIES)):
        for word in str(annotations.get(key) or "").split(","):
            if word.strip() and word.strip() not in known:
                yield f"annotation {key}: Argo CD does not know {word.strip()!r}; use {', '.join(sorted(known))}"
    for word in str(annotations.get(_HELM_HOOK) or "").split(","):
        if word.strip() and word.strip() not in _HELM_PHASES:
            yield f"annotation {_HELM_HOOK}: Helm does not know {word.strip()!r}, and Argo CD would never apply it"
    wave = annotations.get(f"{_ARGOCD}sync-wave")
    if isinstance(wave, str) and re.fullmatch(r"[+-]?[0-9]+", wave) is None:
        yield f"annotation {_ARGOCD}sync-wave: {wave!r} is not a whole number, so Argo CD takes 0"


def _data(manifest: Manifest) -> Iterator[str]:
    size = 0
    for key in ("data", "binaryData"):
        for name, value in (fields.optional_document(manifest, key) or {}).items():
            # What is binary is written in base64, and counts as it is.
            size += len(str(value).encode()) * (3 if key == "binaryData" else 4) // 4
            if _DATA_KEY.fullmatch(name) is None:
                yield f"{key}: {name!r} is not a key; use letters, digits, `-`, `_` and `.`"
    if size > _MOST_DATA:
        yield f"its data has {size:,} bytes; Kubernetes takes at most {_MOST_DATA:,}"


def _ingress(spec: Document) -> Iterator[str]:
    for rule in fields.mappings(spec.get("rules")):
        host = rule.get("host") or ""
        is_name = isinstance(host, str) and is_dns_subdomain(host.removeprefix("*."))
        if host and (not is_name or re.fullmatch(r"[0-9.]+", str(host))):
            yield f"host {host!r} is not a name in small letters; use one such as web.example.com, without a port"
        for path in fields.mappings((fields.optional_document(rule, "http") or {}).get("paths")):
            given, kind = path.get("path"), path.get("pathType")
            text = given if isinstance(given, str) else ""
            if not text.startswith("/") and (text or kind in {"Exact", "Prefix"}):
                yield f"path {given!r} does not begin with a slash"
            elif kind in {"Exact", "Prefix"} and re.search(r"//|/\.\.?(/|$)|%2f", text, re.IGNORECASE):
                yield f"path {given!r} has parts that Kubernetes refuses: an empty one, dots, or %2f"


def _scaling(spec: Document) -> Iterator[str]:
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
    if _is_whole(least) and _is_whole(most) and cast("int", least) > cast("int", most):
        yield f"spec.maxReplicas {most} is below minReplicas {least}"


def _service(metadata: Document, spec: Document) -> Iterator[str]:
    name = metadata.get("name")
    if isinstance(name, str) and not (is_dns_label(name) and name[0].isalpha()):
        yield f"name {name!r} is not a DNS label; use at most 63 small letters, digits and inner dashes, a letter first"
    ports = list(fields.mappings(spec.get("ports")))
    if not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield "spec.ports is empty; a Service has at least one"
    if len(ports) > 1 and not all(port.get("name") for port in ports):
        yield "spec.ports has several, and one without a name"
    for port in ports:
        yield from _port(port.get("port"), "port")


def _pod(pod: Document, kind: str) -> Iterator[str]:
    restarts = pod.get("restartPolicy")
    if kind in {"Job", "CronJob"} and restarts not in {"OnFailure", "Never"}:
        yield f"restartPolicy {restarts or 'Always'!r} is not one of a Job; use Never or OnFailure"
    if kind in {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"} and restarts not in {None, "Always"}:
        yield f"restartPolicy {restarts!r} is one of a Job's; a {kind}'s pods restart always"
    containers = [*fields.mappings(pod.get("initContainers")), *fields.mappings(pod.get("containers"))]
    for name, count in Counter(str(container.get("name") or "") for container in containers).items():
        if not is_dns_label(name):
            yield f"container {name!r} has no name that Kubernetes takes; use lowercase letters, digits and dashes"
        elif count > 1:
            yield f"container {name!r} is there {count} times; give each a name of its own"
    for container in containers:
        where = f"container {container.get('name')!r}: "
        for port in fields.mappings(container.get("ports")):
            yield from _port(port.get("containerPort"), f"{where}containerPort")
        for text in resource_problems(fields.optional_document(container, "resources") or {}):
            yield where + text


def _port(port: object, what: str) -> Iterator[str]:
    if not (_is_whole(port) and 0 < cast("int", port) < 65_536):
        yield f"{what} {port!r} is not a port; use a number from 1 to 65535, without quotes"


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


def amount(quantity: object) -> Decimal | None:
    """A quantity of Kubernetes as a number; None for what is none."""
    found = _QUANTITY.fullmatch(str(quantity)) if isinstance(quantity, (str, int, float)) else None
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


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0
