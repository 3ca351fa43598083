"""The newest releases with their stories, and DORA's figures with their trend, for a terminal.

It says what the status page says, of the same document, in lines of at most 80 columns.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from slipway_release import dora, workflow
from slipway_release.stories import WORDS

COLUMNS = 80
_BARS = "▁▂▃▄▅▆▇█"
_NOTHING = "·"
_UNITS = ((90, "s", 1), (5400, "min", 60), (129600, "h", 3600))

Json = Mapping[str, Any]


def text(found: Mapping[str, object]) -> str:
    """Both as text.

    Args:
        found: what the page shows (`overview.overview`).
    """
    document = cast("Json", found)
    figures: list[Json] = document["dora"]
    days = figures[0]["days"] if figures else 30
    return "\n".join(
        [
            f"DORA's figures of the last {days} days; bars are weeks, the oldest first",
            *(_figures(figures) if figures else ["  There are no figures yet."]),
            "",
            "Newest releases",
            *([line for one in document["releases"] for line in _release(one, document["made"])] or _NO_RELEASES),
        ]
    )


_NO_RELEASES = ["  Nothing was released yet."]


def _release(one: Json, made: str) -> list[str]:
    back = f", taking back {one['back']}" if one["back"] else ""
    words = f"{one['service']} {one['version']} to {one['environment']}: {WORDS[one['state']]}{back}"
    steps: list[list[str]] = one["steps"]
    return [
        *_wrapped(f"  {_ago(one['at'], made):<12}", words),
        *(line for at, _, said in steps for line in _wrapped(f"{'':14}{_ago(at, made):<12}", said)),
    ]


def _wrapped(begin: str, words: str) -> list[str]:
    # Everybody who may push can write a status: nothing of it is to steer the terminal.
    words = "".join(sign if sign.isprintable() else " " for sign in words)
    return textwrap.wrap(words, COLUMNS, initial_indent=begin, subsequent_indent=" " * len(begin))


def _figures(figures: Sequence[Json]) -> list[str]:
    def percent(share: float) -> str:
        return f"{round(share * 100)} %"

    columns: list[tuple[str, str, Callable[[float], str]]] = [
        ("releases/week", "deployments_per_week", lambda number: f"{number:g}"),
        ("lead time", "lead_time_seconds", duration),
        ("failure rate", "change_failure_rate", percent),
        ("time to restore", "time_to_restore_seconds", duration),
    ]
    rows = [["environment", *(title for title, _, _ in columns)]]
    rows += [
        [
            one["environment"],
            *(_figure(one[key], [week and week[key] for week in one["weeks"]], said) for _, key, said in columns),
        ]
        for one in figures
    ]
    return [f"  {line}" for line in dora.aligned(rows)]


def _figure(value: float | None, weeks: Sequence[float | None], said: Callable[[float], str]) -> str:
    return f"{'–' if value is None else said(value):<6} {trend(weeks)}".rstrip()


def trend(weeks: Sequence[float | None]) -> str:
    """A bar for each week; what nothing is known of has a dot."""
    known = [week for week in weeks if week is not None]
    most = max(known, default=0) or 1
    return "".join(_NOTHING if week is None else _BARS[round(week / most * (len(_BARS) - 1))] for week in weeks)


def _ago(at: str, made: str) -> str:
    if not at:
        return ""
    return f"{duration(max(0, (workflow.moment(made) - workflow.moment(at)).total_seconds()))} ago"


def duration(seconds: float) -> str:
    """As the page has it."""
    for most, unit, size in _UNITS:
        if seconds < most:
            return f"{round(seconds / size)} {unit}"
    return f"{round(seconds / 86400)} d"
