"""The required check of a pull request, said by the promoter's App.

A job's own check does not do: all workflows report as the same App, so a branch could bring a job of the same name. The
ruleset of main takes this check from the promoter alone, whose key no branch reaches.
"""

from __future__ import annotations

import re

from slipway_release import workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError

CHECK = "Validate"
"""The context of the commit status that the ruleset of main requires."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


def give(context: Context, commit: str, result: str) -> None:
    """Say of a proposed commit what became of the job that judged it.

    Args:
        context: its writer is the promoter.
        commit: the head of the pull request, as the event named it.
        result: GitHub's word for the end of the job: success, failure, cancelled or skipped.
    """
    if _COMMIT.fullmatch(commit) is None:
        raise RefusedError(f"commit {commit!r}: not a commit")
    passed = result == "success"
    body = {
        "state": "success" if passed else "failure",
        "context": CHECK,
        "description": "All files parse, all charts render, all rules hold" if passed else "Refused; the run says why",
        "target_url": context.run_url,
    }
    context.writer.post(f"/repos/{context.platform.repository}/statuses/{commit}", body)
    workflow.notice(f"{CHECK} of {commit[:12]}: {body['state']}")
