"""Times as GitHub writes them."""

import datetime as dt


def now() -> str:
    """The present second, in UTC, as `2030-01-02T03:04:05Z`."""
    return stamp(dt.datetime.now(dt.UTC))


def stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> int:
    """What `now` and `stamp` write, as whole seconds since 1970."""
    return int(dt.datetime.fromisoformat(text).timestamp())


def later(seconds: float) -> str:
    """The time that many seconds from now."""
    return stamp(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))
