"""The sandbox's GitHub on a free port of loopback, once for all tests; each test has an organisation of its own."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn

from sandbox.github import seed
from sandbox.github.access import accounts
from sandbox.github.application import create_application, create_forge
from sandbox.github.core.forge import Forge
from tests.release.builders import environment
from tests.release.world import World

TOKEN = "release-tests"


@dataclass(frozen=True)
class Running:
    """A running server."""

    forge: Forge
    url: str


@pytest.fixture(scope="session")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    forge = create_forge(tmp_path_factory.mktemp("github"), url)
    seed.apply(forge, {"users": [{"login": "root", "admin": True, "token": TOKEN}]})
    server = uvicorn.Server(
        uvicorn.Config(create_application(forge), host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    yield Running(forge, url)
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def world(github: Running) -> Iterator[Callable[..., World]]:
    """Makes an organisation with services in the environments given, or in dev, staging and production."""
    made: list[World] = []

    def make(*places: dict[str, Any]) -> World:
        default = [
            environment("dev"),
            environment("staging"),
            environment("production", sync="manual", prereleases=False, requires=["staging"], tagPrefix="prod"),
        ]
        world = World(github.url, TOKEN, list(places) or default)
        organization = accounts.add_organization(github.forge, world.owner)
        accounts.set_membership(github.forge, organization, "root", "admin")
        world.create()
        made.append(world)
        return world

    yield make
    for item in made:
        item.clear_faults()
        item.client.close()
