"""Reads of the preflight share connections, and lose nothing by it."""

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from components.github.kept_connections import KeptConnections
from slipway_release import exchange as program
from slipway_release.errors import RefusedError


@dataclass
class Server:
    """A server that keeps connections open, and what it was asked by each of them."""

    url: str = ""
    connections: list[list[str]] = field(default_factory=list[list[str]])
    ends_each: bool = False
    """Whether it ends a connection after its answer without a word, as one that was idle."""


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.asked: list[str] = []
            found.connections.append(self.asked)

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.asked.append(f"{self.command} {self.path}")
            self.send_response(404 if self.path == "/gone" else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
            self.close_connection = self.close_connection or found.ends_each

        do_POST = do_GET  # noqa: N815 - the name of the standard library

        def log_message(self, *args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            del args

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        found.url = f"http://127.0.0.1:{running.server_address[1]}"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield found
        running.shutdown()


def test_reads_in_turn_take_one_connection(server: Server) -> None:
    with KeptConnections() as kept:
        answers = [kept("GET", f"{server.url}{path}", {}, None) for path in ("/a?b=c", "/gone", "/a")]
    assert [answer.status for answer in answers] == [200, 404, 200]
    assert answers[0].json() == {}
    assert server.connections == [["GET /a?b=c", "GET /gone", "GET /a"]]


def test_reads_at_once_take_one_connection_each_at_most(server: Server) -> None:
    with KeptConnections() as kept, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: kept("GET", f"{server.url}/", {}, None), range(40)))
    assert all(answer.ok for answer in answers)
    assert len(server.connections) <= 4
    assert sum(map(len, server.connections)) == 40


def test_a_connection_that_the_server_has_ended_is_made_anew(server: Server) -> None:
    server.ends_each = True
    with KeptConnections() as kept:
        assert all(kept("GET", f"{server.url}/{number}", {}, None).ok for number in range(4))
    assert [request for asked in server.connections for request in asked] == [f"GET /{number}" for number in range(4)]


def test_what_is_written_has_a_connection_of_its_own_and_is_sent_once(server: Server) -> None:
    with KeptConnections() as kept:
        kept("GET", f"{server.url}/", {}, None)
        kept("POST", f"{server.url}/", {}, b"{}")
    assert server.connections == [["GET /"], ["POST /"]]


def test_a_proxy_of_the_environment_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    # It reads the environment once.
    monkeypatch.setattr(program, "_opener", program._opener.__wrapped__)
    with KeptConnections() as kept:
        assert kept("GET", "http://github.example/api", {}, None).ok
    assert server.connections == [["GET http://github.example/api"]]


def test_what_is_wrong_is_said_as_elsewhere() -> None:
    with KeptConnections() as kept:
        with pytest.raises(RefusedError, match="set it again") as raised:
            kept("GET", "http://127.0.0.1:9/", {"Authorization": "Bearer hush\n"}, None)
        with pytest.raises(ConnectionRefusedError):
            kept("GET", "http://127.0.0.1:9/", {}, None)
    assert "hush" not in str(raised.value)
