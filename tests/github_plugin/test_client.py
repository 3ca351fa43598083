"""What the plugin does with connections that break, as Go's client does."""

import socket
import threading
from collections.abc import Iterator

import pytest

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.settings import settings

pytestmark = pytest.mark.parts


class Closing:
    """A server that answers one request of each connection, and closes the connection at the next one."""

    def __init__(self, listener: socket.socket) -> None:
        self.asked: list[str] = []
        self._listener = listener

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                if request := connection.recv(65536):
                    self.asked.append(request.split(b" ", 1)[0].decode())
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n" + b'{"id": 7}'
                    )
                    self.asked += [word.decode() for word in connection.recv(65536).split(b" ", 1)[:1] if word]


@pytest.fixture
def closing() -> Iterator[tuple[Closing, GitHub]]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = Closing(listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        client = GitHub(settings({"baseUrl": url, "token": "t", "owner": "acme", "writeDelayMs": "0"}))
        yield server, client
        client.close()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_read_on_a_connection_that_the_server_closed_is_sent_again(closing: tuple[Closing, GitHub]) -> None:
    server, github = closing
    assert github.require("/repos/acme/one")["id"] == 7
    assert server.asked == ["GET", "GET", "GET"]


def test_a_write_on_such_a_connection_is_not_sent_twice(closing: tuple[Closing, GitHub]) -> None:
    server, github = closing
    with pytest.raises(PluginError, match="cannot be reached"):
        github.write("POST", "/orgs/acme/repos", {})
    assert server.asked == ["GET", "POST"]
