"""Finishes what an event, a run or a rate limit has lost. Edges make releases fast; this makes them certain.

It compares for every service and environment what is wanted (Git), what Argo CD has reported, what is recorded and what
waits. It is safe at any time, twice at once too: each step decides again from what is there, as the workflows do. Where
all is quiet it costs a few calls, however many services there are: wanted versions are in the work tree, verified ones
in one list of tags that Git gives, open pull requests and failed runs are lists of the API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from slipway_release import (
    delivery,
    former,
    gates,
    lost_requests,
    merged,
    places,
    proposals,
    pulls,
    record,
    rejudging,
    reported,
    restarts,
    situations,
    stray,
    unseen,
    workflow,
)
from slipway_release.context import Context
from slipway_release.errors import ReleaseError
from slipway_release.places import Place
from slipway_release.platform_types import Environment
from slipway_release.release_file import Release
from slipway_release.restarts import Runs
from slipway_release.tags import Version, is_version


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
    everywhere = places.of_platform(context, folder, failed)
    known = record.own(context)
    requests = _proposed(context, done, failed)
    proposed = {request.pull.branch for request in requests}
    requested = {"/".join(place) for branch in proposed if (place := pulls.placement_of(branch))}
    wanted = [(place.environment, place.service, place.file.release) for place in everywhere if place.file.release]
    changed = unseen.changed(context, wanted)
    for place in everywhere:
        try:
            context.writer.forget()
            done += reported.act(context, place, known)
            if (change := changed.get((place.environment.name, place.service.name))) is not None:
                done += reported.act_on_change(context, place, change)
            if str(place) in requested:
                done += _pull_requests(context, place)
        except ReleaseError as error:
            failed.append(f"{place}: {error}")
    runs = Runs(context)
    for place, missing in _behind(everywhere, _former(context, failed)):
        try:
            context.writer.forget()
            for release in missing:
                done += _recorded_again(context, everywhere, place, release, known)
                if pulls.branch_of(place.environment.name, place.service.name, release.version) in proposed:
                    # Its request waits for checks and people; to ask again would change nothing.
                    break
                if situations.is_ready(context, place.environment, place.service, release):
                    done += restarts.ask_for(context, place, release, runs)
                    break
        except ReleaseError as error:
            failed.append(f"{place}: {error}")
    try:
        done += restarts.start_failed(context, runs) + lost_requests.start(context, runs)
        runs.start()
    except ReleaseError as error:
        failed.append(f"promotions: {error}")
    _say(done, failed)
    if failed:
        raise ReleaseError(
            f"{len(failed)} of {len(everywhere)} places could not be reconciled; the next run tries again"
        )
    return done


def _proposed(context: Context, done: list[str], failed: list[str]) -> list[stray.Open]:
    """The open pull requests of this program; what leads nowhere any more is closed."""
    found: list[stray.Open] = []
    everything = list(stray.list_open(context))
    for item in everything:
        reason = stray.reason(context.platform, item)
        if reason is None:
            found.append(item)
            continue
        try:
            # Everybody may open another one of the same branch.
            others = [other for other in everything if other.pull.branch == item.pull.branch]
            proposals.close(context.contents, item.pull, reason, keeps_branch=len(others) > 1)
            done.append(f"{item.pull.url} is closed: {reason}")
        except ReleaseError as error:
            failed.append(f"{item.pull.url}: {error}")
    return found


def _former(context: Context, failed: list[str]) -> dict[str, list[Release]]:
    """What ran in environments that are gone, by service."""
    try:
        return former.releases(context)
    except ReleaseError as error:
        failed.append(f"environments that are gone: {error}")
        return {}


def _pull_requests(context: Context, place: Place) -> list[str]:
    """Bring open pull requests in line, and merge those that need no person and may go in."""
    contents, environment, service = context.contents, place.environment, place.service
    delivery.tidy(contents, environment, service.name, verified=reported.seen_good(context, place))
    done: list[str] = []
    for pull in pulls.list_open(contents, environment, service.name):
        changed = gates.judge_again(context, pull) if pull.kind == "release" else None
        done += [f"{place}: {what}" for what in (changed, rejudging.judge(context, pull)) if what]
        commit = gates.merge(context, pull.branch)
        if commit is not None:
            # The event of the merge may be lost as well; to write it down twice is to write it down once.
            merged.record(context, pull.branch, commit)
            done.append(f"{place}: {pull.url} is merged")
    return done


def _behind(
    everywhere: Sequence[Place], left: Mapping[str, Sequence[Release]]
) -> Iterator[tuple[Place, list[Release]]]:
    """Each place with the releases that other environments of the service have and it has not, newest first.

    What another environment was rolled back to is good there, and may have waited for the end of a freeze here.

    Args:
        everywhere: all places.
        left: what ran in environments that are gone, by service.
    """
    for place in everywhere:
        current = place.file.release
        missing: dict[str, Release] = {}
        others = [other.file.release for other in everywhere if other.service == place.service]
        for release in [*others, *left.get(place.service.name, ())]:
            if release is None or not _is_for_all(release):
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
    context: Context, everywhere: Sequence[Place], behind: Place, release: Release, known: set[str]
) -> list[str]:
    """Record again what a place waits for, where somebody has moved the record to where that image never was."""
    done: list[str] = []
    for other in everywhere:
        if other.service != behind.service or other.environment.name not in behind.environment.requires:
            continue
        if f"{other}/{release.version}" not in known or not release.same_image(other.file.release):
            continue
        if not record.is_verified(context, other.environment, other.service, release):
            done += reported.act(context, other, known - {f"{other}/{release.version}"})
    return done


def _is_for_all(release: Release) -> bool:
    """Whether its tag is for every environment that takes releases."""
    return release.tag is not None and is_version(release.version) and not release.is_for_one


def _say(done: list[str], failed: list[str]) -> None:
    for text in done:
        workflow.notice(text)
    for text in failed:
        workflow.error(text)
    lines = [f"- {text}" for text in done] + [f"- **failed:** {text}" for text in failed]
    workflow.summary("### Reconciled\n\n" + ("\n".join(lines) or "All is as it should be."))
