"""What Argo CD has reported of a place and nobody has acted on, because the event or its run was lost."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence

from slipway_release import delivery, deployments, history, ledger, record, reports, rollback, verified, workflow
from slipway_release.context import Context
from slipway_release.deployments import Entry
from slipway_release.errors import ApiError, RefusedError, ReleaseError
from slipway_release.git import Commit
from slipway_release.places import Place
from slipway_release.release_file import Release
from slipway_release.reports import Report

_PAGE = 100
_RECENT = 20
"""How many deployments are looked at for what was reported since a change."""
_JUST_NOW = dt.timedelta(minutes=5)


def _taken_back(context: Context, place: Place, report: Report) -> list[str]:
    """Act on a report of failure. Why nothing is taken back is told, and is not done: it would be so each time."""
    answer = rollback.act(context, report)
    if answer.done is not None:
        return [f"{place}: {answer.reason}"]
    workflow.notice(f"{place}: {answer.reason}")
    return []


def act(context: Context, place: Place, known: set[str]) -> list[str]:
    """Act on what Argo CD has reported of a release that is not recorded as verified yet."""
    release = place.file.release
    if release is None or f"{place}/{release.version}" in known:
        return []
    done: list[str] = []
    repository = context.platform.repository
    is_new = not any(name.startswith(f"{place}/") for name in known)
    entries = _entries(context, place)
    came = reports.delivered(context, place.environment, place.service, release, place.environment.target_branch)
    _write_down(context, place, release, entries, came)
    acted = False
    for entry in entries:
        if not is_new and came is not None and not history.is_since(context.writer, repository, entry.sha, came.sha):
            # Deployments come in any order; what was synced before the release came says nothing of it.
            continue
        status = reports.newest(context, entry)
        if status is None:
            continue
        if acted and not (is_new and status.state == "success"):
            continue
        try:
            report = reports.of_entry(context, entry, place.environment, place.service)
        except ReleaseError as error:
            workflow.say(f"{place}: {error}")
            continue
        if report is None or report.release is None:
            continue
        if not acted and report.is_current:
            acted = True
            if status.state == "success":
                verified.accept(context, report)
                done.append(f"{place}: {report.release.version} is recorded as verified")
            else:
                done += _taken_back(context, place, report)
        elif is_new and status.state == "success":
            # A platform from before the record: what its deployments still show is written down once.
            words = f"{status.creator or 'Argo CD'} at {status.created_at}"
            if record.write(context, place.environment, place.service, report.release, entry.sha, words):
                done.append(
                    f"{place}: {report.release.version} was verified at {status.created_at} and is recorded now"
                )
    return done


def _entries(context: Context, place: Place) -> list[Entry]:
    """The newest deployments of a place, newest first; one page of them."""
    return list(itertools.islice(deployments.entries(context.writer, context.platform.repository, str(place)), _PAGE))


def _write_down(
    context: Context, place: Place, release: Release, entries: Sequence[Entry], came: Commit | None
) -> None:
    """Open the deployment of a release that is in Git, should the event of its merge have been lost."""
    if any(entry.is_of(release) for entry in entries):
        return
    environment, service = place.environment, place.service
    # One that has just come is written down by who has brought it.
    if came is not None and abs(workflow.now() - workflow.moment(came.date)) > _JUST_NOW:
        date = history.commit_date(context.service, service.repository, release.commit)
        ledger.Ledger(context, service).delivered(environment, release, came.sha, date)


def act_on_change(context: Context, place: Place, change: str) -> list[str]:
    """Act on what Argo CD has reported of a release that was verified, since the place has changed."""
    for entry in _entries(context, place)[:_RECENT]:
        is_since = history.is_since(context.writer, context.platform.repository, entry.sha, change)
        status = reports.newest(context, entry) if is_since else None
        report = status and reports.of_entry(context, entry, place.environment, place.service)
        if status is None or report is None:
            continue
        if not report.is_current or report.release is None:
            return []
        if status.state != "success":
            return _taken_back(context, place, report)
        verified.accept(context, report)
        return [f"{place}: {report.release.version} is recorded as verified"]
    return []


def seen_good(context: Context, place: Place) -> delivery.Verified | None:
    """What the newest report on the wanted release says of it, if that is good."""
    for entry in _entries(context, place):
        status = reports.newest(context, entry)
        if status is None:
            continue
        try:
            report = reports.of_entry(context, entry, place.environment, place.service)
        except ApiError:
            raise
        except RefusedError as error:
            # Of a commit that the branch does not have any more.
            workflow.say(f"{place}: {error}")
            continue
        if report is None or report.release is None or not report.is_current or status.state != "success":
            return None
        return delivery.Verified(report.release.version, entry.sha)
    return None
