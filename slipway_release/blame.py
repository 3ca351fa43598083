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
from functools import cached_property

from slipway_release import deployments, fields, history, layout, record, reports
from slipway_release.context import Context
from slipway_release.deployments import Entry
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
"""How many reports before a failure are looked at; those of the same release and configuration do not count.

For what was blamed before, those of the same configuration do not count either.
"""


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


class Past:
    """What was reported of a place. Deployments are listed once, and each report and each difference is read once."""

    def __init__(self, context: Context, environment: Environment, service: Service) -> None:
        self.context = context
        self.environment = environment
        self.service = service
        self._reports: dict[int, Report | None] = {}
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}

    def before(self, report: Report, release: Release) -> Iterator[Report]:
        """What was reported of older deployments, newest first, and says more than a failure of a release.

        A release that fails on and on is reported at each new commit that is synced. That says no more, and neither
        does an outage, or what is not to be believed.
        """
        for entry in self._entries:
            if entry.id >= report.entry.id or entry.sha == report.entry.sha:
                continue
            try:
                there = self.context.contents.release(self.environment.name, self.service.name, entry.sha).release
                if release.same_image(there) and not self.paths(entry.sha, report.entry.sha):
                    continue
                found = self._report(entry)
            except RefusedError:
                continue
            if found is not None and found.release is not None and not is_outage(found):
                yield found

    def paths(self, since: str, commit: str) -> tuple[str, ...]:
        """The files of chart and values that differ; none too where more differ than GitHub lists."""
        if (since, commit) not in self._paths:
            _, paths = history.changes(self.context.writer, self.context.platform.repository, since, commit)
            mine = (self.environment.name, self.service.name)
            self._paths[since, commit] = tuple(path for path in paths or () if layout.is_configuration_of(path, *mine))
        return self._paths[since, commit]

    @cached_property
    def _entries(self) -> list[Entry]:
        name = deployments.name_of(self.environment.name, self.service.name)
        found = deployments.entries(self.context.writer, self.context.platform.repository, name)
        return list(itertools.islice(found, _ENTRIES))

    def _report(self, entry: Entry) -> Report | None:
        if entry.id not in self._reports:
            self._reports[entry.id] = reports.of_entry(self.context, entry, self.environment, self.service)
        return self._reports[entry.id]


def configuration(past: Past, report: Report, release: Release, *, good: bool) -> Configuration | None:
    """The change of configuration that a failure is to be blamed on, or None.

    Args:
        past: what was reported of the place.
        report: the failure.
        release: the release at the failing commit.
        good: whether the release was verified before.
    """
    found = _change(past, report, release, good=good)
    if found is not None or good or _has_worked(past, report, release):
        return found
    return _broken_before(past, report, release)


def together(past: Past, report: Report, release: Release, good: str) -> Configuration | None:
    """The change of configuration that came with a release and may be what broke as well as the release; or None.

    Args:
        past: what was reported of the place.
        report: the failure.
        release: the release at the failing commit.
        good: the commit at which what was there before was verified.
    """
    changed = past.paths(good, report.entry.sha)
    if not changed or _has_worked(past, report, release):
        return None
    for before in itertools.islice(past.before(report, release), _RECENT):
        commit = before.entry.sha
        if release.same_image(before.release) and not _is_good(before) and not past.paths(good, commit):
            return None
    return _of(past, good, report.entry.sha, changed)


def _has_worked(past: Past, report: Report, release: Release) -> bool:
    """Whether another release was well with the very configuration with which this one fails."""
    return any(
        _is_good(before)
        and not release.same_image(before.release)
        and not past.paths(before.entry.sha, report.entry.sha)
        for before in itertools.islice(past.before(report, release), _RECENT)
    )


def _change(past: Past, report: Report, release: Release, *, good: bool) -> Configuration | None:
    """The change that a release fails since, from what was reported of that change."""
    commit = report.entry.sha
    if good:
        since = _verified_at(past, report, release)
    elif _has_worked(past, report, release):
        return None
    else:
        came = reports.delivered(past.context, past.environment, past.service, release, commit)
        # What the release came onto is not held against what was before that: see `together`.
        since = _worked(past, report, release, came.sha) if came and past.paths(came.sha, commit) else None
    return _of(past, since, commit, past.paths(since, commit)) if since else None


def _verified_at(past: Past, report: Report, release: Release) -> str | None:
    """The commit at which a release was verified; as reported where somebody has moved the record of it."""
    context, environment, service = past.context, past.environment, past.service
    if record.is_own(context, environment, service, release.version):
        return record.commit_of(context, environment, service, release.version)
    before = itertools.islice(past.before(report, release), _RECENT)
    return next((one.entry.sha for one in before if _is_good(one) and release.same_image(one.release)), None)


def _worked(past: Past, report: Report, release: Release, since: str) -> str | None:
    """The commit of the configuration that a change is held against; None where the change is not to blame.

    That is the one the release came onto, or the last one that worked where nothing was reported of that one. A change
    is not to blame if it leads away from a configuration on which this release failed, or on which others did and none
    worked: it is a mend, and what fails after it fails of something else.
    """
    failed = False
    for before in itertools.islice(past.before(report, release), _RECENT):
        commit = before.entry.sha
        if release.same_image(before.release):
            if not _is_good(before) and past.paths(commit, report.entry.sha):
                return None
        elif not past.paths(commit, since):
            if _is_good(before):
                return since
            failed = True
        elif _is_good(before):
            return None if failed else commit
    return None if failed else since


def _broken_before(past: Past, report: Report, release: Release) -> Configuration | None:
    """The change that a failure was blamed on before, where its files are as they were and were not well since."""
    commit, well, others = report.entry.sha, list[str](), 0
    for before in past.before(report, release):
        others += bool(past.paths(before.entry.sha, commit))
        failed = before.release
        if failed is None or others > _RECENT:
            return None
        if _is_good(before):
            well.append(before.entry.sha)
            continue
        found = _change(past, before, failed, good=was_good(past.context, before, failed))
        if found is None or not _is_same(past, found.paths, before.entry.sha, commit):
            continue
        if not any(_is_same(past, found.paths, one, commit) for one in well):
            return _of(past, found.since, commit, found.paths)
    return None


def _is_same(past: Past, paths: Iterable[str], commit: str, other: str) -> bool:
    """Whether files are the same at two commits."""
    return not set(paths) & set(past.paths(commit, other))


def _is_good(report: Report) -> bool:
    return report.status.state == "success"


def _of(past: Past, since: str, commit: str, paths: tuple[str, ...]) -> Configuration | None:
    """The change of files since a commit, as it is at another one; None where nothing has changed."""
    if not paths:
        return None
    newest = next(
        iter(history.commits_of(past.context.writer, past.context.platform.repository, paths[0], commit, 1)), commit
    )
    return Configuration(since, newest, _author(past.context, newest), paths)


def _author(context: Context, commit: str) -> str:
    found = context.writer.get(f"/repos/{context.platform.repository}/commits/{commit}")
    login = fields.optional_text(fields.optional_document(found, "author") or {}, "login")
    details = fields.optional_document(fields.optional_document(found, "commit") or {}, "author") or {}
    return login or fields.optional_text(details, "name") or ""
