"""Schedules and time zones of CronJobs, as https://github.com/robfig/cron/blob/v3.0.1/parser.go reads them."""

from __future__ import annotations

import functools
import re
import zoneinfo

REMEDY = (
    "five fields (minute, hour, day of the month, month, day of the week from 0 to 6) such as `30 2 * * 1-5`, or"
    " @daily; a time zone belongs into timeZone"
)
_WORDS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_SPAN = r"([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_EVERY = re.compile(rf"@every [-+]?(0|({_SPAN})+)")
_OLDER_NAME = "US/Pacific"
_NUMBER = re.compile(r"\+?[0-9]+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}),
    (0, 23, {}),
    (1, 31, {}),
    (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    (0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


def is_schedule(text: str) -> bool:
    """Whether Kubernetes takes the text as the schedule of a CronJob."""
    if text.startswith("@"):
        return text in _WORDS or _EVERY.fullmatch(text) is not None
    fields = text.split()
    return len(fields) == len(_FIELDS) and all(
        _is_range(part, *field)
        for given, field in zip(fields, _FIELDS, strict=True)
        for part in given.split(",")
        if part
    )


def _is_range(text: str, least: int, most: int, names: dict[str, int]) -> bool:
    span, *steps = text.split("/")
    start, *ends = span.split("-")
    if len(steps) > 1 or len(ends) > 1 or (steps and not (_NUMBER.fullmatch(steps[0]) and int(steps[0]) > 0)):
        return False
    if start in {"*", "?"}:
        return True
    numbers = [names.get(part.lower(), int(part) if _NUMBER.fullmatch(part) else None) for part in (start, *ends)]
    known = [number for number in numbers if number is not None]
    return len(known) == len(numbers) and least <= known[0] <= known[-1] <= most


@functools.cache
def _known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def is_time_zone(text: str) -> bool:
    """Whether a time zone is known, as far as this machine can say: some have none, or not the older names."""
    known = _known_zones()
    if text == "UTC" or text in known:
        return True
    is_complete = _OLDER_NAME in known
    is_written_otherwise = text.lower() in {name.lower() for name in known}
    return not (is_complete or is_written_otherwise or text.lower() == "local")
