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
        """The image `<name>` at a tag or digest, or None where there is none.

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
        if response.status == 404 or (hidden_is_absent and response.status in {401, 403}):
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
        server = _API_HOSTS.get(self.server, self.server)
        url = f"{'http' if self.insecure else 'https'}://{server}/v2/{repository}/{path}"
        response = self.transport.send("GET", url, self._headers(repository, accept))
        if response.status == 401 and repository not in self._tokens:
            self._authenticate(repository, response.headers.get("www-authenticate", ""))
            response = self.transport.send("GET", url, self._headers(repository, accept))
        return response

    def _headers(self, repository: str, accept: str) -> dict[str, str]:
        headers = {"Accept": accept, "User-Agent": "slipway"}
        if repository in self._tokens:
            headers["Authorization"] = self._tokens[repository]
        return headers

    def _authenticate(self, repository: str, challenge: str) -> None:
        bearer = _BEARER.search(challenge)
        basic = "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        if bearer is None:
            self._tokens[repository] = basic
            return
        parameters = {match[1]: match[2] for match in _CHALLENGE.finditer(bearer[1])}
        realm = parameters.pop("realm", "")
        if urllib.parse.urlsplit(realm).scheme != "https" and not self.insecure:
            raise RefusedError(f"registry {self.host}: asks for credentials at {realm!r}, which is not https")
        query = {"scope": f"repository:{repository}:pull"}
        query |= {key: value for key, value in parameters.items() if key in {"service", "scope"}}
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
        self._tokens[repository] = f"Bearer {token}"

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
