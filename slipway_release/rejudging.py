"""Open pull requests of this program whose judge did not come to its end: without its word they never merge.

Its run may have failed with GitHub or the registry of its actions, or its event may have been lost. What it has really
refused is judged again too, with growing pauses: main may have been mended since.
"""

from __future__ import annotations

from slipway_release import fields, gates, history, proposals, retries, workflow
from slipway_release.context import Context
from slipway_release.pulls import PullRequest

_WORKFLOW = "validate.yml"


def judge(context: Context, pull: PullRequest) -> str | None:
    """Have an open pull request judged where nobody has; what was done, in words."""
    repository = context.platform.repository
    head = history.branch_head(context.writer, repository, pull.branch)
    if head is None or gates.is_judged(context, head):
        return None
    path = f"/repos/{repository}/actions/workflows/{_WORKFLOW}/runs"
    answer = context.own.find(path, {"branch": pull.branch, "per_page": "1"})
    if answer is None:
        # A platform whose judge has another name.
        return None
    found = fields.documents(answer.get("workflow_runs") or [], path)
    if not found:
        made = history.commit_date(context.writer, repository, head)
        if made is None or workflow.now() - workflow.moment(made) < retries.PAUSE:
            return None
        proposals.push_again(context.contents, pull.branch, head)
        return f"{pull.url} is pushed again: nothing has judged it"
    run = found[0]
    tries, ended = fields.number(run, "run_attempt", path), workflow.moment(fields.text(run, "updated_at", path))
    is_failed = run.get("status") == "completed" and run.get("conclusion") != "success"
    if not is_failed or tries >= retries.MOST_TRIES or workflow.now() - ended < retries.pause_after(tries):
        return None
    context.own.post(f"/repos/{repository}/actions/runs/{fields.number(run, 'id', path)}/rerun", {})
    return f"{pull.url} is judged again"
