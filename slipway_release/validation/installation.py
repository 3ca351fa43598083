"""Installs the Helm that Argo CD renders with on a runner that has another one, or none."""

from __future__ import annotations

import hashlib
import io
import os
import platform as machine
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from slipway_release import workflow
from slipway_release.errors import RefusedError
from slipway_release.platform_file import Helm
from slipway_release.validation import helm

DOWNLOADS = "https://get.helm.sh"
_SECONDS = 30
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def install(wanted: Helm | None, folder: Path, downloads: str = DOWNLOADS) -> Path | None:
    """The program, installed below the folder; None where the runner's own one is used.

    Args:
        wanted: what Argo CD renders with; None where the settings do not say.
        folder: where programs of this run go.
        downloads: where Helm's archives are.

    Raises:
        RefusedError: the archive is not the one that was published.
    """
    if wanted is None or helm.version() == wanted.version:
        return None
    architecture = _ARCHITECTURES.get(machine.machine(), machine.machine())
    archive = f"helm-v{wanted.version}-linux-{architecture}.tar.gz"
    try:
        content = _fetched(f"{downloads}/{archive}")
        checksum = (
            wanted.checksums.get(architecture) or _fetched(f"{downloads}/{archive}.sha256sum").decode().split()[0]
        )
    except (urllib.error.URLError, OSError) as error:
        workflow.say(f"{downloads}/{archive}: {error}")
        return None
    if hashlib.sha256(content).hexdigest() != checksum:
        raise RefusedError(
            f"{downloads}/{archive}: its checksum is another one; look who answers there, and re-run this"
        )
    program = folder / "helm"
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        # The file alone, whatever the archive says of its place; filters of extraction are not in each Python 3.11.
        found = packed.extractfile(f"linux-{architecture}/helm")
        if found is None:
            raise RefusedError(f"{downloads}/{archive}: linux-{architecture}/helm is not a file in it")
        program.write_bytes(found.read())
    program.chmod(0o755)
    return program


def announce(program: Path) -> None:
    """Tells the steps that follow which Helm to use."""
    path = os.environ.get("GITHUB_ENV")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"HELM={program}\n")
    workflow.say(f"helm: {program}")


def _fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - a fixed address
        return answer.read()
