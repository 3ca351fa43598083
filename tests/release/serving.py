"""A GitHub on a free port of loopback, in this process, and organisations in it."""

import contextlib
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from sandbox.github import seed
from sandbox.github.access import accounts
from sandbox.github.application import create_application, create_forge
from sandbox.github.core.forge import Forge
from tests.ports import free_port
from tests.release.builders import SERVICES
from tests.release.world import World

TOKEN = "release-tests"
PEOPLE = ("dana", "pat", "sam")
"""Each has the token `<login>-token`."""
INVITED = "invited"
"""Somebody who is of no organisation."""


@dataclass(frozen=True)
class Running:
    """A running server."""

    forge: Forge
    url: str

    def world(self, places: Sequence[dict[str, Any]], services: Sequence[str] = SERVICES) -> World:
        """A new organisation with services in those environments."""
        made = World(self.url, TOKEN, list(places), services=tuple(services))
        organization = accounts.add_organization(self.forge, made.owner)
        accounts.set_membership(self.forge, organization, "root", "admin")
        for login in PEOPLE:
            accounts.set_membership(self.forge, organization, login, "member")
        made.create()
        return made


@contextlib.contextmanager
def github(folder: Path) -> Generator[Running]:
    """Until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    forge = create_forge(folder, url)
    people = [{"login": login, "token": f"{login}-token"} for login in (*PEOPLE, INVITED)]
    seed.apply(forge, {"users": [{"login": "root", "admin": True, "token": TOKEN}, *people]})
    server = uvicorn.Server(
        uvicorn.Config(create_application(forge), host="127.0.0.1", port=port, log_level="warning", lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    try:
        yield Running(forge, url)
    finally:
        server.should_exit = True
        thread.join(10)
