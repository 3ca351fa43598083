"""Builds and pushes a service's image with whatever builder answers: Docker or Buildah."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from slipway_release import fields, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.registry import REVISION_LABEL
from slipway_release.source import Source

_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_PUSH_ATTEMPTS = 5


@dataclass(frozen=True)
class Credential:
    """How to log in to the registry; without a password there is no log-in."""

    host: str
    username: str
    password: str


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
        return context.reader.transport.repeat(lambda: builder.push(name), ReleaseError, attempts=_PUSH_ATTEMPTS)


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
    if shutil.which("docker") and _answers(["docker", "info"]):
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
            _run(arguments, self._variables(), credential.password)

    def build(self, name: str, folder: Path, metadata: Sequence[str]) -> None:
        _run(["docker", "build", "--pull", *metadata, "--tag", name, str(folder)], self._variables())

    def push(self, name: str) -> str:
        found = _PUSHED.search(_run(["docker", "push", name], self._variables()))
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
        maker = _run(create, self._variables()).strip().splitlines()[-1]
        self._arguments = ["docker", "buildx", "build", "--builder", maker, "--platform", ",".join(self.platforms)]
        # An attestation would differ at each build, and with it the digest.
        self._arguments += ["--provenance=false", "--pull", *metadata, "--tag", name, str(folder)]
        _run(self._arguments, self._variables())

    def push(self, name: str) -> str:
        described = self.temporary / "metadata.json"
        _run([*self._arguments, "--push", "--metadata-file", str(described)], self._variables())
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
            _run(
                [*arguments, "--username", credential.username, "--password-stdin", credential.host],
                {},
                credential.password,
            )

    def build(self, name: str, folder: Path, metadata: Sequence[str]) -> None:
        arguments = [self.program, "build", *self._access(), "--isolation", "chroot", *metadata]
        target = ["--platform", ",".join(self.platforms), "--manifest", name] if self.platforms else ["--tag", name]
        _run([*arguments, *target, str(folder)], {})

    def push(self, name: str) -> str:
        digest = self.temporary / "digest"
        command = ["manifest", "push", "--all"] if self.platforms else ["push"]
        _run([self.program, *command, *self._access(), "--digestfile", str(digest), name, f"docker://{name}"], {})
        return digest.read_text(encoding="utf-8").strip()

    def _access(self) -> list[str]:
        known = ["--authfile", str(self._authentication)] if self._authentication.exists() else []
        return [*known, "--tls-verify=false"] if self.insecure else known

    @property
    def _authentication(self) -> Path:
        return self.temporary / "auth.json"


def _answers(arguments: Sequence[str]) -> bool:
    try:
        return subprocess.run(arguments, capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(arguments: Sequence[str], variables: Mapping[str, str], standard_input: str | None = None) -> str:
    """Run a tool, show what it says, and return it. Arguments are passed as they are, never through a shell."""
    workflow.say("$ " + " ".join(arguments))
    with subprocess.Popen(
        arguments,
        # A build must not see what lets this job ask for ID tokens.
        env={name: os.environ[name] for name in os.environ if not name.startswith("ACTIONS_ID_TOKEN_")} | {**variables},
        stdin=subprocess.PIPE if standard_input is not None else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        if standard_input is not None and process.stdin is not None:
            process.stdin.write(standard_input)
            process.stdin.close()
        lines: list[str] = []
        for line in process.stdout or ():
            workflow.say(line.rstrip("\n"))
            lines.append(line)
    if process.returncode:
        last = next((line.strip() for line in reversed(lines) if line.strip()), "no output")
        raise ReleaseError(f"{' '.join(arguments[:2])}: ended with {process.returncode}: {last}")
    return "".join(lines)
