"""When simulated years begin, and the clock by which they go: what happens must not depend on how fast a machine is."""

import datetime as dt
import os
import time

from sandbox.github.core import clock

_BEGINNINGS = (
    dt.datetime(2030, 1, 1, tzinfo=dt.UTC),
    # Before a leap day, the end of a year, and the nights in which Europe's clocks are put forward and back.
    dt.datetime(2028, 2, 28, 20, tzinfo=dt.UTC),
    dt.datetime(2030, 12, 31, 20, tzinfo=dt.UTC),
    dt.datetime(2030, 3, 30, 20, tzinfo=dt.UTC),
    dt.datetime(2030, 10, 26, 20, tzinfo=dt.UTC),
)
_ZONE = "TZ"


def begin(seed: int) -> None:
    """Stop the clock where the year of a seed begins, on a runner of Berlin."""
    os.environ[_ZONE] = "Europe/Berlin"
    time.tzset()
    clock.stop(_BEGINNINGS[seed % len(_BEGINNINGS)])
    clock.move(0)


def end() -> None:
    """Put the clock and the zone back."""
    clock.stop(None)
    clock.move(0)
    os.environ.pop(_ZONE, None)
    time.tzset()
