"""Reading a registry: digests are checked, indexes followed, and credentials go where they belong."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from slipway_release.errors import RefusedError
from slipway_release.registry import REVISION_LABEL, Registry
from slipway_release.transport import Response, Transport

NAME = "registry.test/acme/guestbook"
CONFIG = json.dumps({"config": {"Labels": {REVISION_LABEL: "c" * 40}}}).encode()


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def manifest() -> bytes:
    return json.dumps({"config": {"digest": digest(CONFIG)}, "layers": []}).encode()


def index(*, attested: bool = False) -> bytes:
    entries: list[dict[str, Any]] = [{"digest": digest(manifest()), "platform": {"os": "linux"}}]
    if attested:
        entries.insert(0, {"digest": "sha256:" + "0" * 64, "platform": {"os": "unknown"}})
    return json.dumps({"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": entries}).encode()


class Server(Transport):
    """A registry by path, which wants a token if it has one."""

    def __init__(self, content: Mapping[str, bytes], token: str | None = None) -> None:
        super().__init__(log=lambda _: None)
        self.content = {
            f"/v2/acme/guestbook/manifests/{digest(manifest())}": manifest(),
            f"/v2/acme/guestbook/blobs/{digest(CONFIG)}": CONFIG,
        } | {f"/v2/acme/guestbook/manifests/{reference}": body for reference, body in content.items()}
        self.token = token
        self.seen: list[tuple[str, str]] = []

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        authorization = (headers or {}).get("Authorization", "")
        self.seen.append((url, authorization))
        if url.startswith("https://auth.test/token?"):
            good = authorization.startswith("Basic ")
            return Response(200 if good else 401, {}, json.dumps({"token": self.token}).encode())
        if self.token and authorization != f"Bearer {self.token}":
            challenge = 'Bearer realm="https://auth.test/token",service="registry.test"'
            return Response(401, {"www-authenticate": challenge}, b"")
        found = self.content.get(url.partition("registry.test")[2])
        return Response(404, {}, b"") if found is None else Response(200, {}, found)


def registry(server: Server, password: str = "hush") -> Registry:
    return Registry("registry.test", username="octocat", password=password, transport=server)


@pytest.mark.parametrize("content", [manifest(), index(), index(attested=True)], ids=["image", "index", "attested"])
def test_an_image_says_what_it_was_built_from(content: bytes) -> None:
    found = registry(Server({"1.2.3": content})).image(NAME, "1.2.3")
    assert found is not None
    assert (found.digest, found.revision) == (digest(content), "c" * 40)


def test_an_image_that_is_not_there_is_none() -> None:
    assert registry(Server({})).image(NAME, "1.2.3") is None


def test_other_content_under_a_digest_is_refused() -> None:
    with pytest.raises(RefusedError, match="other content"):
        registry(Server({"sha256:" + "a" * 64: manifest()})).image(NAME, "sha256:" + "a" * 64)


def test_a_token_is_fetched_where_the_registry_says() -> None:
    server = Server({"1.2.3": manifest()}, token="t")
    assert registry(server).image(NAME, "1.2.3") is not None
    (asked,) = [url for url, authorization in server.seen if authorization.startswith("Basic ")]
    assert asked.startswith("https://auth.test/token?scope=repository%3Aacme%2Fguestbook%3Apull")


def test_a_refused_credential_says_what_to_do() -> None:
    with pytest.raises(RefusedError, match="read access"):
        registry(Server({"1.2.3": manifest()}, token="t"), password="").image(NAME, "1.2.3")


def test_an_image_of_another_registry_is_refused() -> None:
    with pytest.raises(RefusedError, match="not in the platform's registry"):
        registry(Server({})).image("docker.io/acme/guestbook", "1.2.3")
