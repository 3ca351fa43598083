"""Webhooks, faults on demand, restarts, credentials."""

import hashlib
import hmac
import json
import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import application, credentials, seed
from sandbox.github.server import listen
from tests.github.conftest import Hub, Repository, loopback, serve


@pytest.fixture
def receiver() -> Iterator[tuple[str, "Queue[tuple[dict[str, str], bytes]]"]]:
    """A server that keeps what it is sent."""
    received: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))

        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the base class names it

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/webhook", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_webhook_is_told_signed_and_only_of_what_it_wants(repository: Repository, receiver: Any) -> None:
    url, received = receiver
    config = {"url": url, "content_type": "json", "secret": "s3cret"}
    made = repository.ask("POST", "/hooks", json={"config": config, "events": ["push"]}).json()
    assert made["config"]["secret"] == "********"
    headers, _ = received.get(timeout=60)
    assert headers["x-github-event"] == "ping"
    repository.ask("POST", "/deployments", json={"ref": "main", "required_contexts": []})
    repository.put_file("x", "x")
    headers, body = received.get(timeout=60)
    assert headers["x-github-event"] == "push"
    expected = "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == expected
    described = json.loads(body)["repository"]
    assert described["full_name"] == repository.full_name
    # Argo CD refuses the payload of a push in which these are texts.
    assert isinstance(described["created_at"], int)
    assert isinstance(described["pushed_at"], int)
    # Reading and writing back what was read keeps the secret.
    hook = f"/hooks/{made['id']}"
    repository.ask("PATCH", hook, json={"config": made["config"], "events": ["create"]})
    repository.ask("POST", "/git/refs", json={"ref": "refs/tags/v1", "sha": repository.head()})
    headers, body = received.get(timeout=60)
    assert headers["x-hub-signature-256"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert repository.ask("DELETE", hook).status_code == 204


def test_deliveries_are_kept_and_can_be_sent_again(repository: Repository, receiver: Any) -> None:
    url, received = receiver
    made = repository.ask("POST", "/hooks", json={"config": {"url": url}, "events": ["push"]}).json()
    headers, body = received.get(timeout=60)
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert body.startswith(b"payload=")
    deliveries = f"/hooks/{made['id']}/deliveries"
    listed: list[Any] = []
    while not listed:
        # The receiver has its answer before the sender has noted it.
        listed = repository.ask("GET", deliveries).json()
    assert (listed[0]["event"], listed[0]["status_code"]) == ("ping", 200)
    assert repository.ask("POST", f"{deliveries}/{listed[0]['id']}/attempts").status_code == 202
    again, _ = received.get(timeout=60)
    assert again["x-github-delivery"] == headers["x-github-delivery"]


def test_faults_strike_as_often_as_they_were_asked_to(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    with hub.admin as admin:

        def fault(**fields: Any) -> int:
            return admin.post(f"{hub.url}/_sandbox/faults", json=fields).status_code

        match = f"GET .*{repository.name}/contents"
        assert fault(match=match, status=503, count=2, headers={"Retry-After": "7"}) == 201
        answers = [repository.ask("GET", "/contents/README.md") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert answers[0].headers["retry-after"] == "7"
        assert fault(kind="secondary-rate-limit", match=match) == 201
        limited = repository.ask("GET", "/contents/README.md")
        assert (limited.status_code, "secondary rate limit" in limited.json()["message"]) == (403, True)
        assert fault(kind="reject-push", match=f"{repository.full_name} refs/heads/main", message="out of order") == 201
        clone = repository.clone(tmp_path / "work")
        clone.commit()
        assert "out of order" in clone.git("push", "origin", "main").stderr
        assert clone.git("push", "origin", "main").returncode == 0
        assert fault(kind="nonsense") == 422
    with hub.user("alice") as alice:
        assert alice.post(f"{hub.url}/_sandbox/faults", json={}).status_code == 404


def test_restart_keeps_everything(hub: Hub, tmp_path: Path) -> None:
    made = hub.secrets
    keys: list[Any] = []
    status = 0
    names: list[list[str]] = []
    for _ in range(2):
        listener = loopback()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        forge = application.create_forge(tmp_path / "github", url, run_workflows=False)
        seed.apply(forge, credentials.seed(made, "http://127.0.0.1:9"))
        stop = serve(forge, listener)
        headers = {"Authorization": f"Bearer {made.github_token}"}
        with httpx.Client(base_url=f"{url}/api/v3", headers=headers, timeout=60, trust_env=False) as client:
            body = {"name": "kept", "private": True, "auto_init": True}
            status = client.post("/orgs/acme/repos", json=body).status_code
            keys.append(client.get("/repos/acme/kept/actions/secrets/public-key").json())
            names.append([found["name"] for found in client.get("/orgs/acme/repos").json()])
            assert client.get("/repos/acme/kept/contents/README.md").status_code == 200
        stop()
    assert status == 422, "the name is taken by the repository of the first run"
    assert names == [["kept"], ["kept"]]
    assert keys[0] == keys[1]


def test_a_token_of_a_new_seed_ends_the_one_before(tmp_path: Path) -> None:
    forge = application.create_forge(tmp_path, "http://127.0.0.1:1", run_workflows=False)
    forge.tokens.add_user_token("made-by-hand", "dana", [])
    for token in ("old", "new"):
        seed.apply(forge, {"users": [{"login": "dana", "token": token}, {"login": "sam", "token": "another"}]})
    known = [token for token in ("made-by-hand", "old", "new", "another") if forge.tokens.principal(token)]
    forge.close()
    assert known == ["made-by-hand", "new", "another"]


def test_credentials_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    config = SandboxConfig(root=tmp_path, directory=tmp_path / ".sandbox", network="127.9", cache=tmp_path)
    first = credentials.ensure(config)
    assert credentials.ensure(config) == first
    assert stat.S_IMODE(config.credentials.stat().st_mode) == 0o600
    seeded = (config.github_directory / credentials.SEED_FILE).read_text()
    assert "PRIVATE KEY" not in seeded
    config.credentials.write_text("{}")
    with pytest.raises(SandboxError, match=r"credentials\.json"):
        credentials.ensure(config)


def test_occupied_address_is_said_with_the_remedy() -> None:
    taken = loopback()
    host, port = taken.getsockname()
    with pytest.raises(SandboxError, match="SLIPWAY_SANDBOX_NETWORK"):
        listen(f"{host}:{port}")
    taken.close()
