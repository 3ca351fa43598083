"""A GitHub for the tests of this folder: one server a session, a repository of its own for each test."""

import asyncio
import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
import uvicorn

from sandbox.config import SandboxConfig
from sandbox.github import application, credentials, seed
from sandbox.github.access import accounts, plans
from sandbox.github.core.events import Event
from sandbox.github.core.forge import Forge
from sandbox.github.server import IDLE_SECONDS

if TYPE_CHECKING:
    from tests.github.story import Story
    from tests.github.template_ground import Ground

READ_WRITE = {"contents": "write", "pull_requests": "write"}


class Unclosed(httpx.BaseTransport):
    """A transport that outlives the clients that use it."""

    def __init__(self, transport: httpx.HTTPTransport) -> None:
        self.transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self.transport.handle_request(request)


@dataclass
class Hub:
    """A running server and the ways into it."""

    forge: Forge
    url: str
    secrets: credentials.Credentials
    people: dict[str, str] = field(default_factory=lambda: {"alice": "ghp_alice", "bob": "ghp_bob"})
    """Members of the organisation, with their tokens."""
    events: list[Event] = field(default_factory=list)
    transport: httpx.HTTPTransport = field(default_factory=lambda: httpx.HTTPTransport(verify=False))

    def client(self, token: str | None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # A transport of its own for each client would load the machine's certificates every time.
        shared = Unclosed(self.transport)
        return httpx.Client(base_url=f"{self.url}/api/v3", headers=headers, transport=shared, timeout=30)

    @property
    def admin(self) -> httpx.Client:
        return self.client(self.secrets.github_token)

    def user(self, login: str) -> httpx.Client:
        return self.client(self.people[login])

    @property
    def apps(self) -> dict[str, credentials.AppCredentials]:
        """The Apps that a stack's settings know."""
        return {slug: self.secrets.apps[slug] for slug in credentials.APPS}

    def app_jwt(self, slug: str, **claims: Any) -> str:
        present = int(time.time())
        app = self.secrets.apps[slug]
        given = {"iat": present - 10, "exp": present + 300, "iss": app.id} | claims
        return jwt.encode(given, app.private_key, algorithm="RS256")

    def app_token(self, slug: str, **narrowing: Any) -> str:
        installation = self.secrets.apps[slug].installation_id
        with self.client(self.app_jwt(slug)) as client:
            answer = client.post(f"/app/installations/{installation}/access_tokens", json=narrowing)
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    def workflow_token(self, repository: str, **permissions: str) -> str:
        return self.forge.issue_token(repository=repository, permissions=permissions, lifetime_seconds=600)

    def graphql(self, token: str, query: str, **variables: Any) -> dict[str, Any]:
        with self.client(token) as client:
            return client.post(f"{self.url}/api/graphql", json={"query": query, "variables": variables}).json()

    def named(self, repository: str, *names: str) -> list[Event]:
        return [event for event in self.events if event.repository == repository and event.name in names]


def serve(forge: Forge, listener: socket.socket) -> Callable[[], None]:
    """Serves a forge in a thread; what is returned stops it."""
    host, port = listener.getsockname()
    app = application.create_application(forge, hook_base=f"http://{host}:{port}")
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="on", timeout_keep_alive=IDLE_SECONDS)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)

    def stop() -> None:
        server.should_exit = True
        thread.join(10)

    return stop


def loopback() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    directory = tmp_path_factory.mktemp("github")
    config = SandboxConfig(root=directory, directory=directory, network="127.9", cache=directory / "cache")
    listener = loopback()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    forge = application.create_forge(directory / "github", url, run_workflows=False)
    made = credentials.ensure(config)
    seed.apply(forge, credentials.seed(made, config.argocd_url))
    running = Hub(forge, url, made)
    users = [{"login": login, "token": token} for login, token in running.people.items()]
    members = dict.fromkeys(running.people, "member")
    seed.apply(forge, {"users": users, "organizations": [{"login": "acme", "members": members}]})
    acme = accounts.find_organization(forge, "acme")
    assert acme is not None
    plans.change(forge, acme, plans.Plan.ENTERPRISE)
    forge.events.subscribe(running.events.append)
    stop = serve(forge, listener)
    yield running
    running.transport.close()
    stop()


_numbers = iter(range(1, 10_000))


LEAST: dict[str, dict[str, Any]] = {
    "pull_request": {
        "dismiss_stale_reviews_on_push": False,
        "require_code_owner_review": False,
        "require_last_push_approval": False,
        "required_approving_review_count": 0,
        "required_review_thread_resolution": False,
    },
    "required_status_checks": {"required_status_checks": [], "strict_required_status_checks_policy": False},
}


def _complete(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule with the parameters that GitHub demands."""
    parameters = LEAST.get(rule["type"], {}) | rule.get("parameters", {})
    return rule | ({"parameters": parameters} if parameters else {})


@dataclass
class Repository:
    """A repository of one test."""

    hub: Hub
    name: str

    @property
    def full_name(self) -> str:
        return f"acme/{self.name}"

    @property
    def path(self) -> str:
        return f"/repos/acme/{self.name}"

    def ask(self, method: str, path: str = "", *, token: str | None = None, **options: Any) -> httpx.Response:
        with self.hub.client(token or self.hub.secrets.github_token) as client:
            return client.request(method, self.path + path, **options)

    def put_file(self, path: str, text: str, *, token: str | None = None, **fields: Any) -> httpx.Response:
        content = base64.b64encode(text.encode()).decode()
        body = {"message": f"Write {path}", "content": content} | fields
        return self.ask("PUT", f"/contents/{path}", token=token, json=body)

    def head(self, branch: str = "main") -> str:
        return self.ask("GET", f"/git/ref/heads/{branch}").json()["object"]["sha"]

    def branch(self, name: str, sha: str | None = None) -> str:
        answer = self.ask("POST", "/git/refs", json={"ref": f"refs/heads/{name}", "sha": sha or self.head()})
        assert answer.status_code == 201, answer.text
        return answer.json()["object"]["sha"]

    def ruleset(
        self, *rules: dict[str, Any], target: str = "branch", include: str = "~DEFAULT_BRANCH", **more: Any
    ) -> Any:
        body = {
            "name": f"rules {next(_numbers)}",
            "target": target,
            "enforcement": "active",
            "conditions": {"ref_name": {"include": [include], "exclude": []}},
            "rules": [_complete(rule) for rule in rules],
        }
        answer = self.ask("POST", "/rulesets", json=body | more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def pull(self, branch: str, *, token: str | None = None, file: str = "change.txt") -> int:
        """A pull request of a branch with one new file."""
        self.branch(branch)
        assert self.put_file(file, branch, branch=branch).status_code == 201
        answer = self.ask("POST", "/pulls", token=token, json={"title": f"Add {file}", "head": branch, "base": "main"})
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    def approve(self, number: int, login: str = "bob") -> httpx.Response:
        token = self.hub.people[login]
        return self.ask("POST", f"/pulls/{number}/reviews", token=token, json={"event": "APPROVE"})

    def clone(self, directory: Path, token: str | None = None) -> "Clone":
        host = self.hub.url.partition("://")[2]
        url = f"http://x-access-token:{token or self.hub.secrets.github_token}@{host}/{self.full_name}.git"
        git(directory.parent, "clone", "--quiet", url, str(directory))
        return Clone(directory)


@dataclass
class Clone:
    """A work tree."""

    directory: Path

    def git(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return git(self.directory, *arguments)

    def commit(self, path: str = "file.txt", text: str = "text") -> str:
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", f"Write {path}")
        return self.git("rev-parse", "HEAD").stdout.strip()


def git(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    person = {"GIT_AUTHOR_NAME": "Dev", "GIT_AUTHOR_EMAIL": "dev@example.com"}
    person |= {"GIT_COMMITTER_NAME": "Dev", "GIT_COMMITTER_EMAIL": "dev@example.com"}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)} | person | alone
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def new_repository(hub: Hub) -> Callable[..., Repository]:
    def make(name: str | None = None, **fields: Any) -> Repository:
        repository = Repository(hub, name or f"repository-{next(_numbers)}")
        body = {"name": repository.name, "visibility": "private", "auto_init": True} | fields
        with hub.admin as admin:
            answer = admin.post("/orgs/acme/repos", json=body)
        assert answer.status_code == 201, answer.text
        return repository

    return make


@pytest.fixture
def repository(new_repository: Callable[..., Repository]) -> Repository:
    """A private repository with a first commit; alice and bob may write."""
    made = new_repository()
    for login in ("alice", "bob"):
        made.ask("PUT", f"/collaborators/{login}", json={"permission": "push"})
    return made


@pytest.fixture(scope="session")
def environments(hub: Hub) -> Repository:
    """The repository that the Apps `requester` and `argocd` are installed on."""
    with hub.admin as admin:
        admin.post("/orgs/acme/repos", json={"name": "environments", "visibility": "private", "auto_init": True})
    return Repository(hub, "environments")


@pytest.fixture
def policy(hub: Hub) -> Iterator[Callable[..., httpx.Response]]:
    """Changes the organisation's policy for Actions until the end of a test."""

    def change(section: str = "", **fields: Any) -> httpx.Response:
        with hub.admin as admin:
            answer = admin.put(f"/orgs/acme/actions/permissions{section}", json=fields)
        assert answer.status_code == 204, answer.text
        return answer

    yield change
    change(enabled_repositories="all", allowed_actions="all", sha_pinning_required=False)
    change("/workflow", default_workflow_permissions="read", can_approve_pull_request_reviews=False)


@pytest.fixture
def story(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Story"]:
    """A platform's GitHub half under the real engine."""
    from tests.github import story  # noqa: PLC0415 - it needs what is made here

    yield from story.tell(hub, tmp_path, monkeypatch)


@pytest.fixture
def ground(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "Ground":
    """A platform repository with a template of its own, and what was made from it."""
    from tests.github import template_ground  # noqa: PLC0415 - it needs what is made here

    return template_ground.prepare(hub, new_repository, tmp_path, monkeypatch)
