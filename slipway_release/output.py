"""How a command ends that cannot write what it has to say: in a sentence, and quietly after `| head`."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import sys
from collections.abc import Callable
from typing import TextIO

_CLOSED = 141
"""What a shell shows of a command that a closed pipe has ended."""


def ended(main: Callable[[], int]) -> int | str | None:
    """Runs a command to its end; returns what the process ends with.

    Args:
        main: the command; returns its exit code.
    """
    try:
        code = _code(main)
        sys.stdout.flush()
    except OSError as error:
        unread = _is_unread(sys.stdout)
        _discard(sys.stdout)
        if unread:
            return _CLOSED
        place = f"{error.filename}: " if error.filename else ""
        remedy = "; make room there or write elsewhere, and try again" if error.errno == errno.ENOSPC else ""
        sys.stderr.write(f"error: {place}{error.strerror or error}{remedy}\n")
        return 1
    return code


def _code(main: Callable[[], int]) -> int | str | None:
    try:
        return main()
    except SystemExit as ending:  # of --help, whose text may still wait to be written
        return ending.code


def _is_unread(stream: TextIO) -> bool:
    """Whether it is a pipe that nobody reads any more, as after `| head`."""
    with contextlib.suppress(OSError):
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def _discard(stream: TextIO) -> None:
    """Lets nothing be written any more, which Python would try again at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
