"""What runs where, as one document: from Git what is wanted and verified, from GitHub what was reported and waits.

Git is read in a clone with its whole history: release files, and the tags of the record. GitHub is asked for
the newest deployments with their reports, for open pull requests and for runs that wait, which costs about a hundred
calls however many services there are.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slipway_release import clone, deployments, dora, freeze, stories, waiting, workflow
from slipway_release.choices import Images
from slipway_release.clone import Recorded
from slipway_release.context import Context
from slipway_release.deployments import Entry
from slipway_release.platform_types import Environment
from slipway_release.release_file import ReleaseFile
from slipway_release.stories import Outcome, Place, State, Story

DAYS = 30
"""How far DORA's figures look back."""
_WEEKS = 4
"""How many weeks the trend of the figures has."""
_TREND = ("deployments_per_week", "lead_time_seconds", "change_failure_rate", "time_to_restore_seconds")
_DEPLOYMENTS = 100
"""How many of the newest deployments are looked at; each costs a call for its reports."""
_RELEASES = 10
"""How many of the newest deliveries are told."""

Json = dict[str, object]


def overview(context: Context, folder: Path) -> Json:
    """All that the page shows.

    Args:
        context: whose own token may read deployments, pull requests and runs.
        folder: a clone of the environment repository with its branches and tags.

    Raises:
        RefusedError: the folder is not such a clone.
    """
    platform = context.platform
    places = [(service, place) for service in platform.services for place in platform.environments_of(service)]
    files = clone.release_files(folder, places)
    verified = clone.recorded(folder)
    entries = list(itertools.islice(_newest(context), _DEPLOYMENTS))
    told = stories.told(entries)
    newest = {story.place: story for story in reversed(told)}
    asked = waiting.approvals(context, _versions(files, told)) | waiting.requests(context)

    def cell(place: Place) -> Json:
        file, record = files[place[1], place[0]], verified.get(place, {})
        return _cell(context, file, record, newest.get(place), asked.get(place))

    return {
        "repository": platform.repository,
        "url": f"{platform.server_url}/{platform.repository}",
        "made": workflow.timestamp(),
        "run": context.run_url,
        "environments": [_environment(context, place) for place in platform.environments],
        "services": [
            {
                "name": service.name,
                "team": service.team,
                "url": f"{platform.server_url}/{service.repository}",
                "in": {place.name: cell((place.name, service.name)) for place in platform.environments_of(service)},
            }
            for service in platform.services
        ],
        "releases": [
            _release(context, story, verified.get(story.place, {}))
            for story in [story for story in told if story.delivery][:_RELEASES]
        ],
        "dora": _dora(context, entries),
    }


def _environment(context: Context, place: Environment) -> Json:
    return {
        "name": place.name,
        "sync": place.sync,
        "requires": list(place.requires),
        "images": place.branch if place.images is Images.BRANCH else place.images,
        "delivery": place.delivery,
        "rollback": place.rollback,
        "approval": place.approval,
        "approvers": list(place.approvers),
        "windows": place.sync_windows,
        "tags": place.tag_prefix,
        "services": sum(place.name in service.environments for service in context.platform.services),
        "frozen": freeze.reason(context.contents, place),
    }


def _cell(
    context: Context, file: ReleaseFile, record: Mapping[str, Recorded], story: Story | None, waits: Json | None
) -> Json:
    """A service in an environment; what is unset is left out, since there are many cells."""
    release = file.release
    cell: Json = {}
    if file.held:
        cell["held"] = [[held.version, held.reason] for held in file.held]
    if waits is not None and (release is None or waits["version"] != release.version):
        cell["waiting"] = waits
    if release is None:
        return {"state": State.NONE, **cell}
    cell["version"] = release.version
    if release.rollback is not None:
        cell["back"] = [release.rollback.version, release.rollback.reason]
    seen = record.get(release.version)
    if story is not None and story.digest in {None, release.digest}:
        found = stories.outcome(context, story, seen)
    elif seen is not None:
        found = stories.recorded(seen)
    else:
        found = Outcome(State.UNKNOWN)
    return cell | _said(found)


def _said(found: Outcome) -> Json:
    """What is to be said of a release. That what is verified was Synced and Healthy goes without saying."""
    document: Json = {"state": found.state, "at": found.at, "by": found.by, "said": found.aside or found.said}
    if (found.state, found.sync, found.health) != (State.VERIFIED, "Synced", "Healthy"):
        document |= {"sync": found.sync, "health": found.health}
    return {name: value for name, value in document.items() if value}


def _release(context: Context, story: Story, record: Mapping[str, Recorded]) -> Json:
    found = stories.outcome(context, story, record.get(story.version))
    environment, service = story.place
    statuses = [status for entry in story.entries for status in entry.statuses]
    links = [status.log_url for status in statuses if status.log_url]
    return {
        "service": service,
        "environment": environment,
        "version": story.version,
        "at": story.delivery.created_at if story.delivery else "",
        "url": next(iter(links), ""),
        "state": found.state,
        "back": next((status.took_back for status in statuses if status.took_back), ""),
        "steps": stories.steps(story),
    }


def _versions(files: Mapping[Place, ReleaseFile], told: Iterable[Story]) -> dict[str, str]:
    """The versions of images, by digest."""
    found = {story.digest: story.version for story in told if story.digest}
    return found | {file.release.digest: file.release.version for file in files.values() if file.release}


def _dora(context: Context, entries: Sequence[Entry]) -> list[Json]:
    """DORA's figures by environment, with those of each week, of as many days as the deployments reach back."""
    weeks = [(number * 7 + 7, number * 7) for number in reversed(range(_WEEKS))]
    reached = (workflow.now() - workflow.moment(entries[-1].created_at)).days if len(entries) == _DEPLOYMENTS else DAYS
    days = max(1, min(DAYS, reached))
    groups: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        environment, service = stories.place_of(entry)
        groups.setdefault(environment, {}).setdefault(service, []).append(entry)
    documents: list[Json] = []
    for place in context.platform.environments:
        if services := groups.get(place.name):
            done = [dora.deliveries(found, workflow.days_ago(days)) for found in services.values()]
            by_week = [
                _week(place.name, done, workflow.days_ago(first), workflow.days_ago(last) if last else None)
                if last < days
                else None
                for first, last in weeks
            ]
            documents.append({**dora.as_document(dora.together(place.name, days, done)), "weeks": by_week})
    return documents


def _week(
    environment: str, done: Iterable[Sequence[dora.Deployment]], begin: dt.datetime, end: dt.datetime | None
) -> Json:
    """The figures of what was delivered in a week; the newest has no end, since GitHub's clock may be ahead."""
    services = [[one for one in group if begin <= one.created and (not end or one.created < end)] for group in done]
    document = dora.as_document(dora.together(environment, 7, services))
    return {name: document[name] for name in _TREND}


def _newest(context: Context) -> Iterable[Entry]:
    """The newest deployments of services in environments, newest first."""
    known = {
        (place.name, service.name)
        for service in context.platform.services
        for place in context.platform.environments_of(service)
    }
    for entry in deployments.entries(context.own, context.platform.repository):
        if stories.place_of(entry) in known:
            yield entry
