"""Keys that pods take from a ConfigMap of the same service, and that it does not have: no pod would start.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#restrictions
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.validation import images
from slipway_release.validation.files import Manifest, Problem
from slipway_release.validation.secrets import name_of


def check(path: str, manifests: Sequence[Manifest]) -> Iterator[Problem]:
    """What is wrong with the references between the objects of one service in one environment."""
    maps: dict[str, set[str]] = {}
    for item in manifests:
        if item.get("apiVersion") == "v1" and item.get("kind") == "ConfigMap":
            maps.setdefault(name_of(item), set()).update(_keys(item))
    for item in manifests:
        for name, key in _wanted(images.pod_of(item) or {}):
            if name in maps and key not in maps[name]:
                text = f"{item.get('kind')} {name_of(item)!r}: ConfigMap {name!r} has no key {key!r}, so no pod would"
                yield Problem(path, f"{text} start; add the key, or mark the reference as `optional: true`")


def _keys(item: Manifest) -> set[str]:
    return {key for part in ("data", "binaryData") for key in fields.optional_document(item, part) or {}}


def _wanted(pod: Document) -> Iterator[tuple[str, str]]:
    """The keys that a pod cannot do without, each with the name of its ConfigMap."""
    for part in images.CONTAINERS:
        for container in fields.mappings(pod.get(part)):
            for variable in fields.mappings(container.get("env")):
                source = fields.optional_document(variable, "valueFrom") or {}
                reference = fields.optional_document(source, "configMapKeyRef") or {}
                yield from _named(reference, [reference])
    for volume in fields.mappings(pod.get("volumes")):
        sources = [volume]
        projected = fields.optional_document(volume, "projected") or {}
        sources += fields.mappings(projected.get("sources"))
        for source in sources:
            reference = fields.optional_document(source, "configMap") or {}
            yield from _named(reference, list(fields.mappings(reference.get("items"))))


def _named(reference: Document, keys: Sequence[Document]) -> Iterator[tuple[str, str]]:
    if reference.get("optional") is not True:
        for key in keys:
            yield str(reference.get("name")), str(key.get("key"))
