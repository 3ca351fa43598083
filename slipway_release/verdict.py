"""The required check of a pull request, said by the promoter's App.

A job's own check does not do: all workflows report as the same App, so a branch could bring a job of the same name. The
ruleset of main takes this check from the promoter alone, whose key no branch reaches.
"""

from __future__ import annotations

import re

from slipway_release import history, limits, pulls, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.platform_types import MAIN

CHECK = "Validate"
"""The context of the commit status that the ruleset of main requires."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def give(context: Context, commit: str, result: str, closed: str | None = None) -> None:
    """Say of a proposed commit what became of the job that judged it.

    Args:
        context: its writer is the promoter.
        commit: the head of the pull request, as the event named it.
        result: GitHub's word for the end of the job: success, failure, cancelled or skipped.
        closed: why a gate keeps it from being merged although the job is content, or None.
    """
    if _COMMIT.fullmatch(commit) is None:
        raise RefusedError(f"commit {commit!r}: not a commit")
    passed = result == "success"
    words = "All files parse, all charts render, all rules hold" if passed else "Refused; the run says why"
    post(context, commit, "success" if passed else "failure", words)
    if passed and closed is not None:
        # After the judge's own word, which counts again once the gate is open.
        post(context, commit, "failure", closed)


def check_base(context: Context, commit: str) -> None:
    """Refuse to judge a proposal onto a commit that is not main's.

    A check is of a commit. Who opens a pull request onto main can lead it onto a branch of their own, which has the
    change already, before the job has begun, and back onto main after it.
    """
    if not history.is_on_branch(context.own, context.platform.repository, commit, MAIN):
        raise RefusedError(f"{commit[:12]}: not on {MAIN}; lead the pull request onto {MAIN} again, and push to it")


def turned_away(context: Context, number: str, commit: str, branch: str) -> bool:
    """Closes a pull request of a commit that this program, or the settings, propose; True where it has done so.

    A check is of a commit. What is refused of this pull request would count for the other one, and what the other one
    passes would count for this.

    Args:
        context: its own token writes pull requests.
        number: the pull request's.
        commit: its head.
        branch: the branch that it comes from; empty for a fork's.
    """
    if pulls.placement_of(branch) is not None or branch == pulls.SETTINGS_BRANCH:
        return False
    other = pulls.same_commit(context.contents, commit, branch)
    if other is None:
        return False
    text = f"Its commit is that of {other}, and a check is of a commit; this pull request is closed"
    base = f"/repos/{context.platform.repository}"
    context.own.post(f"{base}/issues/{number}/comments", {"body": text})
    context.own.patch(f"{base}/pulls/{number}", {"state": "closed"})
    workflow.error(text)
    return True


def post(context: Context, commit: str, state: str, description: str) -> None:
    """Set the check of a commit."""
    words = limits.shortened(description, limits.DESCRIPTION)
    body = {"state": state, "context": CHECK, "description": words, "target_url": context.run_url}
    context.writer.post(f"/repos/{context.platform.repository}/statuses/{commit}", body)
    workflow.notice(f"{CHECK} of {commit[:12]}: {state}: {description}")
