"""The real registry lets through what the token server says: packages are private and of the repository that pushed."""

import base64
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import registry
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import seed
from tests.github.conftest import Hub, Repository
from tests.ports import free_port

pytestmark = pytest.mark.parts

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


@dataclass
class Registry:
    """A registry that asks the hub for tokens."""

    url: str

    def ask(self, method: str, path: str, token: str | None, content: bytes = b"", kind: str = "") -> httpx.Response:
        """A request as clients of registries make it: refused first, then with the token that was asked for."""
        with httpx.Client(base_url=self.url, timeout=60, trust_env=False) as client:
            headers = {"Content-Type": kind} if kind else {}
            first = client.request(method, path, content=content, headers=headers)
            if first.status_code != 401:
                return first
            challenge = dict(re.findall(r'(\w+)="([^"]*)"', first.headers["WWW-Authenticate"]))
            given = {"Authorization": f"Basic {base64.b64encode(f'x:{token}'.encode()).decode()}"} if token else {}
            asked = {"service": challenge["service"], "scope": challenge["scope"]}
            answer = client.get(challenge["realm"], params=asked, headers=given)
            if answer.is_error:
                return answer
            headers["Authorization"] = f"Bearer {answer.json()['token']}"
            return client.request(method, path, content=content, headers=headers)

    def push(self, image: str, token: str | None) -> int:
        """Pushes an image of one small blob; answers the last status."""
        blob = b"{}"
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        started = self.ask("POST", f"/v2/{image}/blobs/uploads/", token)
        if started.status_code != 202:
            return started.status_code
        place = httpx.URL(started.headers["Location"]).copy_merge_params({"digest": digest})
        done = self.ask("PUT", str(place), token, blob, "application/octet-stream")
        assert done.status_code == 201, done.text
        kind = "application/vnd.oci.image.manifest.v1+json"
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest, "size": len(blob)}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
        return self.ask("PUT", f"/v2/{image}/manifests/1.0.0", token, manifest.encode(), kind).status_code

    def pull(self, image: str, token: str | None) -> int:
        return self.ask("GET", f"/v2/{image}/tags/list", token).status_code


@pytest.fixture(scope="session")
def packages(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    found = shutil.which("docker-registry") or next(map(str, CACHE.glob("packages/*/usr/bin/docker-registry")), None)
    if found is None:
        pytest.skip("docker-registry is not here yet; `make up` brings it")
    address = f"127.0.0.1:{free_port()}"
    folder = tmp_path_factory.mktemp("registry")
    config = SandboxConfig(root=folder, directory=hub.forge.directory.parent, network="127.9", cache=folder)
    document = registry.configuration(folder / "storage", config)
    document["http"]["addr"] = address
    document["auth"]["token"]["realm"] = document["auth"]["token"]["realm"].replace(
        config.github_url.rstrip("/"), hub.url
    )
    (folder / "registry.yaml").write_text(json.dumps(document))
    process = subprocess.Popen([found, "serve", str(folder / "registry.yaml")], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while True:
        try:
            if httpx.get(f"http://{address}/", trust_env=False).is_success:
                break
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    yield Registry(f"http://{address}")
    process.terminate()
    process.wait(60)


@pytest.fixture
def image(packages: Registry, repository: Repository) -> str:
    """A package that the workflow of `repository` has pushed."""
    name = f"acme/{repository.name}"
    token = repository.hub.workflow_token(repository.full_name, packages="write")
    assert packages.push(name, token) == 201
    return name


def test_the_registry_asks_for_credentials(packages: Registry) -> None:
    asked = httpx.get(f"{packages.url}/v2/", timeout=60, trust_env=False)
    assert asked.status_code == 401
    assert asked.headers["WWW-Authenticate"].startswith('Bearer realm="http')


def test_a_package_is_read_by_its_own_repository_and_by_no_other(
    hub: Hub, packages: Registry, repository: Repository, image: str, environments: Repository
) -> None:
    assert packages.pull(image, hub.workflow_token(repository.full_name, packages="read")) == 200
    assert packages.pull(image, hub.workflow_token(repository.full_name, contents="write")) == 403
    assert packages.pull(image, hub.workflow_token(environments.full_name, packages="write")) == 403
    assert packages.push(image, hub.workflow_token(environments.full_name, packages="write")) == 403


def test_the_kubelet_and_everybody_else_without_a_credential_reads_nothing(packages: Registry, image: str) -> None:
    assert packages.pull(image, None) == 401
    assert packages.pull("acme/never-pushed", None) == 401


def test_apps_read_no_packages(hub: Hub, packages: Registry, image: str) -> None:
    assert packages.pull(image, hub.app_token("promoter")) == 403


def test_a_classic_token_reads_with_the_scope_and_a_role(hub: Hub, packages: Registry, image: str) -> None:
    people: list[dict[str, Any]] = [
        {"login": "alice", "token": "ghp_reader", "scopes": ["read:packages"]},
        {"login": "bob", "token": "ghp_without", "scopes": ["repo"]},
        {"login": "stranger", "token": "ghp_stranger", "scopes": ["read:packages"]},
    ]
    seed.apply(hub.forge, {"users": [{"login": "stranger"}]})
    for person in people:
        hub.forge.tokens.add_user_token(person["token"], person["login"], person["scopes"])
    assert packages.pull(image, "ghp_reader") == 200
    assert packages.push(image, "ghp_reader") == 403
    assert packages.pull(image, "ghp_without") == 403
    assert packages.pull(image, "ghp_stranger") == 403


def test_an_absent_package_is_refused_as_one_that_may_not_be_read(hub: Hub, packages: Registry) -> None:
    token = hub.workflow_token("acme/environments", packages="read")
    assert packages.pull("acme/never-pushed", token) == 403


def test_what_mirrors_other_registries_is_free_to_read(hub: Hub, packages: Registry) -> None:
    assert packages.push("argoproj/argocd", hub.secrets.github_token) == 201
    assert packages.pull("argoproj/argocd", None) == 200
    assert packages.push("argoproj/argocd", hub.people["alice"]) == 403


def test_the_sandbox_uploads_an_image_once_with_its_administrators_token(
    hub: Hub, packages: Registry, tmp_path: Path
) -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    blob = tmp_path / hashlib.sha256(b"{}").hexdigest()
    blob.write_bytes(b"{}")
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{blob.name}", "size": 2}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    image = registry.CachedImage("quay.io/someone/something:1.0", manifest, digest, tmp_path)
    host = packages.url.removeprefix("http://")
    other = dataclasses.replace(image, name="quay.io/someone/else:1.0")
    with registry.logged_in(hub.people["alice"]) as client, pytest.raises(SandboxError, match="cannot be pushed"):
        registry.push(client, host, other)
    with registry.logged_in(hub.secrets.github_token) as client:
        # A token of the registry is for one repository.
        for one in (image, other):
            assert registry.push(client, host, one)
            assert not registry.push(client, host, one)
