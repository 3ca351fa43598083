"""Installs the Helm that Argo CD renders with on a runner that has another one, or none."""

from __future__ import annotations

import os
from pathlib import Path

from slipway_release import downloads, workflow
from slipway_release.platform_types import Helm
from slipway_release.validation import helm

DOWNLOADS = "https://get.helm.sh"


def install(wanted: Helm | None, folder: Path, source: str = DOWNLOADS) -> Path | None:
    """The program, installed below the folder; None where the runner's own one is used.

    Args:
        wanted: what Argo CD renders with; None where the settings do not say.
        folder: where programs of this run go.
        source: where Helm's archives are.

    Raises:
        RefusedError: the archive is not the one that was published.
    """
    if wanted is None or helm.version() == wanted.version:
        return None
    architecture = downloads.architecture()
    url = f"{source}/helm-v{wanted.version}-linux-{architecture}.tar.gz"
    try:
        content = downloads.fetched(url)
        checksum = wanted.checksums.get(architecture) or downloads.fetched(f"{url}.sha256sum").decode().split()[0]
    except OSError as error:
        workflow.say(f"{url}: {error}")
        return None
    return downloads.unpacked(url, content, checksum, f"linux-{architecture}/helm", folder / "helm")


def announce(program: Path) -> None:
    """Tells the steps that follow which Helm to use."""
    path = os.environ.get("GITHUB_ENV")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"HELM={program}\n")
    workflow.say(f"helm: {program}")
