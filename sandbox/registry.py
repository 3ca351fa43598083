"""The sandbox's OCI registry: its configuration, and getting images into it without a push each time.

The registry is Debian's docker-registry. Its storage is a plain tree of files, so the cached images are put there as
hard links before it starts: no bytes move, and nothing is compressed, uploaded and hashed again.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github.packages import signing


@dataclass(frozen=True)
class CachedImage:
    """An image whose blobs lie in a folder of the cache, each called by the hexadecimal part of its digest."""

    name: str
    """The usual name, registry and tag included: `quay.io/argoproj/argocd:v3.5.7`."""
    manifest: str
    digest: str
    """Of the manifest, which is a blob of that folder too."""
    blobs: Path

    @property
    def repository(self) -> str:
        """The name without registry and tag: how a mirror of every registry serves it."""
        return self.name.partition("/")[2].rpartition(":")[0]

    @property
    def tag(self) -> str:
        return self.name.rpartition(":")[2]

    @property
    def media_type(self) -> str:
        return str(json.loads(self.manifest)["mediaType"])

    @property
    def contents(self) -> list[str]:
        """Digests of the configuration and the layers."""
        document = cast(dict[str, Any], json.loads(self.manifest))
        return [document["config"]["digest"], *(layer["digest"] for layer in document["layers"])]

    def blob(self, digest: str) -> Path:
        return self.blobs / digest.removeprefix("sha256:")


def configuration(storage: Path, config: SandboxConfig) -> dict[str, Any]:
    """The registry's configuration file: plain HTTP, reachable from this machine and the node's pods only.

    With private packages it asks for a token of the sandbox's GitHub, which decides who may read and write what.
    """
    made: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": {"addr": config.registry_host},
    }
    if config.private_packages:
        made["auth"] = {
            "token": {
                "realm": f"{config.github_url.rstrip('/')}{signing.TOKEN_PATH}",
                "service": signing.SERVICE,
                "issuer": signing.ISSUER,
                "rootcertbundle": str(signing.ensure(config.github_directory).certificate),
            }
        }
    return made


def seed(storage: Path, images: Iterable[CachedImage]) -> None:
    """Puts images into the storage of a registry, where they are not there yet.

    Blobs are hard links to the cache: the registry never writes into a blob. Everything else, such as what a tag
    points to, it overwrites in place, so those are files of its own.
    """
    root = storage / "docker" / "registry" / "v2"
    for image in images:
        repository = root / "repositories" / image.repository
        for digest in (image.digest, *image.contents):
            algorithm, _, value = digest.partition(":")
            _link(image.blob(digest), root / "blobs" / algorithm / value[:2] / value / "data")
        for digest in image.contents:
            _write(repository / "_layers" / digest.replace(":", "/") / "link", digest)
        digest = image.digest
        _write(repository / "_manifests" / "revisions" / digest.replace(":", "/") / "link", digest)
        tag = repository / "_manifests" / "tags" / image.tag
        _write(tag / "index" / digest.replace(":", "/") / "link", digest)
        _write(tag / "current" / "link", digest)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        unfinished = target.with_name(f".{target.name}.{os.getpid()}")
        shutil.copyfile(source, unfinished)
        unfinished.rename(target)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class TokenLogin(httpx.Auth):
    """Gets a token where a registry asks for one, as its clients do, and shows it from then on.

    A body that is a stream cannot be sent twice; before a blob comes a request that starts its upload.
    """

    requires_response_body = True

    def __init__(self, password: str) -> None:
        """With the token of an account of the sandbox's GitHub."""
        self._account: httpx.BasicAuth = httpx.BasicAuth("x", password)
        self._token: str = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Answers a challenge once."""
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        refused = yield request
        challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers.get("WWW-Authenticate", "")))
        if refused.status_code != 401 or "realm" not in challenge:
            return
        asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        answer = yield next(self._account.auth_flow(httpx.Request("GET", challenge["realm"], params=asked)))
        if answer.is_success:
            self._token = answer.json()["token"]
            request.headers["Authorization"] = f"Bearer {self._token}"
            yield request


def logged_in(token: str) -> httpx.Client:
    """What asks a registry, and shows it the token of an administrator where it asks for one.

    It is for several images: to make one takes longer than a look at an image.
    """
    return httpx.Client(timeout=60, trust_env=False, auth=TokenLogin(token))


def push(client: httpx.Client, host: str, image: CachedImage) -> bool:
    """Uploads what a running registry lacks of an image; returns whether there was anything.

    Args:
        client: what asks.
        host: of the registry.
        image: what to upload.

    Raises:
        SandboxError: the registry does not answer, or refuses.
    """
    url = f"http://{host}/v2/{image.repository}"
    headers = {"Accept": image.media_type, "Content-Type": image.media_type}
    try:
        there = client.head(f"{url}/manifests/{image.tag}", headers=headers)
        if there.headers.get("Docker-Content-Digest") == image.digest:
            return False
        for digest in image.contents:
            _push_blob(client, url, digest, image.blob(digest))
        answer = client.put(f"{url}/manifests/{image.tag}", content=image.manifest, headers=headers)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise SandboxError(f"registry {host}: {image.name} cannot be pushed: {error}; see `make status`") from None
    return True


def _push_blob(client: httpx.Client, url: str, digest: str, path: Path) -> None:
    if client.head(f"{url}/blobs/{digest}").is_success:
        return
    started = client.post(f"{url}/blobs/uploads/")
    started.raise_for_status()
    with path.open("rb") as content, contextlib.closing(content):
        answer = client.put(
            httpx.URL(str(started.headers["Location"])).copy_merge_params({"digest": digest}),
            content=content,
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size)},
        )
    answer.raise_for_status()
