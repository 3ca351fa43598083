"""Redis' protocol, as much as a worker needs; the package `redis` takes its place once you need more."""

import contextlib
import socket
import ssl
from typing import Any
from urllib.parse import unquote, urlsplit

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 15
"""Longer than any command here waits."""


class RedisError(OSError):
    """Redis is away, or refuses something."""


class Redis:
    """One connection, opened when it is needed and opened again after an error; for one thread."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)
        self._socket: socket.socket | None = None
        self._reader: Any = None

    def __call__(self, *words: str | int) -> Any:
        """The answer to a command: text, number, list or None.

        Raises:
            RedisError: Redis is away, or refuses it.
        """
        try:
            if self._socket is None:
                self._open()
            return self._ask(words)
        except RedisError:
            raise
        except (OSError, ValueError, IndexError) as error:
            self.close()
            raise RedisError(f"{self._address.hostname}: {error or type(error).__name__}") from None

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._socket = None

    def _open(self) -> None:
        host, port = self._address.hostname or "localhost", self._address.port or 6379
        opened = socket.create_connection((host, port), _CONNECT_SECONDS)
        if self._address.scheme == "rediss":
            opened = ssl.create_default_context().wrap_socket(opened, server_hostname=host)
        opened.settimeout(_ANSWER_SECONDS)
        self._socket, self._reader = opened, opened.makefile("rb")
        user, password = (unquote(part or "") for part in (self._address.username, self._address.password))
        try:
            if password:
                self._ask(("AUTH", user or "default", password))
            if database := self._address.path.strip("/"):
                self._ask(("SELECT", database))
        except RedisError:
            self.close()
            raise

    def _ask(self, words: tuple[str | int, ...]) -> Any:
        parts = [str(word).encode() for word in words]
        line = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(b"*%d\r\n%s" % (len(parts), line))
        return self._answer()

    def _answer(self) -> Any:
        line = self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("it closed the connection")
        kind, text = line[:1], line[1:-2].decode()
        if kind == b"+":
            return text
        if kind == b"-":
            raise RedisError(text)
        if kind == b":":
            return int(text)
        if kind == b"$":
            return None if int(text) < 0 else self._reader.read(int(text) + 2)[:-2].decode()
        if kind == b"*":
            return None if int(text) < 0 else [self._answer() for _ in range(int(text))]
        raise ConnectionError("it is not a Redis")
