"""Times as GitHub writes them, by a clock that tests can move ahead."""

import datetime as dt

_moved = dt.timedelta()
_stopped: dt.datetime | None = None


def move(seconds: float) -> None:
    """Sets how far the clock of this process is ahead of the machine's."""
    global _moved  # noqa: PLW0603 -- a process has one clock
    _moved = dt.timedelta(seconds=seconds)


def stop(moment: dt.datetime | None) -> None:
    """Lets the clock stand at a moment, from which only `move` takes it; None lets it go again."""
    global _stopped  # noqa: PLW0603 -- a process has one clock
    _stopped = moment


def ahead() -> float:
    """How many seconds the clock is ahead."""
    return _moved.total_seconds()


def present() -> dt.datetime:
    """The present moment."""
    return (_stopped or _machines()) + _moved


def _machines() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def now() -> str:
    """The present second, in UTC, as `2030-01-02T03:04:05Z`."""
    return stamp(present())


def stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> int:
    """What `now` and `stamp` write, as whole seconds since 1970."""
    return int(dt.datetime.fromisoformat(text).timestamp())


def later(seconds: float) -> str:
    """The time that many seconds from now."""
    return stamp(present() + dt.timedelta(seconds=seconds))
