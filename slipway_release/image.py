"""Builds and pushes a service's image with whatever builder answers: Docker or Buildah."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slipway_release import fields, tool, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.registry import REVISION_LABEL
from slipway_release.source import Source
from slipway_release.tool import Credential

_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_PUSH_ATTEMPTS = 5


@dataclass(frozen=True)
class Metadata:
    """What an image says about itself: as labels, and as build arguments for Dockerfiles that want them."""

    version: str
    commit: str
    url: str

    def arguments(self) -> list[str]:
        labels = {
            REVISION_LABEL: self.commit,
            "org.opencontainers.image.version": self.version,
            "org.opencontainers.image.source": self.url,
        }
        given = {"VERSION": self.version, "COMMIT": self.commit, "SOURCE": self.url}
        return [
            *(argument for name, value in labels.items() for argument in ("--label", f"{name}={value}")),
            *(argument for name, value in given.items() for argument in ("--build-arg", f"{name}={value}")),
        ]


def build(context: Context, source: Source, folder: Path, credential: Credential) -> str:
    """The digest of the image of a source, built now unless it exists."""
    if source.existing is not None:
        workflow.notice(f"{source.service.image}:{source.version}: built before from this commit; taken as it is")
        return source.existing.digest
    if not (folder / "Dockerfile").is_file():
        raise RefusedError(f"{source.service.repository}: has no Dockerfile at {source.commit[:12]}; add one")
    name = f"{source.service.image}:{source.version}"
    url = f"{context.platform.server_url}/{source.service.repository}"
    metadata = Metadata(source.version, source.commit, url)
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        builder = _builder(context.platform.registry_insecure, context.platform.image_platforms, Path(temporary))
        builder.log_in(credential)
        builder.build(name, folder, metadata.arguments())
        return context.own.transport.repeat(lambda: builder.push(name), ReleaseError, attempts=_PUSH_ATTEMPTS)


class Builder(Protocol):
    """A tool that builds and pushes images."""

    def log_in(self, credential: Credential) -> None: ...

    def build(self, name: str, folder: Path, metadata: Sequence[str]) -> None: ...

    def push(self, name: str) -> str:
        """The digest of what was built under that name, now in the registry."""
        ...


def _builder(insecure: bool, platforms: tuple[str, ...], temporary: Path) -> Builder:
    buildah = os.environ.get("BUILDAH")
    if buildah:
        return Buildah(buildah, insecure, platforms, temporary)
    if shutil.which("docker") and tool.answers(["docker", "info"]):
        return Buildx(temporary, platforms) if platforms else Docker(temporary)
    if shutil.which("buildah"):
        return Buildah("buildah", insecure, platforms, temporary)
    raise RefusedError("runner: neither a Docker engine nor buildah answers; images cannot be built on it")


@dataclass
class Docker:
    """A Docker engine. Its client keeps credentials in a folder of this run only."""

    temporary: Path

    def log_in(self, credential: Credential) -> None:
        if credential.password:
            arguments = ["docker", "login", "--username", credential.username, "--password-stdin", credential.host]
            tool.run(arguments, self._variables(), credential.password)

    def build(self, name: str, folder: Path, metadata: Sequence[str]) -> None:
        tool.run(["docker", "build", "--pull", *metadata, "--tag", name, str(folder)], self._variables())

    def push(self, name: str) -> str:
        found = _PUSHED.search(tool.run(["docker", "push", name], self._variables()))
        if found is None:
            raise ReleaseError(f"docker push {name}: did not say which digest it pushed")
        return found[1]

    def _variables(self) -> dict[str, str]:
        return {"DOCKER_CONFIG": str(self.temporary)}


@dataclass
class Buildx(Docker):
    """Docker for several platforms: only a builder of its own makes such images, and it pushes what it has built."""

    platforms: tuple[str, ...]
    _arguments: list[str] = field(default_factory=list[str], init=False)

    def build(self, name: str, folder: Path, metadata: Sequence[str]) -> None:
        create = ["docker", "buildx", "create", "--driver", "docker-container"]
        maker = tool.run(create, self._variables()).strip().splitlines()[-1]
        self._arguments = ["docker", "buildx", "build", "--builder", maker, "--platform", ",".join(self.platforms)]
        # An attestation would differ at each build, and with it the digest.
        self._arguments += ["--provenance=false", "--pull", *metadata, "--tag", name, str(folder)]
        tool.run(self._arguments, self._variables())

    def push(self, name: str) -> str:
        described = self.temporary / "metadata.json"
        tool.run([*self._arguments, "--push", "--metadata-file", str(described)], self._variables())
        content = fields.document(json.loads(described.read_text(encoding="utf-8")), "docker buildx build")
        return fields.text(content, "containerimage.digest", f"docker buildx build of {name}")


@dataclass(frozen=True)
class Buildah:
    """Buildah, which needs no engine; its isolation is the one that works inside of containers too."""

    program: str
    insecure: bool
    platforms: tuple[str, ...]
    temporary: Path

    def log_in(self, credential: Credential) -> None:
        if credential.password:
            arguments = [self.program, "login", "--authfile", str(self._authentication)]
            arguments += ["--tls-verify=false"] if self.insecure else []
            tool.run(
                [*arguments, "--username", credential.username, "--password-stdin", credential.host],
                {},
                credential.password,
            )

    def build(self, name: str, folder: Path, metadata: Sequence[str]) -> None:
        arguments = [self.program, "build", *self._access(), "--isolation", "chroot", *metadata]
        target = ["--platform", ",".join(self.platforms), "--manifest", name] if self.platforms else ["--tag", name]
        tool.run([*arguments, *target, str(folder)], {})

    def push(self, name: str) -> str:
        digest = self.temporary / "digest"
        command = ["manifest", "push", "--all"] if self.platforms else ["push"]
        tool.run([self.program, *command, *self._access(), "--digestfile", str(digest), name, f"docker://{name}"], {})
        return digest.read_text(encoding="utf-8").strip()

    def _access(self) -> list[str]:
        known = ["--authfile", str(self._authentication)] if self._authentication.exists() else []
        return [*known, "--tls-verify=false"] if self.insecure else known

    @property
    def _authentication(self) -> Path:
        return self.temporary / "auth.json"
