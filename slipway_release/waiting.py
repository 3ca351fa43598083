"""What waits for a person: open pull requests of the release program, and deliveries that wait for an approval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slipway_release import fields, promotions, pulls
from slipway_release.context import Context
from slipway_release.fields import Document
from slipway_release.stories import Place

_RUNS = 20
"""How many runs that wait are looked at; each costs a call."""

Json = dict[str, object]


def requests(context: Context) -> dict[Place, Json]:
    """Open pull requests, by environment and service."""
    found: dict[Place, Json] = {}
    where = f"/repos/{context.platform.repository}/pulls"
    for item in context.own.pages(where, {"state": "open"}):
        head = fields.child(item, "head", where)
        branch = fields.text(head, "ref", where)
        place = pulls.placement_of(branch)
        # Anybody may name a branch of a fork like this.
        if place is None or not pulls.is_own(head, context.platform.repository):
            continue
        pull = pulls.read(item, branch)
        found[place] = {
            "kind": pull.kind,
            "version": pull.version,
            "url": pull.url,
            "for": [
                *_names(fields.documents(item.get("requested_teams") or [], where)),
                *_names(fields.documents(item.get("requested_reviewers") or [], where)),
            ],
        }
    return found


def approvals(context: Context, versions: Mapping[str, str]) -> dict[Place, Json]:
    """Deliveries that wait for an approval, by environment and service.

    Args:
        context: whose own token may read runs.
        versions: the versions of images, by digest; one that is not there is shown without.
    """
    found: dict[Place, Json] = {}
    if not any(place.approves_jobs for place in context.platform.environments):
        return found
    repository = context.platform.repository
    for run in [run for run in promotions.newest(context) if run.waits][:_RUNS]:
        path = f"/repos/{repository}/actions/runs/{run.id}/pending_deployments"
        for pending in fields.documents(context.own.read(path), path):
            place = fields.text(fields.child(pending, "environment", path), "name", path), run.service
            reviewers = fields.documents(pending.get("reviewers") or [], path)
            # The newest run comes first.
            found.setdefault(
                place,
                {
                    "kind": "approval",
                    "version": versions.get(run.digest or "", ""),
                    "url": f"{context.platform.server_url}/{repository}/actions/runs/{run.id}",
                    "for": list(_names(fields.child(one, "reviewer", path) for one in reviewers)),
                },
            )
    return found


def _names(documents: Iterator[Document] | list[Document]) -> Iterator[str]:
    """The names of teams and the logins of people."""
    for document in documents:
        name = fields.optional_text(document, "login") or fields.optional_text(document, "name")
        if name:
            yield name
