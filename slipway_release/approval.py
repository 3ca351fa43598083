"""Who approved a delivery: a member of the environment's approvers who has not asked for it.

An App starts the run and opens the pull request. So neither GitHub's `prevent_self_review` nor its rule against
approving a pull request of one's own knows who asked for the release: it is found out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from slipway_release import fields, people, pulls, workflow
from slipway_release.choices import Delivery
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.people import Person
from slipway_release.platform_types import Environment

_ASKED = "Asked for by: "
"""How the line of a delivery's commit begins that names who asked; the promoter alone writes such commits."""


def lines(asked_by: Iterable[Person]) -> list[str]:
    """The line of a delivery's message that names who asked for it; none where it is not known."""
    names = ", ".join(map(str, asked_by))
    return [f"{_ASKED}{names}"] if names else []


def by_whom(environment: Environment) -> str:
    """The end of a sentence that says that an approval is waited for; empty where the settings name no team."""
    return f" by {' or '.join(environment.approvers)}" if environment.approvers else ""


def missing(context: Context, environment: Environment, branch: str, commit: str) -> str | None:
    """What the pull request of a delivery lacks: an approval of somebody else than those who asked for it."""
    if not environment.approval or environment.delivery is not Delivery.PULL_REQUEST:
        return None
    asked = _asked(context.contents.message(commit))
    reviewed = _reviewers(context, environment, branch)
    others = [person for person in reviewed if not person.is_among(asked)]
    if any(people.is_of(context, person.login, environment.approvers) for person in others):
        return None
    whom = " or ".join(environment.approvers)
    own = next((person for person in reviewed if person.is_among(asked)), None)
    if own is not None:
        return f"{own.login} asked for this release and approved it too; it waits for another approver ({whom})"
    return f"it waits for an approval ({whom}), by somebody who has not asked for it"


def _asked(message: str) -> list[Person]:
    found = re.search(rf"^{_ASKED}(.+)$", message, re.MULTILINE)
    return [Person.read(text.strip()) for text in found[1].split(",")] if found else []


def _reviewers(context: Context, environment: Environment, branch: str) -> list[Person]:
    """Whose newest decisive review of the open request of a branch approves it."""
    pull = pulls.newest(context.contents, environment, branch, "open")
    if pull is None:
        return []
    number = fields.number(pull, "number", "pull request")
    decisive: dict[Person, str] = {}
    for review in context.writer.pages(f"/repos/{context.platform.repository}/pulls/{number}/reviews"):
        state = fields.text(review, "state", "review")
        # An account that was deleted since is nobody.
        user = fields.optional_document(review, "user")
        if user is not None and state in {"APPROVED", "CHANGES_REQUESTED", "DISMISSED"}:
            decisive[Person.of(user)] = state
    return [person for person, state in decisive.items() if state == "APPROVED"]


def check(context: Context, request: PromotionRequest, environment: Environment) -> None:
    """Refuse a delivery that was approved by no other person than those who asked for it.

    Where a pull request delivers, its review is the approval: see `missing`.
    """
    if not environment.approves_jobs:
        return
    approvers = _approvers(context, environment)
    if not approvers:
        raise RefusedError(
            f"{environment.name}: this delivery was not approved; see that the GitHub environment {environment.name} "
            "has its required reviewers (`pulumi up` sets them, where GitHub's plan has them), and re-run the job"
        )
    if all(person.is_among(request.asked_by) for person in approvers):
        raise RefusedError(
            f"{environment.name}: {approvers[0].login} released {request.release.version} and approved it too; re-run "
            "this job, and let another approver approve it"
        )


def _approvers(context: Context, environment: Environment) -> list[Person]:
    """Who approved this environment in this run, in any of its attempts."""
    run = workflow.variable("GITHUB_RUN_ID")
    found: list[Person] = []
    for review in context.own.pages(f"/repos/{context.platform.repository}/actions/runs/{run}/approvals"):
        environments = fields.documents(review.get("environments"), "approval.environments")
        named = any(str(one.get("name")).lower() == environment.name.lower() for one in environments)
        user = fields.optional_document(review, "user")
        if user is not None and review.get("state") == "approved" and named:
            found.append(Person.of(user))
    return found
