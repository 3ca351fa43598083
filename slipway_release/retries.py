"""When what has failed is started again: after pauses that double up to a day, and so often that it outlasts a week."""

from __future__ import annotations

import datetime as dt

PAUSE = dt.timedelta(minutes=15)
"""The first one."""
MOST_TRIES = 14
_LONGEST_PAUSE = dt.timedelta(days=1)


def pause_after(failures: int) -> dt.timedelta:
    """How long to wait after so many failures, one or more."""
    return min(PAUSE * 2 ** min(failures - 1, MOST_TRIES), _LONGEST_PAUSE)
