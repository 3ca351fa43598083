"""The settings about sync windows: when Argo CD may sync an environment, in Argo CD's own terms.

What Argo CD refuses is refused here (`ValidateProject` in its pkg/apis/application/v1alpha1/app_project_types.go, with
the parser of robfig/cron and Go's durations): a window that it cannot read stops every sync. Refused as well is what it
takes and reads otherwise than it looks. `tests/sandbox/test_sync_windows.py` asks Argo CD about both.
"""

import importlib.resources
import itertools
import re
from collections.abc import Iterable
from fractions import Fraction
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

from manifests.model.base import Choice, model, wrong

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
"""Of a schedule: name, least, most, and the names that stand for least, the next, and so on."""
_NUMBER = r"[0-9]{1,9}"
_PART = re.compile(rf"(?P<first>[*?]|{_NUMBER}|[A-Za-z]+)(-(?P<last>{_NUMBER}|[A-Za-z]+))?(/(?P<step>{_NUMBER}))?")
_DAYS_OF_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DURATION = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)(h|m|s)")
_SECONDS = {"h": 3600, "m": 60, "s": 1}
_LONGEST = Fraction(2**63 - 1, 10**9)
"""Seconds: Go counts nanoseconds in 64 bits."""


class WindowKind(Choice):
    """What a sync window does."""

    ALLOW = "allow"
    DENY = "deny"


def _schedule(text: str) -> str:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise wrong(
            f"{text!r} is not a schedule; expected minute, hour, day of month, month and day of week: 0 22 * * 5"
        )
    found: list[set[int]] = []
    for field, (name, least, most, names) in zip(fields, _FIELDS, strict=True):
        values: set[int] = set()
        for part in field.split(","):
            some = _values(part, least, most, names)
            if some is None:
                raise wrong(f"{text!r}: {part!r} does not fit the {name}; use {least} to {most}, *, ranges and steps")
            values.update(some)
        found.append(values)
    _, _, days, months, _ = found
    # Argo CD takes a time that never comes for one that always is. With a day of the week either of the days will do.
    if re.search(r"[*?](/0*1)?(,|$)", fields[4]) and min(days) > max(_DAYS_OF_MONTHS[month - 1] for month in months):
        raise wrong(f"{text!r}: that day never comes in that month")
    return " ".join(fields)


def _values(text: str, least: int, most: int, names: tuple[str, ...]) -> Iterable[int] | None:
    """What a part of a field stands for; None if it does not fit."""
    found = _PART.fullmatch(text)
    if found is None:
        return None
    step = int(found["step"] or 1)
    if found["first"] in {"*", "?"}:
        first, last = (least, most) if found["last"] is None else (None, None)
    else:
        first = _number(found["first"], least, names)
        last = first if found["last"] is None else _number(found["last"], least, names)
        if found["last"] is None and found["step"]:
            last = most
    if first is None or last is None or step < 1 or not least <= first <= last <= most:
        return None
    return range(first, last + 1, step)


def _number(text: str, least: int, names: tuple[str, ...]) -> int | None:
    if text.lower() in names:
        return least + names.index(text.lower())
    return int(text) if text.isdigit() else None


def _duration(text: str) -> str:
    parts = _DURATION.findall(text)
    if "".join(itertools.chain.from_iterable(parts)) != text or not parts:
        raise wrong(f"{text!r} is not a duration; expected one such as 8h or 1h30m (days are not known: 48h)")
    seconds = sum(Fraction(number) * _SECONDS[unit] for number, unit in parts)
    if not 1 <= seconds <= _LONGEST:
        raise wrong(f"{text!r} is not from 1s to 2562047h; expected one such as 8h or 1h30m")
    return text


def _time_zone(text: str) -> str:
    if text not in _time_zones():
        raise wrong(
            f"{text!r} is not a time zone that Argo CD's image has; expected UTC or a region and city, such as"
            " Europe/Berlin or America/New_York"
        )
    return text


@cache
def _time_zones() -> frozenset[str]:
    """UTC and the zones of places.

    Older names (US/Eastern, CET) are left out: Argo CD's image has Ubuntu's tzdata without tzdata-legacy, and for a
    zone that it does not find Argo CD takes UTC and only logs that.
    """
    table = importlib.resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text()
    places = (line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#"))
    return frozenset({"UTC", *places})


Identity = tuple[str, str, str, str]
"""Kind, schedule, duration and time zone."""


def in_words(identity: Identity, *, manual_sync: bool) -> str:
    """What a window does, for people; when it begins stays in the words of cron."""
    kind, schedule, duration, time_zone = identity
    time = f"for {duration} from {schedule} ({time_zone})"
    if kind == WindowKind.ALLOW:
        return f"allowed {time}, else {'by hand only' if manual_sync else 'not at all'}"
    return f"denied {time}, {'except by hand' if manual_sync else 'by hand too'}"


@model
class SyncWindow:
    """A time in which Argo CD syncs an environment, or does not."""

    kind: WindowKind
    """Whether syncs are allowed in it, and at no other time, or denied in it. A window that denies wins."""
    schedule: Annotated[str, AfterValidator(_schedule)]
    """When it begins, as minute, hour, day of month, month and day of week, such as 0 22 * * 5."""
    duration: Annotated[str, AfterValidator(_duration)]
    """How long it lasts, such as 8h or 1h30m."""
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    """The time zone of the schedule, such as Europe/Berlin."""
    manual_sync: bool = False
    """Whether people may sync although the windows forbid it."""

    @property
    def identity(self) -> Identity:
        """What Argo CD knows a window by, and refuses twice (`HashIdentity` in its types.go)."""
        return self.kind, self.schedule, self.duration, self.time_zone

    @property
    def in_words(self) -> str:
        """What it does, for people."""
        return in_words(self.identity, manual_sync=self.manual_sync)
