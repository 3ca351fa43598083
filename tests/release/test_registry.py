"""Reading a registry: digests are checked, indexes followed, and credentials go where they belong."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from slipway_release import context, platform_file
from slipway_release.errors import RefusedError
from slipway_release.exchange import Response
from slipway_release.registry import REVISION_LABEL, Registry
from slipway_release.transport import Transport
from tests.release.builders import environment, platform

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
        self.challenge = 'Bearer realm="https://auth.test/token",service="registry.test"'
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
            return Response(401, {"www-authenticate": self.challenge}, b"")
        found = self.content.get(urlsplit(url).path)
        return Response(404, {}, b"") if found is None else Response(200, {}, found)


def registry(server: Server, password: str = "hush") -> Registry:
    return Registry("registry.test", username="octocat", password=password, transport=server)


@pytest.mark.parametrize("content", [manifest(), index(), index(attested=True)], ids=["image", "index", "attested"])
def test_an_image_says_what_it_was_built_from(content: bytes) -> None:
    found = registry(Server({"1.2.3": content})).image(NAME, "1.2.3")
    assert found is not None
    assert (found.digest, found.revision) == (digest(content), "c" * 40)


@pytest.mark.parametrize("place", [0, 1])
def test_an_image_of_which_a_platform_is_gone_is_none(place: int) -> None:
    """A policy that deletes untagged manifests leaves the index."""
    content = json.loads(index())
    content["manifests"].insert(place, {"digest": "sha256:" + "1" * 64, "platform": {"os": "linux"}})
    assert registry(Server({"1.2.3": json.dumps(content).encode()})).image(NAME, "1.2.3") is None


def test_an_image_that_is_not_there_is_none() -> None:
    assert registry(Server({})).image(NAME, "1.2.3") is None


@pytest.mark.parametrize(
    ("status", "code", "strictly", "said"),
    [
        (404, "MANIFEST_UNKNOWN", True, "each, of an image"),
        (404, "NAME_UNKNOWN", True, "ECR and Artifact Registry, of a repository"),
        (404, "NOT_FOUND", True, "Harbor"),
        (400, "NAME_UNKNOWN", True, "some, of a repository"),
        (400, "NAME_INVALID", None, "a name that it does not take"),
        (401, "UNAUTHORIZED", False, "Docker Hub and Quay, of a repository, and of a private one"),
        (403, "DENIED", False, "GHCR and Artifact Registry, of what does not exist, and of what may not be read"),
    ],
)
def test_what_a_registry_says_of_what_is_not_there_is_told_from_a_refusal(
    monkeypatch: pytest.MonkeyPatch, status: int, code: str, strictly: bool | None, said: str
) -> None:
    """A rollback passes over what is gone, so a refusal does not count; a first release may."""
    answer = Response(status, {}, json.dumps({"errors": [{"code": code, "message": said}]}).encode())
    server = Server({})
    monkeypatch.setattr(server, "send", lambda *_: answer)
    if strictly:
        assert registry(server).image(NAME, "1.2.3") is None
    else:
        with pytest.raises(RefusedError):
            registry(server).image(NAME, "1.2.3")
    if strictly is None:
        with pytest.raises(RefusedError):
            registry(server).image(NAME, "1.2.3", hidden_is_absent=True)
    else:
        assert registry(server).image(NAME, "1.2.3", hidden_is_absent=True) is None


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


@pytest.mark.parametrize(
    ("host", "image", "asked"),
    [
        ("ghcr.io", "ghcr.io/acme/web", "https://ghcr.io/v2/acme/web/"),
        ("docker.io", "docker.io/acme/web", "https://registry-1.docker.io/v2/acme/web/"),
        (
            "europe-docker.pkg.dev/p/r",
            "europe-docker.pkg.dev/p/r/acme/web",
            "https://europe-docker.pkg.dev/v2/p/r/acme/web/",
        ),
        ("harbor.test:8443/team", "harbor.test:8443/team/acme/web", "https://harbor.test:8443/v2/team/acme/web/"),
    ],
)
def test_the_api_is_asked_where_it_is(host: str, image: str, asked: str) -> None:
    server = Server({})
    assert Registry(host, transport=server).image(image, "1.2.3") is None
    assert [url for url, _ in server.seen] == [f"{asked}manifests/1.2.3"]


@pytest.mark.parametrize("image", ["europe-docker.pkg.dev/p/other/web", "europe-docker.pkg.dev/p/r", "ghcr.io/p/r/web"])
def test_an_image_beside_the_registrys_path_is_refused(image: str) -> None:
    with pytest.raises(RefusedError, match="not in the platform's registry"):
        Registry("europe-docker.pkg.dev/p/r", transport=Server({})).image(image, "1")


@pytest.mark.parametrize(
    ("challenge", "asked"),
    [
        ('Bearer realm="https://auth.test/token?account=x",service="s"', "https://auth.test/token?account=x&scope="),
        ('bearer realm="https://auth.test/token",error="invalid_token"', "https://auth.test/token?scope="),
        ('Basic realm="r", Bearer realm="https://auth.test/token",service="s"', "https://auth.test/token?scope="),
    ],
)
def test_a_challenge_is_read_in_every_form(challenge: str, asked: str) -> None:
    server = Server({"1.2.3": manifest()}, token="t")
    server.challenge = challenge
    assert registry(server).image(NAME, "1.2.3") is not None
    (url,) = [url for url, authorization in server.seen if authorization.startswith("Basic ")]
    assert url.startswith(asked)
    assert "error=" not in url


def test_a_package_that_does_not_exist_yet_may_be_hidden() -> None:
    """GHCR refuses to speak of it, and the first release of a service would never begin."""
    hidden = registry(Server({}, token="t"), password="")
    assert hidden.image(NAME, "1.2.3", hidden_is_absent=True) is None


@pytest.mark.parametrize("token", ["ghp_x\ny", "ghp_x\r", "ghp_x\u20ac"])
def test_a_credential_that_no_header_takes_is_never_shown(token: str) -> None:
    said: list[str] = []
    with pytest.raises(RefusedError, match="set it again") as raised:
        Transport(log=said.append).send("GET", "http://127.0.0.1:9/", {"Authorization": f"Bearer {token}"})
    assert not said, "asking again would change nothing"
    assert "ghp_x" not in str(raised.value)


def test_an_image_of_another_registry_is_refused() -> None:
    with pytest.raises(RefusedError, match="not in the platform's registry"):
        registry(Server({})).image("docker.io/acme/guestbook", "1.2.3")


@pytest.mark.parametrize(("server", "password"), [("https://github.test", ""), ("http://github.test", "s3cret")])
def test_a_password_goes_over_plain_http_only_where_github_is_a_rehearsals_too(
    monkeypatch: pytest.MonkeyPatch, server: str, password: str
) -> None:
    rehearsed = replace(platform(environment("dev")), server_url=server)
    assert rehearsed.registry_insecure
    monkeypatch.setattr(platform_file, "load", lambda: rehearsed)
    for name, value in {
        "REGISTRY_PASSWORD": "s3cret", "GITHUB_SERVER_URL": server, "GITHUB_REPOSITORY": "acme/environments",
        "GITHUB_RUN_ID": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert context.from_environment().registry.password == password
