"""A pull request of this program was merged: from now on its release is delivered."""

from __future__ import annotations

import re

from slipway_release import delivery, history, pulls, verified_releases, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.ledger import Ledger

_COMMIT = re.compile(r"[0-9a-f]{40}")


def record(context: Context, branch: str, commit: str) -> None:
    """Open the deployment of what a merged pull request has put into Git.

    The branch's name only says where to look; the release is read from the merged commit.
    """
    placement = pulls.placement_of(branch)
    if placement is None:
        workflow.say(f"{branch!r}: not a branch of a release")
        return
    if _COMMIT.fullmatch(commit) is None:
        raise RefusedError(f"commit {commit!r}: not a commit")
    environment = context.platform.environment(placement[0])
    service = context.platform.service(placement[1])
    if not history.is_on_branch(context.writer, context.platform.repository, commit, environment.target_branch):
        remedy = "if somebody rewrote the branch, re-run the service's release to deliver it again"
        raise RefusedError(f"commit {commit[:12]}: not on {environment.target_branch}; {remedy}")
    release = context.contents.release(environment.name, service.name, commit).release
    if release is None:
        workflow.say(f"{environment.name}/{service.name}: nothing is released at {commit[:12]}")
        return
    date = history.commit_date(context.service, service.repository, release.commit)
    ledger = Ledger(context, service)
    ledger.delivered(environment, release, commit, date)
    before = verified_releases.releases(context, environment, service)
    replaced = next((older for older in before if not older.same_image(release)), None)
    if replaced is not None:
        ledger.overtaken(environment, replaced, release)
    delivery.tidy(context.contents, environment, service.name)
    workflow.notice(f"{environment.name}/{service.name}: {release.version} is delivered")
