"""Finishes what an event, a run or a rate limit has lost. Edges make releases fast; this makes them certain.

It compares for every service and environment what is wanted (Git), what Argo CD has reported, what is recorded and what
waits. It is safe at any time, twice at once too: each step decides again from what is there, as the workflows do. Where
all is quiet it costs three calls, however many services there are: wanted versions are in the work tree, verified ones
in one list of tags that Git gives, open pull requests and failed runs are lists of the API.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slipway_release import (
    ask,
    delivery,
    fields,
    freeze,
    gates,
    ledger,
    merged,
    promotion,
    promotions,
    pulls,
    record,
    release_file,
    reports,
    rollback,
    verified,
    workflow,
)
from slipway_release.context import Context
from slipway_release.errors import ReleaseError
from slipway_release.platform_file import MAIN, Environment, Service
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.reports import Report
from slipway_release.tags import Version, is_version

_PAGE = 100


@dataclass(frozen=True)
class Place:
    """A service in an environment, with what Git wants there."""

    environment: Environment
    service: Service
    file: ReleaseFile

    def __str__(self) -> str:
        return ledger.name_of(self.environment.name, self.service.name)


def start(context: Context) -> None:
    """Start the workflow of it: open pull requests are judged again, and what waited goes on."""
    context.own.start_workflow(context.platform.repository, "reconcile.yml")


def start_after_hold(context: Context, environment: Environment) -> None:
    """Start it where a hold in an environment is a gate of another one."""
    if any(environment.name in place.requires for place in context.platform.environments):
        start(context)


def reconcile(context: Context, folder: Path | None = None) -> list[str]:
    """Finish everything that is unfinished.

    Args:
        context: what is read and written with.
        folder: a work tree of main; without one, release files are asked for.

    Returns:
        What was done, in words.

    Raises:
        ReleaseError: some of it failed; the rest was done.
    """
    done: list[str] = []
    failed: list[str] = []
    places = _places(context, folder, failed)
    known = record.own(context)
    proposed = _proposed(context)
    requested = {ledger.name_of(*place) for branch in proposed if (place := pulls.placement_of(branch))}
    for place in places:
        try:
            context.writer.forget()
            done += _reported(context, place, known)
            if str(place) in requested:
                done += _pull_requests(context, place)
        except ReleaseError as error:
            failed.append(f"{place}: {error}")
    runs = _Runs(context)
    for place, missing in _behind(places):
        try:
            context.writer.forget()
            for release in missing:
                done += _recorded_again(context, places, place, release, known)
                if pulls.branch_of(place.environment.name, place.service.name, release.version) in proposed:
                    # Its request waits for checks and people; to ask again would change nothing.
                    break
                if promotion.is_ready(context, place.environment, place.service, release):
                    done += _asked(context, place, release, runs)
                    break
        except ReleaseError as error:
            failed.append(f"{place}: {error}")
    try:
        done += _started_again(context, runs)
    except ReleaseError as error:
        failed.append(f"promotions that failed: {error}")
    _say(done, failed)
    if failed:
        raise ReleaseError(f"{len(failed)} of {len(places)} places could not be reconciled; the next run tries again")
    return done


def _places(context: Context, folder: Path | None, failed: list[str]) -> list[Place]:
    found: list[Place] = []
    for environment in context.platform.environments:
        for service in context.platform.services:
            if environment.name not in service.environments:
                continue
            try:
                found.append(Place(environment, service, _file(context, folder, environment, service)))
            except ReleaseError as error:
                failed.append(f"{environment.name}/{service.name}: {error}")
    return found


def _file(context: Context, folder: Path | None, environment: Environment, service: Service) -> ReleaseFile:
    if folder is None or environment.target_branch != MAIN:
        return context.contents.release(environment.name, service.name, environment.target_branch)
    path = release_file.path_of(environment.name, service.name)
    file = folder / path
    return release_file.parse(file.read_text(encoding="utf-8"), path) if file.is_file() else ReleaseFile()


def _proposed(context: Context) -> set[str]:
    """The branches of this repository that have an open pull request; a fork may give its branches the same names."""
    repository = context.platform.repository
    path = f"/repos/{repository}/pulls"
    heads = [fields.child(item, "head", path) for item in context.writer.pages(path, {"state": "open"})]
    return {fields.text(head, "ref", path) for head in heads if pulls.is_own(head, repository)}


def _taken_back(context: Context, place: Place, report: Report) -> list[str]:
    """Act on a report of failure. Why nothing is taken back is told, and is not done: it would be so each time."""
    answer = rollback.act(context, report)
    if answer.done is not None:
        return [f"{place}: {answer.reason}"]
    workflow.notice(f"{place}: {answer.reason}")
    return []


def _reported(context: Context, place: Place, known: set[str]) -> list[str]:
    """Act on what Argo CD has reported of a release that is not recorded as verified yet."""
    release = place.file.release
    if release is None or f"{place}/{release.version}" in known:
        return []
    done: list[str] = []
    is_new = not any(name.startswith(f"{place}/") for name in known)
    entries = ledger.entries(context.writer, context.platform.repository, str(place))
    acted = False
    for entry in itertools.islice(entries, _PAGE):
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
        elif not is_new:
            break
    return done


def _pull_requests(context: Context, place: Place) -> list[str]:
    """Bring open pull requests in line, and merge those that need no person and may go in."""
    contents, environment, service = context.contents, place.environment, place.service
    delivery.tidy(contents, environment, service.name, verified=_seen_good(context, place))
    done: list[str] = []
    for pull in pulls.list_open(contents, environment, service.name):
        changed = gates.judge_again(context, pull.branch) if pull.kind == "release" else None
        done += [f"{place}: {changed}"] if changed else []
        commit = gates.merge(context, pull.branch)
        if commit is not None:
            # The event of the merge may be lost as well; to write it down twice is to write it down once.
            merged.record(context, pull.branch, commit)
            done.append(f"{place}: {pull.url} is merged")
    return done


def _seen_good(context: Context, place: Place) -> delivery.Verified | None:
    """What the newest report on the wanted release says of it, if that is good."""
    for entry in itertools.islice(ledger.entries(context.writer, context.platform.repository, str(place)), _PAGE):
        status = reports.newest(context, entry)
        if status is None:
            continue
        report = reports.of_entry(context, entry, place.environment, place.service)
        if report is None or report.release is None or not report.is_current or status.state != "success":
            return None
        return delivery.Verified(report.release.version, entry.sha)
    return None


def _behind(places: list[Place]) -> Iterator[tuple[Place, list[Release]]]:
    """Each place with the releases that other environments of the service have and it has not, newest first.

    What another environment was rolled back to is good there, and may have waited for the end of a freeze here.
    """
    for place in places:
        current = place.file.release
        missing: dict[str, Release] = {}
        for other in places:
            release = other.file.release
            if other.service != place.service or release is None or not _is_for_all(release):
                continue
            if current is None or not (release.same_image(current) or _is_older(release, current)):
                missing[release.version] = release
        if missing:
            yield place, sorted(missing.values(), key=lambda release: Version.parse(release.version), reverse=True)


def _is_older(release: Release, than: Release) -> bool:
    """Whether a release comes before what is there; a branch image has no place in that order."""
    if than.tag is None or not is_version(than.version):
        return False
    return Version.parse(release.version) < Version.parse(than.version)


def _recorded_again(
    context: Context, places: Sequence[Place], behind: Place, release: Release, known: set[str]
) -> list[str]:
    """Record again what a place waits for, where somebody has moved the record to where that image never was."""
    done: list[str] = []
    for other in places:
        if other.service != behind.service or other.environment.name not in behind.environment.requires:
            continue
        if f"{other}/{release.version}" not in known or not release.same_image(other.file.release):
            continue
        if not record.is_verified(context, other.environment, other.service, release):
            done += _reported(context, other, known - {f"{other}/{release.version}"})
    return done


def _is_for_all(release: Release) -> bool:
    """Whether its tag is for every environment that takes releases."""
    return release.tag is not None and is_version(release.version) and not release.is_for_one


class _Runs:
    """The newest runs of the promotion, asked for once and only where somebody wants to know; with what was started."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[int, promotions.Run] | None = None
        self._started: set[tuple[str, str]] = set()

    def of(self, service: Service, run: str) -> list[promotions.Run]:
        """The attempts at a version of a service."""
        if self._found is None:
            # Runs of other tools' statuses may have pushed a failed one out of the newest.
            self._found = {item.id: item for item in [*self.failed, *promotions.newest(self._context)]}
        return [item for item in self._found.values() if item.key == (service.name, run)]

    @cached_property
    def failed(self) -> list[promotions.Run]:
        """Those of the last days that failed or were cancelled, newest first."""
        return promotions.failed(self._context)

    def start(self, service: Service, run: str, digest: str, environments: Sequence[str]) -> bool:
        """Start a promotion, unless this reconciliation has done so; whether it did."""
        if (service.name, run) in self._started:
            return False
        ask.ask(self._context.platform, self._context.own, service, run, digest, environments)
        self._started.add((service.name, run))
        return True


def _asked(context: Context, place: Place, release: Release, runs: _Runs) -> list[str]:
    """Ask for a promotion again, unless it runs, waits for a person, was rejected, or has failed too often."""
    number = release.run_number
    if number is None:
        return []
    known = runs.of(place.service, number)
    if not promotions.is_due(known, place.environment.name):
        return []
    if place.environment.approval and any(
        promotions.was_rejected(context, run, place.environment.name) for run in known if run.is_over
    ):
        return []
    names = [place.environment.name]
    started = runs.start(place.service, number, release.digest, names)
    return [f"{place}: {release.version} is asked for again"] if started else []


def _started_again(context: Context, runs: _Runs) -> list[str]:
    """Start promotions again that failed or were cancelled, a promotion request that was not handed on included."""
    done: list[str] = []
    seen: set[tuple[str, str]] = set()
    services = {service.name: service for service in context.platform.services}
    for run in runs.failed:
        service = services.get(run.service)
        if run.key in seen or service is None or run.digest is None:
            continue
        seen.add(run.key)
        known = runs.of(service, run.run)
        if any(item.id > run.id and item.conclusion == "success" for item in known):
            continue
        if _is_frozen(context, service, run) or not promotions.is_due(known) or _is_rejected(context, service, known):
            continue
        names = [place.name for place in context.platform.environments_of(service) if place.name in run.environments]
        if run.environments and not names:
            # All that it was asked for are gone, or are called otherwise and asked for anew.
            continue
        if runs.start(service, run.run, run.digest, names):
            done.append(f"{service.name}: the promotion that run {run.run} asked for is started again")
    return done


def _is_frozen(context: Context, service: Service, run: promotions.Run) -> bool:
    """Whether all environments that a promotion could reach first are frozen: it would fail again."""
    places = context.platform.environments_of(service)
    asked = [place for place in places if place.name in run.environments or not run.environments]
    first = [place for place in asked if not place.requires] or asked
    return all(freeze.reason(context.contents, place) is not None for place in first)


def _is_rejected(context: Context, service: Service, runs: list[promotions.Run]) -> bool:
    """Whether a person has said no to a version of a service."""
    if not any(environment.approval for environment in context.platform.environments_of(service)):
        return False
    return any(promotions.was_rejected(context, run) for run in runs if run.has_failed)


def _say(done: list[str], failed: list[str]) -> None:
    for text in done:
        workflow.notice(text)
    for text in failed:
        workflow.error(text)
    lines = [f"- {text}" for text in done] + [f"- **failed:** {text}" for text in failed]
    workflow.summary("### Reconciled\n\n" + ("\n".join(lines) or "All is as it should be."))
