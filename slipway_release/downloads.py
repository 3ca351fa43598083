"""Programs that a runner lacks: fetched in one version, and compared with the checksum that was published for it."""

from __future__ import annotations

import hashlib
import io
import platform as machine
import tarfile
import urllib.request
from pathlib import Path

from slipway_release.errors import RefusedError

_SECONDS = 30
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's, as archives are named."""
    return _ARCHITECTURES.get(machine.machine(), machine.machine())


def fetched(url: str) -> bytes:
    """What is there; an `OSError` where it cannot be had."""
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - a fixed address
        return answer.read()


def unpacked(url: str, content: bytes, checksum: str | None, member: str, program: Path) -> Path:
    """The program of an archive.

    Args:
        url: where the archive comes from.
        content: the archive.
        checksum: its SHA-256; None where none is known.
        member: the program's name in it.
        program: where it goes.

    Raises:
        RefusedError: the archive is not the one that was published.
    """
    if hashlib.sha256(content).hexdigest() != checksum:
        raise RefusedError(f"{url}: its checksum is another one; look who answers there, and re-run this")
    program.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        # The file alone, whatever the archive says of its place; filters of extraction are not in each Python 3.11.
        found = packed.extractfile(member)
        if found is None:
            raise RefusedError(f"{url}: {member} is not a file in it")
        program.write_bytes(found.read())
    program.chmod(0o755)
    return program
