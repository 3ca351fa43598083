"""Reads of one host over connections that are kept: most of the time of a short request is its connection's."""

import http.client
import ssl
import threading
import urllib.request
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from slipway_release.exchange import Response, exchange

_TIMEOUT_SECONDS = 60.0
_READS = frozenset({"GET", "HEAD"})


class KeptConnections:
    """An `Exchange` for many reads at once; what it keeps is closed when its block ends.

    Writes, and what goes by a proxy, are `exchange`'s. So is every read that fails here: a server may end a connection
    that is idle, and what is wrong is said in one place.
    """

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            kept, self._idle = self._idle, {}
        for connection in (one for several in kept.values() for one in several):
            connection.close()

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        place = urlsplit(url)
        if method not in _READS or body is not None or _goes_by_a_proxy(place):
            return exchange(method, url, headers, body)
        connection = self._taken(place)
        try:
            connection.request(method, url.split(place.netloc, 1)[1] or "/", headers=dict(headers))
            answer = connection.getresponse()
            found = Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except TimeoutError:
            connection.close()
            raise
        except (OSError, http.client.HTTPException, ValueError):
            connection.close()
            return exchange(method, url, headers, body)
        if answer.will_close:
            connection.close()
        else:
            with self._lock:
                self._idle.setdefault((place.scheme, place.netloc), []).append(connection)
        return found

    def _taken(self, place: SplitResult) -> http.client.HTTPConnection:
        with self._lock:
            if idle := self._idle.get((place.scheme, place.netloc)):
                return idle.pop()
        if place.scheme == "https":
            return http.client.HTTPSConnection(place.netloc, timeout=_TIMEOUT_SECONDS, context=self._trusted)
        return http.client.HTTPConnection(place.netloc, timeout=_TIMEOUT_SECONDS)

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _goes_by_a_proxy(place: SplitResult) -> bool:
    proxies = urllib.request.getproxies()
    return bool({place.scheme, "all"} & set(proxies)) and not urllib.request.proxy_bypass(place.netloc)
