"""The bill of materials of an image: an SPDX document of what syft finds in it, put beside it in the registry.

There is one for each platform, beside the manifest of that platform. The image's attestation names each by its hash,
so that GitHub's signature is under it too.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from slipway_release import fields, referrers, tool, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.platform_file import Service
from slipway_release.tool import Credential

KIND = "application/spdx+json"


def attach(context: Context, service: Service, digest: str, credential: Credential) -> list[Document]:
    """Puts a bill of materials beside each platform of an image; returns what a statement says of them."""
    if shutil.which("syft") is None:
        raise RefusedError(
            "runner: no syft for `registry.sbom`; `pulumi up` puts back the step of release.yml that brings it"
        )
    named: list[Document] = []
    for manifest in context.registry.platforms(service.image, digest):
        content = _made(f"{service.image}@{manifest}", context.platform.registry_insecure, credential)
        found = fields.items(fields.document(json.loads(content), "syft").get("packages"), "syft: packages")
        beside = referrers.attach(context.registry, service.image, manifest, KIND, content)
        named.append(_named(service, manifest, beside))
        workflow.notice(f"{service.image}@{manifest}: SBOM of {len(found)} packages")
    return named


def check(context: Context, service: Service, digest: str, named: Sequence[Document]) -> None:
    """Refuse an image of which a platform has no bill of materials beside it that is named, as `attach` does."""
    for manifest in context.registry.platforms(service.image, digest):
        there = referrers.digests(context.registry, service.image, manifest, KIND)
        if not any(_named(service, manifest, content) in named for content in there):
            raise RefusedError(f"no SBOM that it names lies beside {service.image}@{manifest}")


def _named(service: Service, manifest: str, content: str) -> Document:
    return {
        "name": f"{service.image}@{manifest}",
        "digest": {"sha256": content.removeprefix("sha256:")},
        "mediaType": KIND,
    }


def _made(image: str, insecure: bool, credential: Credential) -> bytes:
    variables = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "SYFT_REGISTRY_INSECURE_USE_HTTP": str(insecure).lower()}
    if credential.password:
        variables["SYFT_REGISTRY_AUTH_USERNAME"] = credential.username
        variables["SYFT_REGISTRY_AUTH_PASSWORD"] = credential.password
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        file = Path(temporary) / "spdx.json"
        # From the registry and not from the builder: it speaks of the digest that runs.
        tool.run(["syft", "scan", "--output", f"spdx-json={file}", f"registry:{image}"], variables)
        return file.read_bytes()
