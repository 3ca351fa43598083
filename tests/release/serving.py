"""A GitHub on a free port of loopback, in this process, and organisations in it."""

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import uvicorn
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse

from sandbox.github import seed
from sandbox.github.access import accounts
from sandbox.github.application import create_application, create_forge
from sandbox.github.core.forge import Forge
from sandbox.github.core.routing import ROUTES, Router
from sandbox.github.dispatch import Dispatcher
from sandbox.github.git import pushes, transport
from sandbox.github.server import IDLE_SECONDS
from slipway_release.exchange import Response, exchange
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

    def world(
        self, places: Sequence[dict[str, Any]], services: Sequence[str] = SERVICES, *, direct: bool = False
    ) -> World:
        """A new organisation with services in those environments.

        Args:
            places: the environments.
            services: their names.
            direct: whether requests are answered without a socket, which takes a fraction of the time.
        """
        send = Direct(self.forge).exchange if direct else exchange
        made = World(self.url, TOKEN, list(places), services=tuple(services), exchange=send)
        organization = accounts.add_organization(self.forge, made.owner)
        accounts.set_membership(self.forge, organization, "root", "admin")
        for login in PEOPLE:
            accounts.set_membership(self.forge, organization, login, "member")
        made.create()
        return made


class Direct:
    """The server without sockets and threads: each request is answered where it is asked."""

    def __init__(self, forge: Forge) -> None:
        self._api = Dispatcher(forge, Router(ROUTES), _now)
        self._git = transport.GitTransport(forge, f"{forge.url}{pushes.HOOK_PATH}", _now)

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """The answer to one request; git's fetches and pushes need the server that listens."""
        address = urlsplit(url)
        sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": address.scheme,
            "path": unquote(address.path),
            "raw_path": address.path.encode(),
            "root_path": "",
            "query_string": address.query.encode(),
            "headers": [*[item for item in sent if item[0] != b"host"], (b"host", address.netloc.encode())],
            "server": (address.hostname, address.port),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        answers = self._git if transport.PATH.fullmatch(scope["path"]) else self._api
        running = answers(HttpRequest(scope, receive))
        try:
            running.send(None)
        except StopIteration as end:
            found: HttpResponse = end.value
            return Response(found.status_code, dict(found.headers), bytes(found.body))
        running.close()
        raise AssertionError(f"{method} {url}: is not answered at once")


async def _now(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


@contextlib.contextmanager
def github(folder: Path) -> Generator[Running]:
    """Until the block ends."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    forge = create_forge(folder, url)
    people = [{"login": login, "token": f"{login}-token"} for login in (*PEOPLE, INVITED)]
    seed.apply(forge, {"users": [{"login": "root", "admin": True, "token": TOKEN}, *people]})
    server = uvicorn.Server(
        uvicorn.Config(
            create_application(forge), host="127.0.0.1", port=port, log_level="warning", lifespan="on",
            timeout_keep_alive=IDLE_SECONDS,
        )
    )  # fmt: skip
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
