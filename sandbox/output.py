"""What becomes of output that cannot be written; the release program, another distribution, has the same."""

import contextlib
import os
import select
from typing import TextIO


def is_unread(stream: TextIO) -> bool:
    """Whether it is a pipe that nobody reads any more, as after `| head`."""
    with contextlib.suppress(OSError):
        poll = select.poll()
        poll.register(stream.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def discard(stream: TextIO) -> None:
    """Lets nothing be written any more, which Python would try again at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
