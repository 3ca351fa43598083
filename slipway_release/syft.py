"""Syft, which looks what is in an image: that of the runner, else this version.

It is fetched by its checksum and not by an action: in its job GitHub signs what the job asks for, and the action runs
a script that no commit pins.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway_release import downloads
from slipway_release.errors import ReleaseError

VERSION = "1.42.3"
CHECKSUMS = {
    "amd64": "0d6be741479eddd2c8644a288990c04f3df0d609bbc1599a005532a9dff63509",
    "arm64": "dc630590c953347789d08f8ebf57c7d8094db89100785fcd94b1cddeac791804",
}
"""SHA-256 of its archives for Linux, as its release publishes them."""
DOWNLOADS = "https://github.com/anchore/syft/releases/download"


def program(folder: Path, source: str = DOWNLOADS) -> str:
    """Where it is; fetched into the folder where the runner has none.

    Raises:
        RefusedError: what is fetched is not what was published.
        ReleaseError: it cannot be fetched.
    """
    if (own := shutil.which("syft")) is not None:
        return own
    architecture = downloads.architecture()
    url = f"{source}/v{VERSION}/syft_{VERSION}_linux_{architecture}.tar.gz"
    try:
        content = downloads.fetched(url)
    except OSError as error:
        raise ReleaseError(f"{url}: {error}; re-run this, or put syft on the PATH of the runner") from None
    return str(downloads.unpacked(url, content, CHECKSUMS.get(architecture), "syft", folder / "syft"))
