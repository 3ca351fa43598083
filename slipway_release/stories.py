"""What became of each delivery: the newest deployments of a place, read against the record of verified releases.

Whatever shows a release asks here whether it is verified, so that one page never says two things of it. A report alone
verifies nothing: it has been checked once the record has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from slipway_release import deployments, fields, reports, workflow
from slipway_release.clone import Recorded
from slipway_release.context import Context
from slipway_release.deployments import Entry, Status

Place = tuple[str, str]
"""The names of an environment and of a service."""
_MOST_STEPS = 8
"""How many reports of a delivery are told."""


class State(StrEnum):
    """How far a release is in an environment."""

    NONE = "none"
    """Nothing was released there."""
    UNKNOWN = "unknown"
    """It is wanted, and nothing has been heard of it."""
    QUEUED = "queued"
    """It waits for somebody to sync it."""
    PROGRESSING = "progressing"
    """It is being verified."""
    VERIFIED = "verified"
    FAILED = "failed"
    REPLACED = "replaced"
    """Another one came before it was verified."""


WORDS = {
    State.VERIFIED: "✓ verified",
    State.FAILED: "✗ failed",
    State.PROGRESSING: "… being verified",
    State.QUEUED: "‖ waits for a sync",
    State.REPLACED: "↷ replaced",
    State.UNKNOWN: "? not verified yet",
    State.NONE: "not released",
}
"""What people read."""


@dataclass(frozen=True)
class Outcome:
    """What is to be said of a release."""

    state: State
    at: str = ""
    by: str = ""
    said: str = ""
    sync: str = ""
    """As Argo CD calls it; empty where nothing was reported of it."""
    health: str = ""
    """The same."""
    aside: str = ""
    """Drift or an incident that was reported since, with its time in `at`."""


@dataclass(frozen=True)
class Story:
    """A delivery, and the deployments that Argo CD has reported on since, up to the next delivery."""

    place: Place
    entries: tuple[Entry, ...]
    """Newest first."""
    delivery: Entry | None
    """None where it is older than what was looked at."""
    until: str | None
    """When the next delivery to the place came; None for the newest one."""

    @property
    def version(self) -> str:
        return str(self.delivery.payload.get("version")) if self.delivery else ""

    @property
    def digest(self) -> str | None:
        return fields.optional_text(self.delivery.payload, "digest") if self.delivery else None


def told(entries: Iterable[Entry]) -> list[Story]:
    """The stories that some deployments tell, the newest delivery first.

    Args:
        entries: deployments of any places, newest first.
    """
    found: list[Story] = []
    since: dict[Place, list[Entry]] = {}
    until: dict[Place, str] = {}
    for entry in entries:
        place = place_of(entry)
        since.setdefault(place, []).append(entry)
        if entry.payload.get("digest"):
            found.append(Story(place, tuple(since.pop(place)), entry, until.get(place)))
            until[place] = entry.created_at
    # What was delivered before the oldest of them, and is reported on again.
    return found + [Story(place, tuple(left), None, until.get(place)) for place, left in since.items()]


def place_of(entry: Entry) -> Place:
    environment, _, service = entry.environment.partition("/")
    return environment, service


def outcome(context: Context, story: Story, seen: Recorded | None) -> Outcome:
    """What became of a delivery.

    Args:
        context: knows which account is Argo CD's.
        story: the delivery.
        seen: the record of its version in its place.
    """
    verdict = _newest(reports.newest(context, entry) for entry in story.entries)
    if verdict is not None and verdict.state != "success" and not (seen and _is_later(seen.at, verdict.created_at)):
        sync, health = condition(verdict.description)
        return Outcome(State.FAILED, verdict.created_at, verdict.creator, verdict.description, sync, health)
    if seen is not None and (verdict is not None or _is_of(story, seen)):
        return _since(context, story, recorded(seen))
    if verdict is not None:
        said = f"{verdict.description}; it is being recorded"
        return Outcome(State.PROGRESSING, verdict.created_at, verdict.creator, said, "Synced", "Healthy")
    if story.until is not None:
        return Outcome(State.REPLACED, story.until)
    latest = _newest(entry.latest for entry in story.entries)
    if latest is not None and latest.state == "queued":
        # The rest of the sentence is about sync windows.
        windows = latest.description.partition("; ")[2]
        return Outcome(State.QUEUED, latest.created_at, said=windows, sync="OutOfSync")
    return Outcome(State.PROGRESSING, latest.created_at if latest else "")


def recorded(seen: Recorded) -> Outcome:
    """What the record says of a release."""
    return Outcome(State.VERIFIED, seen.at, seen.by, sync="Synced", health="Healthy")


def _is_of(story: Story, seen: Recorded) -> bool:
    """Whether a record was made of this delivery, and not of an earlier or later one of the same version."""
    if story.delivery is not None and _is_later(story.delivery.created_at, seen.at):
        return False
    return story.until is None or _is_later(story.until, seen.at)


def _since(context: Context, story: Story, verified: Outcome) -> Outcome:
    """The same with what Argo CD has reported aside since and is not over; each has an end of its own."""
    ends = (deployments.HEALED, deployments.OVER)
    told = [
        _newest(reports.newest_aside(context, entry, kind) for entry in story.entries) for kind in deployments.ASIDE
    ]
    aside = _newest(status for status in told if status is not None and not status.description.startswith(ends))
    # What comes in the same second as the report of success comes after it.
    if aside is None or _is_later(verified.at, aside.created_at):
        return verified
    sync, health = condition(aside.description)
    changed = {"sync": sync} if aside.description.startswith(deployments.DRIFT) else {"health": health}
    return replace(verified, at=aside.created_at, by=aside.creator, aside=aside.description, **changed)


_CONDITION = re.compile(
    r"(?:Not verified within \d+ s: |Incident [^:]*: )?(Healthy|Degraded|Missing|Progressing|Suspended|Unknown): "
)


def condition(report: str) -> tuple[str, str]:
    """Sync and health as a report of Argo CD has them, which is one of the messages in `templates/argocd`."""
    if report.startswith(("Sync failed", "Check failed")):
        return report.partition(":")[0], ""
    if report.startswith("Cannot be "):
        return "Unknown", ""
    if report.startswith(deployments.DRIFT):
        return "OutOfSync", ""
    found = _CONDITION.match(report)
    if found is None:
        return "", ""
    return "OutOfSync" if report.endswith(": OutOfSync") else "Synced", found[1]


def steps(story: Story) -> list[list[str]]:
    """The reports of a delivery, oldest first: when, which state, in which words."""
    statuses = [status for entry in story.entries for status in entry.statuses]
    # GitHub itself sets deployments inactive, and says nothing.
    ordered = sorted((status for status in statuses if status.description), key=lambda status: status.order)
    return [[status.created_at, status.state, status.description] for status in ordered[-_MOST_STEPS:]]


def _newest(statuses: Iterable[Status | None]) -> Status | None:
    return max(filter(None, statuses), key=lambda status: status.order, default=None)


def _is_later(one: str, other: str) -> bool:
    return workflow.moment(one) > workflow.moment(other)
