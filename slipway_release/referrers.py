"""Documents about an image that its registry stores with it, found by the image's digest.

As OCI's distribution specification has it for every registry: an index under the tag `sha256-<digest>` lists manifests
that name the image as their subject. `oras discover` and `crane` show them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from slipway_release import fields
from slipway_release.fields import Document
from slipway_release.registry import Registry

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_EMPTY = "application/vnd.oci.empty.v1+json"
_MOST_BYTES = 1_000_000


def find(registry: Registry, image: str, digest: str, kind: str) -> Iterator[bytes]:
    """The contents of that kind (an `artifactType`) beside an image, the newest last."""
    for blob in digests(registry, image, digest, kind):
        yield _read(registry, image, f"blobs/{blob}", blob)


def digests(registry: Registry, image: str, digest: str, kind: str) -> Iterator[str]:
    """The digests of those contents."""
    for entry in _listed(registry, image, digest):
        if entry.get("artifactType") != kind:
            continue
        name = fields.text(entry, "digest", f"image {image}: referrer")
        manifest = fields.document(json.loads(_read(registry, image, f"manifests/{name}", name)), f"{image}@{name}")
        for layer in fields.documents(manifest.get("layers"), f"{image}@{name}: layers"):
            if layer.get("mediaType") == kind:
                yield fields.text(layer, "digest", f"{image}@{name}: layers")


def attach(registry: Registry, image: str, digest: str, kind: str, content: bytes) -> str:
    """Puts a content of that kind beside an image, and returns the content's digest."""
    subject = registry.read(image, f"manifests/{digest}")
    layer = registry.put_blob(image, content)
    manifest: Document = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "artifactType": kind,
        "config": {"mediaType": _EMPTY, **registry.put_blob(image, b"{}")},
        "layers": [{"mediaType": kind, **layer}],
        "subject": {
            "mediaType": subject.headers.get("content-type", _MANIFEST),
            "digest": digest,
            "size": len(subject.body),
        },
    }
    text = json.dumps(manifest).encode()
    name = "sha256:" + hashlib.sha256(text).hexdigest()
    registry.put_manifest(image, name, text, _MANIFEST)
    own = {"mediaType": _MANIFEST, "digest": name, "size": len(text), "artifactType": kind}
    others = [entry for entry in _listed(registry, image, digest) if entry.get("digest") != name]
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*others, own]}
    registry.put_manifest(image, _tag(digest), json.dumps(index).encode(), _INDEX)
    return fields.text(layer, "digest", f"{image}@{name}: layers")


def _listed(registry: Registry, image: str, digest: str) -> list[Document]:
    answer = registry.read(image, f"manifests/{_tag(digest)}")
    if answer.status in {401, 403, 404}:
        return []
    index = fields.document(json.loads(answer.body), f"image {image}: {_tag(digest)}")
    return list(fields.documents(index.get("manifests"), f"image {image}: {_tag(digest)}"))


def _read(registry: Registry, image: str, path: str, digest: str) -> bytes:
    """A content by its digest; nothing where the registry has something else, or something too large to be ours."""
    body = registry.read(image, path).body
    matches = "sha256:" + hashlib.sha256(body).hexdigest() == digest
    return body if matches and len(body) <= _MOST_BYTES else b"{}"


def _tag(digest: str) -> str:
    return digest.replace(":", "-")
