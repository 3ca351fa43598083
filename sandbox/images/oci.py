"""Writing OCI images: a layer from a folder, an image from layers.

Layers are plain tar files. They travel between a registry and a container runtime on the same machine, where
compressing and unpacking would cost more than the bytes it saves.
"""

import hashlib
import json
import os
import platform
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIGURATION_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
_OPAQUE = "trusted.overlay.opaque"


@dataclass(frozen=True)
class Layer:
    """A layer in the cache. It is not compressed, so its digest is also the one that the configuration lists."""

    digest: str
    size: int


@dataclass(frozen=True)
class Settings:
    """What a container of an image starts with."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    directory: str = "/"
    path: str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def document(self) -> dict[str, Any]:
        variables = {"PATH": self.path, **self.environment}
        optional = {"Entrypoint": list(self.entrypoint), "Cmd": list(self.command), "User": self.user}
        return {
            "Env": [f"{name}={value}" for name, value in variables.items()],
            "WorkingDir": self.directory,
            **{name: value for name, value in optional.items() if value},
        }


class _Hashing:
    """A file to write to that knows the digest of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        self.size += len(content)
        return self._file.write(content)

    @property
    def hexadecimal(self) -> str:
        return self._digest.hexdigest()


def write_layer(tree: Path, blobs: Path) -> Layer:
    """Packs a folder into a layer among the blobs; what an overlay marks as deleted is marked as deleted in it."""
    blobs.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=blobs, prefix=".layer-", delete=False) as file:
        unfinished = Path(file.name)
        try:
            hashing = _Hashing(cast(BinaryIO, file))
            # A stream is only written to, whatever the type of a whole file asks for.
            with tarfile.open(fileobj=cast(BinaryIO, hashing), mode="w|", format=tarfile.PAX_FORMAT) as archive:
                _pack(tree, archive)
            file.flush()
            unfinished.chmod(0o644)
            unfinished.rename(blobs / hashing.hexadecimal)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    return Layer(f"sha256:{hashing.hexadecimal}", hashing.size)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _pack(tree: Path, archive: tarfile.TarFile) -> None:
    for path in _walk(tree):
        name = str(path.relative_to(tree))
        info = path.lstat()
        if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:  # an overlay's mark for "deleted"
            archive.addfile(_entry(str(Path(name).with_name(f".wh.{path.name}"))))
            continue
        if stat.S_ISSOCK(info.st_mode):
            continue
        entry = archive.gettarinfo(path, name)
        entry.uname = entry.gname = ""
        # The same tree gives the same digest on every machine; nothing in the images depends on these times.
        entry.mtime = 0
        if entry.isreg():
            with path.open("rb") as content:
                archive.addfile(entry, content)
        else:
            archive.addfile(entry)
        if entry.isdir() and _is_opaque(path):
            archive.addfile(_entry(f"{name}/.wh..wh..opq"))


def _entry(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o644
    return entry


def _is_opaque(path: Path) -> bool:
    try:
        return os.getxattr(path, _OPAQUE) == b"y"
    except OSError:
        return False


def write_manifest(layers: list[Layer], settings: Settings, blobs: Path) -> tuple[str, str]:
    """Writes configuration and manifest of an image among the blobs; returns the manifest's text and digest."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    configuration = {
        "architecture": machine,
        "os": "linux",
        "config": settings.document(),
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        "history": [{"created_by": "slipway sandbox"} for _ in layers],
    }
    digest, size = _write_blob(json.dumps(configuration), blobs)
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": _CONFIGURATION_TYPE, "digest": digest, "size": size},
            "layers": [{"mediaType": _LAYER_TYPE, "digest": layer.digest, "size": layer.size} for layer in layers],
        }
    )
    return manifest, _write_blob(manifest, blobs)[0]


def _write_blob(text: str, blobs: Path) -> tuple[str, int]:
    content = text.encode()
    value = hashlib.sha256(content).hexdigest()
    unfinished = blobs / f".blob-{value}"
    unfinished.write_bytes(content)
    unfinished.rename(blobs / value)
    return f"sha256:{value}", len(content)
