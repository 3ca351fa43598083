"""Gates hold where Git changes: an open pull request is judged again by what holds, freezes and requirements say now.

The answer is the required check of the pull request, by the promoter's App. It is given when the pull request is judged
and again with each reconciliation, so that one from before a freeze does not merge during it, and goes on after it.
"""

from __future__ import annotations

import itertools

from slipway_release import (
    approval,
    fields,
    history,
    merging,
    pulls,
    reports,
    selection,
    situations,
    verdict,
)
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.pulls import PullRequest
from slipway_release.selection import Kind

_MARK = "Closed: "
"""How the description of a status begins that a gate has set and not the judge."""


def refusal(context: Context, branch: str, commit: str) -> str | None:
    """Why a pull request of this program may not be merged now, or None. Those of people have no gate here."""
    placement = pulls.placement_of(branch)
    if placement is None or not branch.startswith("release/"):
        return None
    try:
        environment = context.platform.environment(placement[0])
        service = context.platform.service(placement[1])
        asked = context.contents.release(environment.name, service.name, commit).release
        if asked is None:
            return None
        file = context.contents.release(environment.name, service.name, environment.target_branch)
        # An open pull request was asked for; only what has changed since counts.
        around = situations.situation(context, environment, service, asked, file, again=True)
        decision = selection.decide(environment, asked, around)
    except ApiError:
        raise
    except RefusedError as error:
        return str(error)
    if decision.kind in {Kind.DELIVER, Kind.ALREADY}:
        return approval.missing(context, environment, branch, commit)
    return decision.reason


def is_judged(context: Context, commit: str) -> bool:
    """Whether the judge was content with a commit, whatever a gate says now."""
    given = _given(context, commit)
    return any(item.get("state") == "success" and not str(item.get("description")).startswith(_MARK) for item in given)


def _given(context: Context, commit: str) -> list[Document]:
    """What the promoter has said of a commit, newest first."""
    path = f"/repos/{context.platform.repository}/commits/{commit}/statuses"
    return [
        item
        for item in itertools.islice(context.writer.pages(path), merging.MOST)
        if fields.optional_text(item, "context") == verdict.CHECK and merging.is_promoters(context.contents, item)
    ]


def judge_again(context: Context, pull: PullRequest) -> str | None:
    """Bring the check of an open pull request in line with its gates; what was changed, in words."""
    repository, branch = context.platform.repository, pull.branch
    commit = history.branch_head(context.writer, repository, branch)
    if commit is None:
        return None
    given = _given(context, commit)
    is_closed = bool(given) and str(given[0].get("description")).startswith(_MARK)
    reason = refusal(context, branch, commit)
    if reason is not None and not is_closed:
        verdict.post(context, commit, "failure", f"{_MARK}{reason}")
        return f"{branch} may not be merged: {reason}"
    if reason is None and is_closed:
        judged = next((item for item in given if not str(item.get("description")).startswith(_MARK)), None)
        state = fields.text(judged, "state", "status") if judged else "pending"
        verdict.post(context, commit, state, str((judged or {}).get("description") or "Waits to be judged"))
        return f"{branch} may be merged again"
    return None


def merge(context: Context, branch: str) -> str | None:
    """Merge the open pull request of a branch if it needs no person, its gates are open and its checks have passed.

    Returns:
        The commit, or None.
    """
    placement = pulls.placement_of(branch)
    place = reports.placement_of(context.platform, "/".join(placement)) if placement else None
    if place is None:
        return None
    environment, service = place
    for pull in pulls.list_open(context.contents, environment, service.name):
        head = history.branch_head(context.writer, context.platform.repository, branch)
        if pull.branch != branch or head is None:
            continue
        is_free = merging.merges_itself(environment, pull.kind, context.contents.message(head))
        if is_free and refusal(context, branch, head) is None:
            return merging.merge(context.contents, pull, environment.target_branch)
    return None


def closing(reason: str) -> str:
    """The description of a check that a gate keeps closed."""
    return f"{_MARK}{reason}"
