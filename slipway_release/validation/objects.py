"""What Kubernetes refuses of an object, or Argo CD does not heed: the sync would fail, or do less than is written.

Only what holds on every cluster is known here; where kubeconform is on the runner, Kubernetes' own schemas say more.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.validation import network, pods, workloads
from slipway_release.validation.files import Manifest
from slipway_release.validation.formats import is_data_key

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
_MOST_DATA = 1024 * 1024
_MOST_ANNOTATIONS = 256 * 1024
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
    annotations = fields.optional_document(metadata, "annotations") or {}
    if sum(len(f"{key}{value}".encode()) for key, value in annotations.items()) > _MOST_ANNOTATIONS:
        yield f"its annotations have more than {_MOST_ANNOTATIONS:,} bytes; Kubernetes takes no more"
    yield from unheeded(annotations)
    if version == "v1" and kind == "ConfigMap":
        yield from _data(manifest)
    yield from network.check(manifest)
    yield from workloads.check(manifest)
    yield from pods.check(manifest)


def unheeded(annotations: Document) -> Iterator[str]:
    """Annotations of which Argo CD does not know the value: it does something else, and says nothing."""
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
    data, binary = (fields.optional_document(manifest, key) or {} for key in ("data", "binaryData"))
    for key, found in (("data", data), ("binaryData", binary)):
        for name, value in found.items():
            # What is binary is written in base64, and counts as it is.
            size += len(str(value).encode()) * (3 if key == "binaryData" else 4) // 4
            if not is_data_key(name):
                yield f"{key}: {name!r} is not a key; use letters, digits, `-`, `_` and `.`, and not `..` in front"
            elif key == "binaryData" and isinstance(value, str) and not _is_base64(value):
                yield f"binaryData.{name} is not base64; encode it, or put a text into data"
    if both := sorted(data.keys() & binary.keys()):
        yield f"{', '.join(both)} is in data and in binaryData; take one of them out"
    if size > _MOST_DATA:
        yield f"its data has {size:,} bytes; Kubernetes takes at most {_MOST_DATA:,}"


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return False
    return True
