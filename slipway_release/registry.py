"""An OCI registry, read-only: is there an image at this digest, and what was it built from."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field

from slipway_release import fields
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.transport import Response, Transport

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


@dataclass(frozen=True)
class Image:
    """An image that exists, by digest."""

    digest: str
    labels: Mapping[str, str]

    @property
    def revision(self) -> str | None:
        """The source commit it says it was built from."""
        return self.labels.get(REVISION_LABEL)


@dataclass
class Registry:
    """One registry, with one credential or none."""

    host: str
    insecure: bool = False
    username: str = ""
    password: str = field(default="", repr=False)
    transport: Transport = field(default_factory=Transport)
    _tokens: dict[str, str] = field(default_factory=dict[str, str], init=False, repr=False)

    def image(self, name: str, reference: str) -> Image | None:
        """The image `<name>` at a tag or digest, or None where there is none."""
        repository = self._repository(name)
        response = self._get(repository, f"manifests/{reference}", _ACCEPT)
        if response.status == 404:
            return None
        content = self._content(response, name, reference)
        digest = "sha256:" + hashlib.sha256(response.body).hexdigest()
        if reference.startswith("sha256:") and digest != reference:
            raise RefusedError(f"image {name}@{reference}: the registry answered other content, {digest}")
        if content.get("mediaType") in _INDEX_TYPES or "manifests" in content:
            content = self._first_of_index(repository, name, content)
        return Image(digest, self._labels(repository, name, content))

    def _first_of_index(self, repository: str, name: str, index: Document) -> Document:
        """The manifest of the first real platform; an index also lists attestations as `unknown`."""
        for entry in fields.documents(index.get("manifests"), f"image {name}: manifests"):
            if (fields.optional_document(entry, "platform") or {}).get("os") == "unknown":
                continue
            digest = fields.text(entry, "digest", f"image {name}: manifests")
            return self._content(self._get(repository, f"manifests/{digest}", _ACCEPT), name, digest)
        raise RefusedError(f"image {name}: its index lists no image")

    def _labels(self, repository: str, name: str, manifest: Document) -> dict[str, str]:
        digest = fields.text(fields.child(manifest, "config", f"image {name}"), "digest", f"image {name}: config")
        content = self._content(self._get(repository, f"blobs/{digest}", "*/*"), name, digest)
        config = fields.optional_document(content, "config") or {}
        labels = fields.optional_document(config, "Labels") or {}
        return {key: str(value) for key, value in labels.items()}

    def _get(self, repository: str, path: str, accept: str) -> Response:
        url = f"{'http' if self.insecure else 'https'}://{self.host}/v2/{repository}/{path}"
        response = self.transport.send("GET", url, self._headers(repository, accept))
        if response.status == 401 and repository not in self._tokens:
            self._authenticate(repository, response.headers.get("www-authenticate", ""))
            response = self.transport.send("GET", url, self._headers(repository, accept))
        return response

    def _headers(self, repository: str, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": "slipway-release"}
        if repository in self._tokens:
            headers["Authorization"] = self._tokens[repository]
        return headers

    def _authenticate(self, repository: str, challenge: str) -> None:
        scheme, _, rest = challenge.partition(" ")
        basic = "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        if scheme.lower() != "bearer":
            self._tokens[repository] = basic
            return
        parameters = {match[1]: match[2] for match in _CHALLENGE.finditer(rest)}
        realm = parameters.pop("realm", "")
        if urllib.parse.urlsplit(realm).scheme != "https" and not self.insecure:
            raise RefusedError(f"registry {self.host}: asks for credentials at {realm!r}, which is not https")
        query = {"scope": f"repository:{repository}:pull", **parameters}
        answer = self.transport.send(
            "GET",
            f"{realm}?{urllib.parse.urlencode(query)}",
            {"Authorization": basic} if self.password else {},
        )
        if not answer.ok:
            raise RefusedError(
                f"registry {self.host}: refused the credential for {repository} (HTTP {answer.status}); "
                "give this repository read access to the package"
            )
        content = fields.document(answer.json(), realm)
        token = fields.optional_text(content, "token") or fields.text(content, "access_token", realm)
        self._tokens[repository] = f"Bearer {token}"

    def _repository(self, name: str) -> str:
        host, _, repository = name.partition("/")
        if host != self.host or not repository:
            raise RefusedError(f"image {name!r}: not in the platform's registry {self.host}")
        return repository

    def _content(self, response: Response, name: str, reference: str) -> Document:
        if response.status in {401, 403}:
            raise RefusedError(
                f"image {name}@{reference}: the registry refuses to show it (HTTP {response.status}); "
                "give this repository read access to the package"
            )
        if not response.ok:
            raise RefusedError(f"image {name}@{reference}: HTTP {response.status}: {response.message}")
        try:
            return fields.document(json.loads(response.body), f"image {name}@{reference}")
        except ValueError:
            raise RefusedError(f"image {name}@{reference}: its manifest is not JSON") from None
