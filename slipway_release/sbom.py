"""The bill of materials of an image: an SPDX document of what syft finds in it, put beside it in the registry.

There is one for each platform, beside the manifest of that platform. The image's attestation names each by its hash,
so that GitHub's signature is under it too.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from slipway_release import fields, referrers, syft, tool, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.platform_types import Service
from slipway_release.tool import Credential

KIND = "application/spdx+json"


def attach(context: Context, service: Service, digest: str, credential: Credential) -> list[Document]:
    """Puts a bill of materials beside each platform of an image; returns what a statement says of them."""
    named: list[Document] = []
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        program = syft.program(Path(temporary))
        for manifest in context.registry.platforms(service.image, digest):
            image, file = f"{service.image}@{manifest}", Path(temporary) / "spdx.json"
            # From the registry and not from the builder: it speaks of the digest that runs.
            command = [program, "scan", "--output", f"spdx-json={file}", f"registry:{image}"]
            tool.run(command, _variables(context.platform.registry_insecure, credential))
            content = file.read_bytes()
            found = fields.items(fields.document(json.loads(content), "syft").get("packages"), "syft: packages")
            named.append(
                _named(service, manifest, referrers.attach(context.registry, service.image, manifest, KIND, content))
            )
            workflow.notice(f"{image}: SBOM of {len(found)} packages")
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


def _variables(insecure: bool, credential: Credential) -> dict[str, str]:
    variables = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "SYFT_REGISTRY_INSECURE_USE_HTTP": str(insecure).lower()}
    if credential.password:
        variables["SYFT_REGISTRY_AUTH_USERNAME"] = credential.username
        variables["SYFT_REGISTRY_AUTH_PASSWORD"] = credential.password
    return variables
