"""The settings about sync windows: when Argo CD may sync an environment, in Argo CD's own terms.

Argo CD reads the schedule with five fields and no shortcuts such as `@daily` (`SyncWindow.Validate` in its
pkg/apis/application/v1alpha1/types.go, with the parser of robfig/cron).
"""

import re
from typing import Annotated
from zoneinfo import available_timezones

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
_PART = re.compile(r"(?P<first>[*?]|\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?")
_DURATION = re.compile(r"(\d+(\.\d+)?(h|m|s))+")


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
    for field, (name, least, most, names) in zip(fields, _FIELDS, strict=True):
        for part in field.split(","):
            if not _is_part(part, least, most, names):
                raise wrong(f"{text!r}: {part!r} does not fit the {name}; use {least} to {most}, *, ranges and steps")
    return text


def _is_part(text: str, least: int, most: int, names: tuple[str, ...]) -> bool:
    found = _PART.fullmatch(text)
    if found is None or (found["step"] is not None and int(found["step"]) < 1):
        return False
    if found["first"] in {"*", "?"}:
        return found["last"] is None
    first, last = (_number(found[name], least, names) for name in ("first", "last"))
    return (
        first is not None
        and least <= first <= (most if last is None else last) <= most
        and (found["last"] is None or last is not None)
    )


def _number(text: str | None, least: int, names: tuple[str, ...]) -> int | None:
    if text is None:
        return None
    if text.lower() in names:
        return least + names.index(text.lower())
    return int(text) if text.isascii() and text.isdigit() else None


def _duration(text: str) -> str:
    if _DURATION.fullmatch(text) is None or not re.search("[1-9]", text):
        raise wrong(f"{text!r} is not a duration; expected one such as 8h or 1h30m (days are not known: 48h)")
    return text


def _time_zone(text: str) -> str:
    known = available_timezones()
    # A machine without a database of time zones cannot tell.
    if known and text not in known:
        raise wrong(f"{text!r} is not a time zone; expected a name such as Europe/Berlin")
    return text


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
