"""Ports for servers that take a number and no socket."""

import itertools
import os
import socket

_LOW, _COUNT = 20_000, 10_000
"""Below those that the system gives to outgoing connections: none of them takes one before its server has."""
_OFFERED = itertools.count(os.getpid() * 97)  # so that processes that test side by side begin far from each other


def free_port() -> int:
    """A port of 127.0.0.1 where nothing listens, which this process gets once."""
    for number in itertools.islice(_OFFERED, _COUNT):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", _LOW + number % _COUNT))
            except OSError:
                continue
            return int(listener.getsockname()[1])
    raise RuntimeError(f"no port from {_LOW} to {_LOW + _COUNT} is free")
