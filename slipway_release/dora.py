"""DORA's four figures for each service and environment, from the ledger and nothing else."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slipway_release import deployments, fields, workflow
from slipway_release.context import Context
from slipway_release.deployments import Entry
from slipway_release.errors import RefusedError


@dataclass(frozen=True)
class Deployment:
    """What the figures need to know of one deployment."""

    created: dt.datetime
    committed: dt.datetime | None
    verified: dt.datetime | None
    failed: dt.datetime | None


@dataclass(frozen=True)
class Figures:
    """The four figures. None where the ledger has nothing to count."""

    service: str
    environment: str
    days: int
    deployments: int
    failures: int
    deployments_per_week: float
    lead_time_seconds: float | None
    """Median from commit to verified."""
    change_failure_rate: float | None
    """Failed deployments among those that were reported on."""
    time_to_restore_seconds: float | None
    """Median from a failure to the next verified deployment."""


def figures(context: Context, days: int, service: str | None, environment: str | None) -> list[Figures]:
    """The figures of everything that runs somewhere, or of what is named."""
    if days < 1:
        raise RefusedError(f"--days {days}: must be at least 1")
    since = workflow.now() - dt.timedelta(days=days)
    services = [context.platform.service(service)] if service else context.platform.services
    only = context.platform.environment(environment).name if environment else None
    return [
        calculate(item.name, place.name, days, _deployments(context, place.name, item.name, since))
        for item in services
        for place in context.platform.environments_of(item)
        if only in {None, place.name}
    ]


def calculate(service: str, environment: str, days: int, deployments: Sequence[Deployment]) -> Figures:
    """The figures of some deployments of the last so many days."""
    return _figures(service, environment, days, [deployments])


def together(environment: str, days: int, services: Sequence[Sequence[Deployment]]) -> Figures:
    """The figures of an environment as a whole, from the deployments of each of its services."""
    return _figures("", environment, days, services)


def _figures(service: str, environment: str, days: int, groups: Sequence[Sequence[Deployment]]) -> Figures:
    ordered = [sorted(group, key=lambda deployment: deployment.created) for group in groups]
    done = [deployment for group in ordered for deployment in group]
    verified = [deployment for deployment in done if deployment.verified]
    failed = [deployment for deployment in done if deployment.failed]
    reported = [deployment for deployment in done if deployment.verified or deployment.failed]
    return Figures(
        service=service,
        environment=environment,
        days=days,
        deployments=len(verified),
        failures=len(failed),
        deployments_per_week=round(len(verified) * 7 / days, 2),
        lead_time_seconds=_median(
            (deployment.verified - deployment.committed).total_seconds()
            for deployment in verified
            if deployment.verified and deployment.committed
        ),
        change_failure_rate=round(len(failed) / len(reported), 3) if reported else None,
        time_to_restore_seconds=_median(seconds for group in ordered for seconds in _restorations(group)),
    )


def _restorations(done: Sequence[Deployment]) -> Iterable[float]:
    for index, deployment in enumerate(done):
        if deployment.failed is None:
            continue
        # Times have whole seconds, so a later deployment may be verified in the second of the failure.
        later = [
            other.verified for other in done[index + 1 :] if other.verified and other.verified >= deployment.failed
        ]
        # What was verified first has not failed, see `_merged`.
        if deployment.verified and deployment.verified >= deployment.failed:
            later.append(deployment.verified)
        if later:
            yield (min(later) - deployment.failed).total_seconds()


def _deployments(context: Context, environment: str, service: str, since: dt.datetime) -> list[Deployment]:
    name = deployments.name_of(environment, service)
    return deliveries(deployments.entries(context.own, context.platform.repository, name), since)


def deliveries(entries: Iterable[Entry], since: dt.datetime) -> list[Deployment]:
    """The deliveries of one service to one environment since then, oldest first.

    Args:
        entries: its deployments, newest first.
        since: when to stop.

    Argo CD reports on the commit that it has synced. Where another service has moved the branch on, that is a
    deployment of its own without our payload: it tells of the delivery before it and is none itself.
    """
    found: list[Deployment] = []
    reports: list[Deployment] = []
    for entry in entries:
        created = workflow.moment(entry.created_at)
        if created < since:
            break
        deployment = _deployment(entry, created)
        reports.append(deployment)
        if entry.payload.get("digest"):
            found.append(_merged(deployment, reports))
            reports = []
    return found[::-1]


def _merged(delivery: Deployment, reports: Sequence[Deployment]) -> Deployment:
    """A delivery with what was reported on it and on later commits: the first word of each kind."""
    verified = min((item.verified for item in reports if item.verified), default=None)
    failed = min((item.failed for item in reports if item.failed), default=None)
    if verified and failed and verified < failed:
        # What fails after it was verified is an incident of its own, not a failed change.
        failed = None
    return dataclasses.replace(delivery, verified=verified, failed=failed)


def _moment(text: str) -> dt.datetime | None:
    """A time of a payload: everybody who may push can write one, and a commit's date is what its author says."""
    try:
        found = workflow.moment(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _deployment(entry: Entry, created: dt.datetime) -> Deployment:
    committed = fields.optional_text(entry.payload, "committedAt")
    return Deployment(
        created=created,
        committed=_moment(committed) if committed else None,
        verified=workflow.moment(entry.verified_at) if entry.verified_at else None,
        failed=workflow.moment(entry.failed_at) if entry.failed_at else None,
    )


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def as_document(found: Figures) -> dict[str, object]:
    return dataclasses.asdict(found)


def as_json(found: Sequence[Figures]) -> str:
    return json.dumps([dataclasses.asdict(item) for item in found], indent=2)


def as_table(found: Sequence[Figures]) -> str:
    """A table for people."""
    rows = [("SERVICE", "ENVIRONMENT", "DEPLOYMENTS/WEEK", "LEAD TIME", "FAILURE RATE", "TIME TO RESTORE")]
    rows += [
        (
            item.service,
            item.environment,
            f"{item.deployments_per_week:g}",
            _duration(item.lead_time_seconds),
            "-" if item.change_failure_rate is None else f"{item.change_failure_rate:.0%}",
            _duration(item.time_to_restore_seconds),
        )
        for item in found
    ]
    return "\n".join(aligned(rows))


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table, each as a line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
