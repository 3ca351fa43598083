"""Fields that Kubernetes does not let change: the first release works, and the sync after the change fails.

https://github.com/kubernetes/kubernetes/blob/v1.35.4/pkg/apis/apps/validation/validation.go and its neighbours
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from slipway_release import fields, layout
from slipway_release.validation import charts, jobs, removal
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Manifest, Problem, Tree
from slipway_release.validation.formats import amount
from slipway_release.validation.secrets import name_of

_FIXED: Mapping[str, tuple[str, ...]] = {
    "apps/v1/DaemonSet": ("spec.selector",),
    "apps/v1/Deployment": ("spec.selector",),
    "apps/v1/ReplicaSet": ("spec.selector",),
    "apps/v1/StatefulSet": (
        *("spec.selector", "spec.serviceName", "spec.podManagementPolicy"),
        "spec.volumeClaimTemplates",
    ),
    "rbac.authorization.k8s.io/v1/RoleBinding": ("roleRef",),
}
"""What stays as it was made, whether it was written or left to its default."""
_FIXED_ONCE_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "v1/PersistentVolumeClaim": ("spec.accessModes", "spec.storageClassName", "spec.volumeMode", "spec.volumeName"),
    "v1/Service": ("spec.clusterIP",),
}
"""What Kubernetes fills in where it is not written, so only another word for it is a change."""
_DEFAULTS: Mapping[str, object] = {"podManagementPolicy": "OrderedReady", "serviceName": "", "volumeMode": "Filesystem"}
_NOT_COMPARED = frozenset({"apiVersion", "kind", "status", "creationTimestamp"})
"""What a claim's template may have or lack without being another one."""
_DATA = ("data", "binaryData", "stringData", "immutable")


def check(base: Tree, tree: Tree, rendered: Sequence[charts.Rendered]) -> list[Problem]:
    """What a change does to objects that run, and that Kubernetes refuses.

    Args:
        base: what runs.
        tree: what is proposed.
        rendered: each service of it in each environment.
    """
    new = {(item.service, item.environment): item for item in rendered}
    before = {(service.name, environment.name): (service, environment) for service, environment in base.placements()}
    changed = [
        key
        for service, environment in tree.placements()
        if (key := (service.name, environment.name)) in before
        and removal.released(base, *before[key])
        and charts.inputs(base, *before[key]) != charts.inputs(tree, service, environment)
    ]
    with Builds() as builds, ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = [pool.submit(charts.render, base, *before[key], builds) for key in changed]
        old = [future.result() for future in waiting]
    return [
        Problem(f"{layout.service_folder(environment, service)} (rendered)", text)
        for (service, environment), item in zip(changed, old, strict=True)
        for text in differences(item.manifests, new[service, environment].manifests)
    ]


def differences(old: Sequence[Manifest], new: Sequence[Manifest]) -> Iterator[str]:
    """What Kubernetes refuses of the step from one set of objects to another."""
    was = {_identity(item): item for item in old if not jobs.hooks(item)}
    for item in new:
        before = was.get(_identity(item))
        if before is None or jobs.is_replaced(item):
            continue
        for path in _changed(before, item):
            yield (
                f"{item.get('kind')} {name_of(item)!r}: {path} differs from what runs, and Kubernetes does not let it"
                " change; put it back, give the object another name, or have Argo CD delete it and make it again with"
                " the annotation `argocd.argoproj.io/sync-options: Force=true,Replace=true`"
            )


def _changed(old: Manifest, new: Manifest) -> Iterator[str]:
    kind = f"{new.get('apiVersion')}/{new.get('kind')}"
    for path in _FIXED.get(kind, ()):
        if _plain(_at(old, path)) != _plain(_at(new, path)):
            yield path
    for path in _FIXED_ONCE_WRITTEN.get(kind, ()):
        before, after = _at(old, path), _at(new, path)
        if before not in (None, "") and after not in (None, "") and before != after:
            yield path
    # An address is given by Kubernetes where none is written, and never `None`.
    had_address = not _at(old, "spec.clusterIP") and _at(old, "spec.type") != "ExternalName"
    if kind == "v1/Service" and had_address and _at(new, "spec.clusterIP") == "None":
        yield "spec.clusterIP"
    if kind in {"v1/ConfigMap", "v1/Secret"} and old.get("immutable") is True:
        yield from (key for key in _DATA if old.get(key) != new.get(key))


def _identity(item: Manifest) -> tuple[str, str]:
    return f"{item.get('apiVersion')}/{item.get('kind')}", name_of(item)


def _at(item: Manifest, path: str) -> object:
    *keys, last = path.split(".")
    value = fields.below(item, *keys).get(last)
    return _DEFAULTS.get(last) if value is None else value


def _plain(value: object, key: str = "") -> object:
    """The value without what says the same in other words."""
    if isinstance(value, dict):
        found = cast("Mapping[str, object]", value)
        return {
            name: _plain(inner, name)
            for name, inner in found.items()
            if name not in _NOT_COMPARED and inner not in (None, {}, []) and inner != _DEFAULTS.get(name)
        }
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[object]", value)]
    return amount(value) if key == "storage" else value
