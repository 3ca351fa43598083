"""Fields of manifests that Kubernetes takes as texts alone: a number or a truth value there fails the sync."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from slipway_release import fields
from slipway_release.validation.files import Manifest

_MAPPINGS = frozenset({"labels", "annotations", "matchLabels", "nodeSelector"})
_WORKLOADS = frozenset({"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"})
_LISTS = ("args", "command")


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the texts of an object."""
    metadata = fields.optional_document(manifest, "metadata") or {}
    for key in ("labels", "annotations"):
        yield from _mapping(metadata, key, f"{key.removesuffix('s')} ")
    kind, version = manifest.get("kind"), manifest.get("apiVersion")
    if kind == "ConfigMap" and version == "v1":
        yield from _mapping(manifest, "data", "data.")
    if kind == "Secret" and version == "v1":
        yield from _mapping(manifest, "stringData", "stringData.")
    if kind in _WORKLOADS:
        yield from _below(manifest.get("spec"))


def _below(value: object) -> Iterator[str]:
    """What is wrong in a pod's template, wherever the workload has it."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _below(item)
    if not isinstance(value, dict):
        return
    found = cast("fields.Document", value)
    for key in _MAPPINGS & set(found):
        yield from _mapping(found, key, f"{key}.")
    for key in _LISTS:
        items = found.get(key)
        for index, item in enumerate(cast("list[object]", items) if isinstance(items, list) else []):
            if not isinstance(item, str):
                yield f"{key}[{index}] is not a text; quote it"
    variables = found.get("env")
    for item in cast("list[object]", variables) if isinstance(variables, list) else []:
        variable = cast("fields.Document | None", item if isinstance(item, dict) else None)
        if variable and not isinstance(variable.get("value"), (str, type(None))):
            yield f"env {variable.get('name')} is not a text; quote it"
    for item in found.values():
        yield from _below(item)


def _mapping(source: fields.Document, key: str, what: str) -> Iterator[str]:
    for name, value in (fields.optional_document(source, key) or {}).items():
        if not isinstance(value, (str, type(None))):
            yield f"{what}{name} is not a text; quote it"
