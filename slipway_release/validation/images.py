"""Images of every container in every kind of workload: each is pinned by digest, so that it stays what was released."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import cast

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.names import IMAGE_PART
from slipway_release.validation.files import Manifest

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
"""The lists of a pod's containers."""
_VOLUMES = "volumes"
_DIGEST = "@sha256:[0-9a-f]{64}"
_PINNED = re.compile(rf"[^@\s]+{_DIGEST}")
_HOST = (
    r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)(:[0-9]+)?"
)
_NAME = re.compile(rf"({_HOST}/)?{IMAGE_PART}(/{IMAGE_PART})*(:[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}})?{_DIGEST}")
"""https://github.com/distribution/reference: what a node can pull."""
_POD_SPECS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template", "spec"),
    ),
}


def check(manifest: Manifest) -> Iterator[str]:
    """What is wrong with the images of an object. Pod templates of kinds that are not Kubernetes' own count too."""
    place = _POD_SPECS.get(str(manifest.get("kind")))
    if place is not None:
        containers = (pod_of(manifest) or {}).get("containers")
        if not isinstance(containers, list) or not containers:
            yield f"{'.'.join(place)}.containers is empty"
    yield from _unpinned(manifest, is_workload=place is not None)


def pod_of(manifest: Manifest) -> Document | None:
    """What the pods of a workload are like; None for what makes no pods."""
    here: Document | None = manifest
    for key in _POD_SPECS.get(str(manifest.get("kind")), ("",)):
        here = fields.optional_document(here, key) if here else None
    return here


def permitted(sources: Iterable[str]) -> str:
    """A pattern of the images that a cluster takes: of some places, each pinned."""
    return f"^({'|'.join(re.escape(source) for source in sources)})/[^@]+{_DIGEST}$"


def beyond(sources: Iterable[str]) -> str:
    """What is said of an image that it does not take."""
    named = " or ".join(sources)
    return f": not an image of {named} by its digest; release it, or add its place to the environment's `imageSources`"


def check_sources(manifest: Manifest, sources: Collection[str]) -> Iterator[str]:
    """Images that the cluster would not take; those that are not pinned are told otherwise."""
    for image in dict.fromkeys(of(manifest)):
        if sources and _PINNED.fullmatch(image) and not re.match(permitted(sources), image):
            yield f"image {image}{beyond(sources)}"


def of(manifest: Manifest) -> Iterator[str]:
    """The images of all containers of an object, and of all volumes: a container may run what lies in one."""
    for _, items in _listed(manifest):
        for item in items:
            image = cast("dict[str, object]", item).get("image") if isinstance(item, dict) else None
            if isinstance(image, dict):
                image = cast("dict[str, object]", image).get("reference")
            if isinstance(image, str):
                yield image


def _unpinned(manifest: Manifest, *, is_workload: bool) -> Iterator[str]:
    for key, items in _listed(manifest):
        for item in items:
            yield from _container(item, is_workload=is_workload) if key in CONTAINERS else _volume(item)


def _listed(value: object) -> Iterator[tuple[str, list[object]]]:
    """The lists of containers and of volumes, wherever they stand, each with its key."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _listed(item)
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            if isinstance(item, list) and (key in CONTAINERS or key == _VOLUMES):
                yield key, cast("list[object]", item)
            yield from _listed(cast("object", item))


def _container(container: object, *, is_workload: bool) -> Iterator[str]:
    if not isinstance(container, dict):
        if is_workload:
            yield f"{container!r} is not a container"
        return
    found = cast("dict[str, object]", container)
    # A patch of somebody else's pod, as operators take it, may have a container without an image.
    if "image" not in found and not is_workload:
        return
    image = found.get("image") or ""
    if not isinstance(image, str) or _PINNED.fullmatch(image) is None:
        yield f"container {found.get('name')!r}: image {image!r} is not pinned by digest (name@sha256:…)"
    elif _NAME.fullmatch(image) is None:
        yield f"container {found.get('name')!r}: image {image!r} is not the name of an image, so no node could pull it"


def _volume(volume: object) -> Iterator[str]:
    found = cast("dict[str, object]", volume) if isinstance(volume, dict) else {}
    image = found.get("image")
    if isinstance(image, dict):
        reference = cast("dict[str, object]", image).get("reference") or ""
        if not isinstance(reference, str) or _PINNED.fullmatch(reference) is None:
            yield f"volume {found.get('name')!r}: image {reference!r} is not pinned by digest"
        elif _NAME.fullmatch(reference) is None:
            yield f"volume {found.get('name')!r}: {reference!r} is not the name of an image, so no node could pull it"
