"""Requests for promotions that started no run: GitHub loses an event now and then, and nothing else tells of them.

A request is a commit status on what was main's head then (see `ask`). Looked at are those since the last reconciliation
that came to its end, so that one after an outage of Actions looks at all of it.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator

from slipway_release import ask, fields, promotions, release_file, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.platform_types import MAIN
from slipway_release.restarts import Runs

_OVERLAP = dt.timedelta(hours=1)
"""A run takes its time to start, and reconciliations begin while others still run."""
_AT_FIRST = dt.timedelta(days=1)
_IN_TIME = dt.timedelta(minutes=15)
_MOST_COMMITS = 300
"""Each costs a request: after an outage, and not where a reconciliation has just been."""
_MOST_PAGES = 5
_MOST_STATUSES = 2000
"""How many are looked at of one commit: where releases go to branches of their own, main stays where it is."""


def start(context: Context, runs: Runs) -> list[str]:
    """Want the promotions that were asked for and that no run has taken up."""
    since = _since(context)
    asked = {(service, run): digest for service, run, digest in _asked(context, since)}
    if not asked:
        return []
    done: list[str] = []
    taken = promotions.requested(context, since, _MOST_PAGES)
    services = {service.name: service for service in context.platform.services}
    for (name, run), digest in asked.items():
        service = services.get(name)
        if service is None or (name, run) in taken or runs.has(service, run) or runs.of(service, run):
            continue
        runs.want(service, run, digest)
        done.append(f"{name}: the promotion that run {run} asked for is started; its request had started none")
    return done


def _since(context: Context) -> dt.datetime:
    path = f"/repos/{context.platform.repository}/actions/workflows/reconcile.yml/runs"
    found = context.own.find(path, {"status": "success", "per_page": "1"}) or {}
    times = [fields.text(run, "created_at", path) for run in fields.documents(found.get("workflow_runs") or [], path)]
    return workflow.moment(times[0]) - _OVERLAP if times else workflow.now() - _AT_FIRST


def _asked(context: Context, since: dt.datetime) -> Iterator[tuple[str, str, str]]:
    """Service, run and digest of the requests since then."""
    for commit in _heads(context, since):
        path = f"/repos/{context.platform.repository}/commits/{commit}/statuses"
        for item in itertools.islice(context.own.pages(path), _MOST_STATUSES):
            name, digest = fields.text(item, "context", path), fields.optional_text(item, "description") or ""
            at = workflow.moment(fields.text(item, "created_at", path))
            if at < since:
                break
            if not name.startswith(ask.CONTEXT) or at > workflow.now() - _IN_TIME:
                continue
            try:
                release_file.check_digest(digest, name)
                yield *ask.claimed(name), digest
            except RefusedError as error:
                workflow.say(str(error))


def _heads(context: Context, since: dt.datetime) -> Iterator[str]:
    """What was the head of main at some time since then, newest first."""
    path = f"/repos/{context.platform.repository}/commits"
    for item in itertools.islice(context.own.pages(path, {"sha": MAIN}), _MOST_COMMITS):
        yield fields.text(item, "sha", path)
        made = fields.child(fields.child(item, "commit", path), "committer", path)
        if workflow.moment(fields.text(made, "date", path)) < since:
            return
