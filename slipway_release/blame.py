"""What broke an environment: the release, a change of its configuration, or neither.

A release is judged by what it was delivered with. What was healthy with the same image before, or fails only since
somebody changed values or the chart, is not the release's fault: holding it would stop a good version. Where release
and configuration came together, and neither was seen without the other, nothing can tell which it is.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from slipway_release import deployments, fields, history, layout, record, reports
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release
from slipway_release.reports import Report

TRANSIENT = (
    "failed calling webhook|connection refused|connection reset|i/o timeout|context deadline exceeded|"
    "TLS handshake timeout|no endpoints available|currently unable to handle|code = Unavailable"
)
"""What a cluster says when something in it does not answer: no fault of any commit. Read by Argo CD too (RE2)."""
MANY = 3
"""How many other services must fail at about the same time for it to be none of their releases."""
_AT_ONCE = dt.timedelta(minutes=10)
_MOST_SERVICES = 20
"""How many services are looked at."""
_ENTRIES = 100
_RECENT = 10
"""How many reports before a failure are looked at; those of the same release and configuration do not count."""


@dataclass(frozen=True)
class Configuration:
    """A change of chart or values that came after a state that had not failed."""

    since: str
    """The commit before it."""
    commit: str
    """The newest commit of the change."""
    author: str
    """Its author's login, or name; may be empty."""
    paths: tuple[str, ...]


def others_failing(context: Context, report: Report) -> list[str]:
    """The other services of the environment that were reported as failed at about the same time, newest first.

    Many at once are not their releases: a node, the registry, a network or a cluster is. Where more were reported well
    since, the environment works, and none counts: each is judged alone. Read from the newest page of deployments, each
    service once.
    """
    path = f"/repos/{context.platform.repository}/deployments"
    seen = {report.service.name}
    found: list[str] = []
    well = 0
    for item in fields.documents(context.writer.read(path, {"per_page": str(_ENTRIES)}), path):
        name = fields.text(item, "environment", path)
        environment, _, service = name.partition("/")
        if environment != report.environment.name or service in seen or len(seen) > _MOST_SERVICES:
            continue
        seen.add(service)
        entry, _ = deployments.entry(context.writer, context.platform.repository, fields.number(item, "id", path))
        status = reports.newest(context, entry)
        if status is None:
            continue
        if status.state == "success":
            well += status.order > report.status.order
        elif abs(status.order[0] - report.status.order[0]) <= _AT_ONCE:
            found.append(service)
    return found if len(found) >= well else []


def is_outage(report: Report) -> bool:
    """Whether the failure is something that does not answer: a webhook, the API server, the network."""
    return report.status.description.startswith("Sync failed") and bool(re.search(TRANSIENT, report.status.description))


def was_good(context: Context, report: Report, release: Release) -> bool:
    """Whether this very image was verified in this environment before."""
    return record.is_verified(context, report.environment, report.service, release)


def configuration(context: Context, report: Report, release: Release, *, good: bool) -> Configuration | None:
    """The change of configuration that a failure is to be blamed on, or None.

    Args:
        context: what is read with.
        report: the failure.
        release: the release at the failing commit.
        good: whether the release was verified before.
    """
    environment, service = report.environment, report.service
    if good:
        since = _verified_at(context, report, release)
        return _changed(context, environment, service, since, report.entry.sha) if since else None
    came = reports.delivered(context, environment, service, release, report.entry.sha)
    since = came and came.sha
    # Each is read once, and no more of them than are looked at.
    recent, again = itertools.tee(itertools.islice(_before(context, report, release), _RECENT))
    worked = None
    # What the release came onto is not held against what was before that: see `together`.
    if since is not None and _paths(context, environment, service, since, report.entry.sha):
        worked = _worked(context, report, release, since, recent)
    changed = _changed(context, environment, service, worked, report.entry.sha) if worked else None
    return changed or _broken_before(context, report, release, again)


def together(context: Context, report: Report, release: Release, good: str) -> Configuration | None:
    """The change of configuration that came with a release and may be what broke as well as the release; or None.

    Args:
        context: what is read with.
        report: the failure.
        release: the release at the failing commit.
        good: the commit at which what was there before was verified.
    """
    environment, service = report.environment, report.service
    if not _paths(context, environment, service, good, report.entry.sha):
        return None
    for before in itertools.islice(_before(context, report, release), _RECENT):
        commit, is_good = before.entry.sha, before.status.state == "success"
        if release.same_image(before.release):
            if not is_good and not _paths(context, environment, service, good, commit):
                return None
        elif is_good and not _paths(context, environment, service, commit, report.entry.sha):
            return None
    return _changed(context, environment, service, good, report.entry.sha)


def _verified_at(context: Context, report: Report, release: Release) -> str | None:
    """The commit at which a release was verified; as reported where somebody has moved the record of it."""
    environment, service = report.environment, report.service
    if record.is_own(context, environment, service, release.version):
        return record.commit_of(context, environment, service, release.version)
    before = itertools.islice(_before(context, report, release), _RECENT)
    well = (one for one in before if one.status.state == "success" and release.same_image(one.release))
    return next((one.entry.sha for one in well), None)


def _worked(context: Context, report: Report, release: Release, since: str, recent: Iterable[Report]) -> str | None:
    """The commit of the configuration that a change is held against; None where the change is not to blame.

    That is the one the release came onto, or the last one that worked where nothing was reported of that one. A change
    is not to blame if it leads away from a configuration on which this release failed, or on which others did and none
    worked: it is a mend, and what fails after it fails of something else.
    """
    environment, service, failed = report.environment, report.service, False
    for before in recent:
        commit, is_good = before.entry.sha, before.status.state == "success"
        if release.same_image(before.release):
            if not is_good and _paths(context, environment, service, commit, report.entry.sha):
                return None
        elif not _paths(context, environment, service, commit, since):
            if is_good:
                return since
            failed = True
        elif is_good:
            return None if failed else commit
    return None if failed else since


def _before(context: Context, report: Report, release: Release) -> Iterator[Report]:
    """What was reported of the place's older deployments, newest first, and says more than the failing one.

    A release that fails on and on is reported at each new commit that is synced; what is not to be believed is left out
    too.
    """
    environment, service = report.environment, report.service
    name = deployments.name_of(environment.name, service.name)
    entries = deployments.entries(context.writer, context.platform.repository, name)
    for entry in itertools.islice(entries, _ENTRIES):
        if entry.id >= report.entry.id or entry.sha == report.entry.sha:
            continue
        try:
            there = context.contents.release(environment.name, service.name, entry.sha).release
            if release.same_image(there) and not _paths(context, environment, service, entry.sha, report.entry.sha):
                continue
            found = reports.of_entry(context, entry, environment, service)
        except RefusedError:
            continue
        if found is not None and found.release is not None:
            yield found


def _broken_before(
    context: Context, report: Report, release: Release, recent: Iterable[Report]
) -> Configuration | None:
    """The change of configuration that made another release fail already, before this one came onto it."""
    environment, service = report.environment, report.service
    for before in recent:
        failed = before.release
        if failed is None or failed.same_image(release):
            continue
        if before.status.state == "success":
            return None
        if _paths(context, environment, service, before.entry.sha, report.entry.sha):
            # Whatever failed there is not what is there now.
            return None
        found = configuration(context, before, failed, good=was_good(context, before, failed))
        return _changed(context, environment, service, found.since, report.entry.sha) if found else None
    return None


def _paths(context: Context, environment: Environment, service: Service, since: str, commit: str) -> tuple[str, ...]:
    """The files of chart and values that differ; none too where more differ than GitHub lists."""
    _, paths = history.changes(context.writer, context.platform.repository, since, commit)
    return tuple(path for path in paths or () if layout.is_configuration_of(path, environment.name, service.name))


def _changed(
    context: Context, environment: Environment, service: Service, since: str, commit: str
) -> Configuration | None:
    wanted = _paths(context, environment, service, since, commit)
    if not wanted:
        return None
    repository = context.platform.repository
    newest = next(iter(history.commits_of(context.writer, repository, wanted[0], commit, 1)), commit)
    return Configuration(since, newest, _author(context, newest), wanted)


def _author(context: Context, commit: str) -> str:
    found = context.writer.get(f"/repos/{context.platform.repository}/commits/{commit}")
    login = fields.optional_text(fields.optional_document(found, "author") or {}, "login")
    details = fields.optional_document(fields.optional_document(found, "commit") or {}, "author") or {}
    return login or fields.optional_text(details, "name") or ""
