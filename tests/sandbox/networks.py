"""A network for each sandbox of the tests, so that two runs on one machine do not meet."""

import fcntl
import tempfile
from pathlib import Path
from typing import TextIO

_CANDIDATES = range(231, 255)
_KEPT: list[TextIO] = []


def free_network() -> str:
    """A network of the form `10.<number>` that no other run of tests has, kept until this process ends.

    Raises:
        RuntimeError: Every one is taken.
    """
    for number in _CANDIDATES:
        lock = (Path(tempfile.gettempdir()) / f"slipway-tests-network-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _KEPT.append(lock)
        return f"10.{number}"
    raise RuntimeError(
        f"10.{_CANDIDATES[0]} to 10.{_CANDIDATES[-1]} are all taken by other runs of tests; wait for one of them to end"
    )
