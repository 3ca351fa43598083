"""An OCI registry: is there an image at this digest, and what was it built from; and what is put beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from slipway_release import fields
from slipway_release.errors import RefusedError
from slipway_release.exchange import Response
from slipway_release.fields import Document
from slipway_release.transport import Transport

SOURCE_LABEL = "org.opencontainers.image.source"
REVISION_LABEL = "org.opencontainers.image.revision"

_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_ACCEPT = ", ".join(
    (
        *_INDEX_TYPES,
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_BEARER = re.compile(r"(?:^|[\s,])bearer\s+(.*)", re.IGNORECASE | re.DOTALL)
_API_HOSTS = {"docker.io": "registry-1.docker.io"}
"""Where the API of a registry is, if not at the host that its images are named after."""
_UNKNOWN = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN"})
"""The codes by which a registry says that there is no such image; not each says so with HTTP 404."""
_REMEDY = (
    "set `registry.pullUsername` and `slipway:packagesToken` of the platform, or give this repository read access to"
    " the package"
)


class _HiddenError(RefusedError):
    """The registry does not say whether the image exists."""


@dataclass(frozen=True)
class Image:
    """An image that exists, by digest."""

    digest: str
    labels: Mapping[str, str]

    @property
    def source(self) -> str | None:
        """The repository it says it was built from."""
        return self.labels.get(SOURCE_LABEL)

    @property
    def revision(self) -> str | None:
        """The source commit it says it was built from."""
        return self.labels.get(REVISION_LABEL)


@dataclass
class Registry:
    """One registry, with one credential or none."""

    host: str
    """Its host, and the path that all of its images are below; `europe-docker.pkg.dev/project/images` for example."""
    insecure: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    transport: Transport = field(default_factory=Transport)
    _tokens: dict[str, str] = field(default_factory=dict[str, str], init=False, repr=False)

    @property
    def server(self) -> str:
        """What credentials are for: the host, without the path."""
        return self.host.partition("/")[0]

    def image(self, name: str, reference: str, *, hidden_is_absent: bool = False) -> Image | None:
        """The image `<name>` at a tag or digest, or None where there is none, or not for each of its platforms.

        Args:
            name: the image, without tag.
            reference: a tag or a digest.
            hidden_is_absent: whether a refusal is taken for None. GHCR refuses to speak of a package that does not
                exist yet; an account that may push to one may also read it.
        """
        repository = self._repository(name)
        try:
            response = self._get(repository, f"manifests/{reference}", _ACCEPT)
        except _HiddenError:
            if hidden_is_absent:
                return None
            raise
        if _is_absent(response) or (hidden_is_absent and response.status in {401, 403}):
            return None
        content = self._content(response, name, reference)
        digest = "sha256:" + hashlib.sha256(response.body).hexdigest()
        if reference.startswith("sha256:") and digest != reference:
            raise RefusedError(f"image {name}@{reference}: the registry answered other content, {digest}")
        if content.get("mediaType") in _INDEX_TYPES or "manifests" in content:
            platforms = list(self._listed(name, content))
            if not platforms:
                raise RefusedError(f"image {name}: its index lists no image")
            # What cleans up untagged manifests leaves the index, and takes away what nodes pull.
            answers = [self._get(repository, f"manifests/{platform}", _ACCEPT) for platform in platforms]
            if any(map(_is_absent, answers)):
                return None
            content = self._content(answers[0], name, platforms[0])
        return Image(digest, self._labels(repository, name, content))

    def platforms(self, name: str, digest: str) -> list[str]:
        """The digests of an image's manifests, one for each platform; its own where it is for one."""
        content = self._manifest(self._repository(name), name, digest)
        return list(self._listed(name, content)) if "manifests" in content else [digest]

    def _listed(self, name: str, index: Document) -> Iterator[str]:
        """The manifests of real platforms; an index also lists attestations as `unknown`."""
        for entry in fields.documents(index.get("manifests"), f"image {name}: manifests"):
            if (fields.optional_document(entry, "platform") or {}).get("os") != "unknown":
                yield fields.text(entry, "digest", f"image {name}: manifests")

    def _manifest(self, repository: str, name: str, digest: str) -> Document:
        return self._content(self._get(repository, f"manifests/{digest}", _ACCEPT), name, digest)

    def _labels(self, repository: str, name: str, manifest: Document) -> dict[str, str]:
        digest = fields.text(fields.child(manifest, "config", f"image {name}"), "digest", f"image {name}: config")
        content = self._content(self._get(repository, f"blobs/{digest}", "*/*"), name, digest)
        config = fields.optional_document(content, "config") or {}
        labels = fields.optional_document(config, "Labels") or {}
        return {key: str(value) for key, value in labels.items()}

    def read(self, name: str, path: str) -> Response:
        """What is at `manifests/<reference>` or `blobs/<digest>` of an image, whatever the answer."""
        try:
            return self._get(self._repository(name), path, _ACCEPT if path.startswith("manifests/") else "*/*")
        except _HiddenError:
            return Response(404)

    def put_blob(self, name: str, content: bytes) -> Document:
        """Uploads a content; its digest and size."""
        repository, digest = self._repository(name), "sha256:" + hashlib.sha256(content).hexdigest()
        begun = self._send("POST", repository, self._url(repository, "blobs/uploads/"), {}, b"")
        place = urllib.parse.urljoin(self._url(repository, ""), begun.headers.get("location", ""))
        # A credential goes to the registry alone.
        if not begun.ok or urllib.parse.urlsplit(place).netloc != self._host:
            raise RefusedError(f"image {name}: nothing may be put beside it (HTTP {begun.status}: {begun.message})")
        place += f"{'&' if '?' in place else '?'}digest={urllib.parse.quote(digest)}"
        self._written(name, self._send("PUT", repository, place, {"Content-Type": "application/octet-stream"}, content))
        return {"digest": digest, "size": len(content)}

    def put_manifest(self, name: str, reference: str, content: bytes, kind: str) -> None:
        """Writes a manifest under a tag or its digest."""
        repository = self._repository(name)
        url = self._url(repository, f"manifests/{reference}")
        self._written(name, self._send("PUT", repository, url, {"Content-Type": kind}, content))

    def _written(self, name: str, answer: Response) -> None:
        if not answer.ok:
            raise RefusedError(f"image {name}: nothing may be put beside it (HTTP {answer.status}: {answer.message})")

    def _get(self, repository: str, path: str, accept: str) -> Response:
        return self._send("GET", repository, self._url(repository, path), {"Accept": accept})

    @property
    def _host(self) -> str:
        return _API_HOSTS.get(self.server, self.server)

    def _url(self, repository: str, path: str) -> str:
        return f"{'http' if self.insecure else 'https'}://{self._host}/v2/{repository}/{path}"

    def _send(
        self, method: str, repository: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> Response:
        """An answer; a refused request is sent again once with the credential, where it was not."""
        actions = "pull" if method == "GET" else "pull,push"
        key = f"{repository}:{actions}"
        response = self.transport.send(method, url, self._headers(key, headers), body)
        if response.status == 401 and key not in self._tokens:
            self._authenticate(key, response.headers.get("www-authenticate", ""))
            response = self.transport.send(method, url, self._headers(key, headers), body)
        return response

    def _headers(self, key: str, more: Mapping[str, str]) -> dict[str, str]:
        headers = {"User-Agent": "slipway", **more}
        if key in self._tokens:
            headers["Authorization"] = self._tokens[key]
        return headers

    def _authenticate(self, key: str, challenge: str) -> None:
        """Gets what opens a repository for some actions, `<repository>:<actions>`."""
        repository = key.rpartition(":")[0]
        bearer = _BEARER.search(challenge)
        basic = "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        if bearer is None:
            self._tokens[key] = basic
            return
        parameters = {match[1]: match[2] for match in _CHALLENGE.finditer(bearer[1])}
        realm = parameters.pop("realm", "")
        if urllib.parse.urlsplit(realm).scheme != "https" and not self.insecure:
            raise RefusedError(f"registry {self.host}: asks for credentials at {realm!r}, which is not https")
        query = {"scope": f"repository:{key}"}
        # Registries may name less than a push needs.
        named = {"service"} if key.endswith("push") else {"service", "scope"}
        query |= {name: value for name, value in parameters.items() if name in named}
        answer = self.transport.send(
            "GET",
            f"{realm}{'&' if '?' in realm else '?'}{urllib.parse.urlencode(query)}",
            {"Authorization": basic} if self.password else {},
        )
        if not answer.ok:
            raise _HiddenError(
                f"registry {self.server}: refused the credential for {repository} (HTTP {answer.status}); {_REMEDY}"
            )
        content = fields.document(answer.json(), realm)
        token = fields.optional_text(content, "token") or fields.text(content, "access_token", realm)
        self._tokens[key] = f"Bearer {token}"

    def _repository(self, name: str) -> str:
        if not name.startswith(f"{self.host}/"):
            raise RefusedError(f"image {name!r}: not in the platform's registry {self.host}")
        return name.removeprefix(f"{self.server}/")

    def _content(self, response: Response, name: str, reference: str) -> Document:
        if response.status in {401, 403}:
            raise RefusedError(
                f"image {name}@{reference}: the registry refuses to show it (HTTP {response.status}); {_REMEDY}"
            )
        if not response.ok:
            raise RefusedError(f"image {name}@{reference}: HTTP {response.status}: {response.message}")
        try:
            return fields.document(json.loads(response.body), f"image {name}@{reference}")
        except ValueError:
            raise RefusedError(f"image {name}@{reference}: its manifest is not JSON") from None


def _is_absent(response: Response) -> bool:
    """Whether the registry says that there is no such thing; one that refuses, or asks for a login, says nothing."""
    if response.status == 404:
        return True
    try:
        content: object = None if response.ok else response.json()
    except ValueError:
        return False
    errors = cast("dict[str, object]", content).get("errors") if isinstance(content, dict) else None
    listed = cast("list[object]", errors) if isinstance(errors, list) else []
    codes = [cast("dict[str, object]", error).get("code") for error in listed if isinstance(error, dict)]
    return bool(codes) and len(codes) == len(listed) and all(code in _UNKNOWN for code in codes)
