"""The plugin over gRPC, as an engine talks to it, and the sandbox's own GitHub behind it."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import grpc
import httpx
import pytest
import uvicorn
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from sandbox.github.access import accounts
from sandbox.github.application import create_application, create_forge
from sandbox.github.repositories import settings as actions_settings
from sandbox.github.server import IDLE_SECONDS
from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.server import listen
from sandbox.github_plugin.settings import settings
from sandbox.github_plugin.wire import Json, decoded, encoded
from tests.ports import free_port

OWNER = "acme"


@pytest.fixture(scope="session")
def forge_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A GitHub with one organisation, its owner and two people."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    forge = create_forge(tmp_path_factory.mktemp("forge"), url)
    organization = accounts.add_organization(forge, OWNER)
    actions_settings.write_policy(forge, organization, "workflow", {"can_approve_pull_request_reviews": True})
    for login, role in (("root", "admin"), ("Dana", "member"), ("sam", "member")):
        accounts.add_user(forge, login, admin=login == "root")
        accounts.set_membership(forge, organization, login, role)
    accounts.add_user(forge, "pat")
    forge.tokens.add_user_token("root-token", "root", ["repo", "admin:org", "workflow", "delete_repo"])
    app = create_application(forge)
    config = uvicorn.Config(app, port=port, log_level="error", ws="none", timeout_keep_alive=IDLE_SECONDS)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield url
    server.should_exit = True
    thread.join(20)


@dataclass
class Resource:
    """What an engine keeps of a resource."""

    token: str
    id: str
    inputs: Json
    state: Json
    diff: pb.DiffResponse = field(default_factory=pb.DiffResponse)


class RefusedError(Exception):
    """The plugin ended a call with an error."""

    def __init__(self, error: grpc.RpcError) -> None:
        super().__init__(error.details())
        self.code: grpc.StatusCode = error.code()
        self.unfinished: pb.ErrorResourceInitFailed | None = None
        for key, value in cast("list[tuple[str, bytes]]", error.trailing_metadata() or []):
            if key == "grpc-status-details-bin":
                self.unfinished = pb.ErrorResourceInitFailed()
                status_pb2.Status.FromString(value).details[0].Unpack(self.unfinished)


class Engine:
    """The calls that an engine makes, in its order."""

    def __init__(self, port: int) -> None:
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self.stub, method)(request)
        except grpc.RpcError as error:
            raise RefusedError(error) from None

    def configure(self, given: Json) -> None:
        """The SDK sends what is not text as JSON; the engine sends the inputs as variables."""
        variables = {f"github:config:{name}": _text(value) for name, value in given.items()}
        self.call("Configure", pb.ConfigureRequest(variables=variables, acceptSecrets=True, args=encoded(given)))

    def check(self, kind: str, inputs: Json, olds: Json | None = None) -> tuple[Json, list[str]]:
        request = pb.CheckRequest(
            urn=urn(kind), olds=encoded(olds or {}), news=encoded(inputs), randomSeed=b"0123456789"
        )
        answer = self.call("Check", request)
        return decoded(answer.inputs), [f"{failure.property}: {failure.reason}" for failure in answer.failures]

    def create(self, kind: str, inputs: Json, *, preview: bool = False) -> Resource:
        checked, failures = self.check(kind, inputs)
        assert failures == []
        request = pb.CreateRequest(urn=urn(kind), properties=encoded(checked), preview=preview)
        answer = self.call("Create", request)
        return Resource(kind, answer.id, checked, decoded(answer.properties))

    def diff(self, resource: Resource, inputs: Json, ignored: tuple[str, ...] = ()) -> pb.DiffResponse:
        checked, failures = self.check(resource.token, inputs, resource.inputs)
        assert failures == []
        return self.call(
            "Diff",
            pb.DiffRequest(
                urn=urn(resource.token),
                id=resource.id,
                olds=encoded(resource.state),
                old_inputs=encoded(resource.inputs),
                news=encoded(checked),
                ignoreChanges=ignored,
            ),
        )

    def changed(self, resource: Resource, inputs: Json | None = None, ignored: tuple[str, ...] = ()) -> set[str]:
        """Paths of properties that differ."""
        return set(self.diff(resource, resource.inputs if inputs is None else inputs, ignored).detailedDiff)

    def update(self, resource: Resource, inputs: Json, *, preview: bool = False) -> Resource:
        request = pb.UpdateRequest(
            urn=urn(resource.token),
            id=resource.id,
            olds=encoded(resource.state),
            news=encoded(inputs),
            old_inputs=encoded(resource.inputs),
            preview=preview,
        )
        answer = self.call("Update", request)
        return Resource(resource.token, resource.id, inputs, decoded(answer.properties))

    def refresh(self, resource: Resource) -> Resource | None:
        request = pb.ReadRequest(
            urn=urn(resource.token),
            id=resource.id,
            properties=encoded(resource.state),
            inputs=encoded(resource.inputs),
        )
        return self._found(resource.token, self.call("Read", request))

    def imported(self, kind: str, identity: str) -> Resource | None:
        return self._found(kind, self.call("Read", pb.ReadRequest(urn=urn(kind), id=identity)))

    def delete(self, resource: Resource) -> None:
        request = pb.DeleteRequest(urn=urn(resource.token), id=resource.id, properties=encoded(resource.state))
        self.call("Delete", request)

    def _found(self, kind: str, answer: pb.ReadResponse) -> Resource | None:
        if not answer.id:
            return None
        return Resource(kind, answer.id, decoded(answer.inputs), decoded(answer.properties))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def urn(kind: str, name: str = "it") -> str:
    token = f"github:index/{kind[0].lower()}{kind[1:]}:{kind}"
    return f"urn:pulumi:test::slipway::slipway:index:Platform${token}::{name}"


@pytest.fixture
def bare_engine() -> Iterator[Engine]:
    """A plugin that is not configured yet."""
    server, port = listen()
    engine = Engine(port)
    yield engine
    engine.channel.close()
    server.stop(None).wait()


@pytest.fixture
def access(forge_url: str) -> Json:
    """The provider's settings, as the platform sends them."""
    return {
        "baseUrl": forge_url,
        "owner": OWNER,
        "token": "root-token",
        "writeDelayMs": "0",
        "parallelRequests": "true",
        "retryDelayMs": "10",
    }


Fault = Callable[[str, int, int], None]
"""Makes requests that match fail with a status, so many times."""


@pytest.fixture
def fault(forge_url: str) -> Fault:
    def add(match: str, status: int, times: int) -> None:
        answer = httpx.post(
            f"{forge_url}_sandbox/faults",
            json={"match": match, "status": status, "count": times, "headers": {"Retry-After": "0"}},
            headers={"Authorization": "Bearer root-token"},
            trust_env=False,
            timeout=60,
        )
        answer.raise_for_status()

    return add


@pytest.fixture
def engine(bare_engine: Engine, access: Json) -> Engine:
    bare_engine.configure(access)
    return bare_engine


@pytest.fixture
def github(access: Json) -> Iterator[GitHub]:
    """GitHub as a person changes it."""
    client = GitHub(settings(access))
    yield client
    client.close()


@pytest.fixture
def repository(engine: Engine, request: pytest.FixtureRequest) -> str:
    """The name of a repository of the test's own."""
    name = f"r{abs(hash(request.node.nodeid))}"
    engine.create("Repository", {"name": name, "autoInit": True, "visibility": "private"})
    return name


@pytest.fixture
def team(engine: Engine, repository: str) -> str:
    """The number of a team of the test's own."""
    return engine.create("Team", {"name": f"team {repository}", "privacy": "closed"}).id
