"""What runs where, as one document: from Git what is wanted and verified, from GitHub what was reported and waits.

Git is read in a clone with its whole history: release files, and the tags of the record. GitHub is asked for
the newest deployments with their reports and for open pull requests, which costs about a hundred calls however many
services there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slipway_release import clone, deployments, dora, fields, freeze, pulls, reports, workflow
from slipway_release.choices import Images
from slipway_release.clone import Recorded
from slipway_release.context import Context
from slipway_release.deployments import Entry
from slipway_release.release_file import ReleaseFile

DAYS = 30
"""How far DORA's figures look back."""
_WEEKS = 4
"""How many weeks the trend of releases has."""
_DEPLOYMENTS = 100
"""How many of the newest deployments are looked at; each costs a call for its reports."""
_RELEASES = 10
"""How many of the newest deliveries are told."""

Json = dict[str, object]


def overview(context: Context, folder: Path) -> Json:
    """All that the page shows.

    Args:
        context: whose own token may read deployments and pull requests.
        folder: a clone of the environment repository with its branches and tags.

    Raises:
        RefusedError: the folder is not such a clone.
    """
    platform = context.platform
    places = [(service, place) for service in platform.services for place in platform.environments_of(service)]
    files = clone.release_files(folder, places)
    verified = clone.recorded(folder)
    entries = list(itertools.islice(_newest(context), _DEPLOYMENTS))
    told = _told(context, entries)
    waiting = _waiting(context)
    return {
        "repository": platform.repository,
        "url": f"{platform.server_url}/{platform.repository}",
        "made": workflow.timestamp(),
        "run": context.run_url,
        "environments": [
            {
                "name": place.name,
                "sync": place.sync,
                "requires": list(place.requires),
                "images": place.branch if place.images is Images.BRANCH else place.images,
                "delivery": place.delivery,
                "rollback": place.rollback,
                "approval": place.approval,
                "tags": place.tag_prefix,
                "services": sum(place.name in service.environments for service in platform.services),
                "frozen": freeze.reason(context.contents, place),
            }
            for place in platform.environments
        ],
        "services": [
            {
                "name": service.name,
                "team": service.team,
                "url": f"{platform.server_url}/{service.repository}",
                "in": {
                    place.name: _cell(
                        files[service.name, place.name],
                        verified.get((place.name, service.name), {}),
                        told.get((place.name, service.name)),
                        waiting.get((place.name, service.name)),
                    )
                    for place in platform.environments_of(service)
                },
            }
            for service in platform.services
        ],
        "releases": _releases(context, entries, verified),
        "dora": _dora(context, entries),
    }


def _cell(file: ReleaseFile, record: Mapping[str, Recorded], told: Json | None, waiting: Json | None) -> Json:
    """A service in an environment; what is unset is left out, since there are many cells."""
    release = file.release
    cell: Json = {}
    if file.held:
        cell["held"] = [[held.version, held.reason] for held in file.held]
    if waiting is not None and (release is None or waiting["version"] != release.version):
        cell["waiting"] = waiting
    if release is None:
        return {"state": "none", **cell}
    cell["version"] = release.version
    if release.rollback is not None:
        cell["back"] = [release.rollback.version, release.rollback.reason]
    seen = record.get(release.version)
    if seen is not None:
        cell |= {"state": "verified", "at": seen.at, "by": seen.by}
    else:
        cell["state"] = "unknown"
    if told is not None and told["digest"] in {None, release.digest} and _is_news(told, seen):
        cell |= {key: told[key] for key in ("state", "at", "said") if told[key]}
    return cell


def _is_news(told: Json, seen: Recorded | None) -> bool:
    """Whether a report says more than the record: it is later, or there is no record."""
    if seen is None:
        return True
    return told["state"] != "verified" and workflow.moment(str(told["at"])) > workflow.moment(seen.at)


def _told(context: Context, entries: Iterable[Entry]) -> dict[tuple[str, str], Json]:
    """The newest report on each place."""
    found: dict[tuple[str, str], Json] = {}
    for entry in entries:
        place = _place(entry)
        if place in found:
            continue
        report = reports.newest(context, entry)
        status = report or entry.latest
        if status is None:
            continue
        words = {"success": "verified", "failure": "failed", "error": "failed", "queued": "queued"}
        found[place] = {
            "state": words.get(status.state, "progressing") if report or status.state in _OWN else "progressing",
            "at": status.created_at,
            "said": status.description,
            "digest": fields.optional_text(entry.payload, "digest"),
        }
    return found


_OWN = frozenset({"queued", "in_progress"})
"""States that the release program reports itself; verdicts are Argo CD's alone."""


def _releases(
    context: Context, entries: Sequence[Entry], verified: Mapping[tuple[str, str], Mapping[str, Recorded]]
) -> list[Json]:
    deliveries = [entry for entry in entries if entry.payload.get("digest")][:_RELEASES]
    stories: list[Json] = []
    for entry in deliveries:
        environment, service = _place(entry)
        version = str(entry.payload.get("version"))
        report = reports.newest(context, entry)
        seen = verified.get((environment, service), {}).get(version)
        latest = entry.latest
        said = report or latest
        stories.append(
            {
                "service": service,
                "environment": environment,
                "version": version,
                "at": entry.created_at,
                "state": "verified"
                if seen and not (report and report.state != "success")
                else ("failed" if report and report.state != "success" else "progressing"),
                "said": said.description if said else "",
                "url": said.log_url if said else "",
            }
        )
    return stories


def _dora(context: Context, entries: Sequence[Entry]) -> list[Json]:
    since = workflow.days_ago(DAYS)
    weeks = [workflow.days_ago(7 * number) for number in range(_WEEKS, -1, -1)]
    groups: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        environment, service = _place(entry)
        groups.setdefault(environment, {}).setdefault(service, []).append(entry)
    documents: list[Json] = []
    for place in context.platform.environments:
        if services := groups.get(place.name):
            done = [dora.deliveries(found, since) for found in services.values()]
            trend = [
                sum(begin <= one.created < end and one.verified is not None for group in done for one in group)
                for begin, end in itertools.pairwise(weeks)
            ]
            documents.append({**dora.as_document(dora.together(place.name, DAYS, done)), "trend": trend})
    return documents


def _newest(context: Context) -> Iterable[Entry]:
    """The newest deployments of services in environments, newest first."""
    known = {
        (place.name, service.name)
        for service in context.platform.services
        for place in context.platform.environments_of(service)
    }
    for entry in deployments.entries(context.own, context.platform.repository):
        if _place(entry) in known:
            yield entry


def _place(entry: Entry) -> tuple[str, str]:
    environment, _, service = entry.environment.partition("/")
    return environment, service


def _waiting(context: Context) -> dict[tuple[str, str], Json]:
    """Open pull requests of the release program, by environment and service."""
    found: dict[tuple[str, str], Json] = {}
    where = f"/repos/{context.platform.repository}/pulls"
    for item in context.own.pages(where, {"state": "open"}):
        branch = fields.text(fields.child(item, "head", where), "ref", where)
        place = pulls.placement_of(branch)
        if place is not None:
            kind, version = branch.partition("/")[0], branch.rpartition("/")[2]
            asked = [
                *(
                    fields.optional_text(team, "name")
                    for team in fields.documents(item.get("requested_teams") or [], where)
                ),
                *(
                    fields.optional_text(person, "login")
                    for person in fields.documents(item.get("requested_reviewers") or [], where)
                ),
            ]
            found[place] = {
                "kind": kind,
                "version": version,
                "url": fields.text(item, "html_url", where),
                "for": [name for name in asked if name],
            }
    return found
