"""Times as GitHub writes them."""

import datetime


def now() -> str:
    """The present second, in UTC, as `2030-01-02T03:04:05Z`."""
    return stamp(datetime.datetime.now(datetime.UTC))


def stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def later(seconds: float) -> str:
    """The time that many seconds from now."""
    return stamp(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds))
