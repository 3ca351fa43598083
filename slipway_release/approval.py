"""Who approved a delivery.

An App starts the run, so GitHub's `prevent_self_review` does not know who asked for the release: it is found out here.
"""

from __future__ import annotations

from slipway_release import fields, workflow
from slipway_release.choices import Delivery
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.platform_file import Environment


def check(context: Context, request: PromotionRequest, environment: Environment) -> None:
    """Refuse a delivery that was approved by no other person than those who asked for it.

    Where a pull request delivers, its review is the approval, and rules of the repository see to it.
    """
    if not environment.approval or environment.delivery is Delivery.PULL_REQUEST:
        return
    approvers = _approvers(context, environment)
    if not approvers:
        raise RefusedError(
            f"{environment.name}: this delivery was not approved; see that the GitHub environment {environment.name} "
            "has its required reviewers (`pulumi up` sets them, where GitHub's plan has them), and re-run the job"
        )
    asked = {login.lower() for login in request.asked_by}
    if all(login.lower() in asked for login in approvers):
        raise RefusedError(
            f"{environment.name}: {approvers[0]} released {request.release.version} and approved it too; re-run this "
            "job, and let another approver approve it"
        )


def _approvers(context: Context, environment: Environment) -> list[str]:
    """Who approved this environment in this run, in any of its attempts."""
    run = workflow.variable("GITHUB_RUN_ID")
    found: list[str] = []
    for review in context.reader.pages(f"/repos/{context.platform.repository}/actions/runs/{run}/approvals"):
        environments = fields.documents(review.get("environments"), "approval.environments")
        named = any(str(one.get("name")).lower() == environment.name.lower() for one in environments)
        if review.get("state") == "approved" and named:
            found.append(fields.text(fields.child(review, "user", "approval"), "login", "approval.user"))
    return found
