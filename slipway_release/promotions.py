"""The runs of promotions: how their titles are written and read, and which of them have to be started again.

They are runs of `promote.yml`, and of `requested.yml`, which calls it for what a service asks for.

GitHub shows what a run was started with in its title alone, so the title says all of it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from slipway_release import fields, retries, workflow
from slipway_release.context import Context
from slipway_release.fields import Document

WORKFLOW, REQUESTS = "promote.yml", "requested.yml"
_PROMOTION = re.compile(
    r"Promote (?P<service>[a-z0-9-]+) \(run (?P<run>[0-9]+)\)"
    r"(?: (?P<digest>sha256:[0-9a-f]{64}))?(?: to (?P<environments>[a-z0-9 -]+))?(?P<again>, again)?"
)
_REQUEST = re.compile(r"slipway/request/(?P<service>[a-z0-9-]+)/(?P<run>[0-9]+) (?P<digest>sha256:[0-9a-f]{64})")
_FAILED = ("failure", "cancelled", "timed_out", "startup_failure")
"""How a run ends that has not come to its end, as GitHub names it."""
_PAGE = 100
_LOOK_BACK = dt.timedelta(days=60)
_MOST_PAGES = 3


@dataclass(frozen=True)
class Run:
    """One run: what it was asked to promote, and what became of it."""

    id: int
    service: str
    run: str
    """The number of the run, in the service's repository, that has built the image."""
    digest: str | None
    environments: tuple[str, ...]
    """The environments that were asked for by name."""
    is_over: bool
    conclusion: str
    created: dt.datetime
    again: bool = False
    """Whether a person asked, who wants it where a person did not want it before."""
    waits: bool = False
    """Whether it waits for an approval."""

    @property
    def key(self) -> tuple[str, str]:
        """What is the same for each attempt at the same version of a service."""
        return self.service, self.run

    @property
    def has_failed(self) -> bool:
        return self.is_over and self.conclusion != "success"


def title(service: str, run: str, digest: str, environments: Sequence[str] = (), *, again: bool = False) -> str:
    """The title of a run, as `run-name` of the workflow writes it."""
    where = f" to {' '.join(environments)}" if environments else ""
    return f"Promote {service} (run {run}) {digest}{where}{', again' if again else ''}"


def newest(context: Context) -> list[Run]:
    """The newest runs of the promotion, newest first, in four calls.

    Those that wait for a person are asked for too. They may be long past the first page: each release and each status
    of the repository has runs of its own.
    """
    found: dict[int, Run] = {}
    waits = {"status": "waiting"}
    for name, query in ((WORKFLOW, {}), (WORKFLOW, waits), (REQUESTS, {}), (REQUESTS, waits)):
        path = f"/repos/{context.platform.repository}/actions/workflows/{name}/runs"
        answer = context.own.get(path, {"per_page": str(_PAGE), **query})
        found |= {run.id: run for run in _runs(answer, path)}
    return [found[number] for number in sorted(found, reverse=True)]


def requested(context: Context, since: dt.datetime, most_pages: int) -> set[tuple[str, str]]:
    """What has runs of `requested.yml` since then, however they ended: the services and the runs that asked."""
    path = f"/repos/{context.platform.repository}/actions/workflows/{REQUESTS}/runs"
    return {run.key for run in _listed(context, path, {"created": f">={workflow.timestamp(since)}"}, most_pages)}


def failed(context: Context, states: Sequence[str] = _FAILED) -> list[Run]:
    """Runs of the last days, of the promotion or of requests for it, that did not come to their end."""
    path = f"/repos/{context.platform.repository}/actions/runs"
    since = workflow.timestamp(workflow.now() - _LOOK_BACK)
    found: list[Run] = []
    for state in states:
        query = {"status": state, "created": f">={since}", "branch": "main"}
        found += _listed(context, path, query, _MOST_PAGES)
    return sorted(found, key=lambda run: run.id, reverse=True)


def is_due(attempts: Sequence[Run], environment: str | None = None) -> bool:
    """Whether a promotion has to be started again, by the runs that were attempts at it.

    Args:
        attempts: the runs.
        environment: where it is missing; a run that was asked for it by name and has ended was in vain, however it
            ended.
    """
    if any(not run.is_over for run in attempts):
        return False
    vain = [run for run in attempts if run.has_failed or environment in run.environments]
    if len(vain) < 2:
        return True
    waited = workflow.now() - max(run.created for run in vain)
    return len(vain) < retries.MOST_TRIES and waited >= retries.pause_after(len(vain) - 1)


def waiting_for(context: Context, run: Run) -> set[str]:
    """The environments whose approval a run waits for."""
    path = f"/repos/{context.platform.repository}/actions/runs/{run.id}/pending_deployments"
    found = fields.documents(context.own.read(path), path)
    return {fields.text(fields.child(item, "environment", path), "name", path) for item in found}


def is_rejected(context: Context, failed_runs: Sequence[Run], environment: str, service: str, run: str) -> bool:
    """Whether a reviewer has said no, in an environment, to what a run has built."""
    known = (item for item in failed_runs if item.key == (service, run))
    return any(was_rejected(context, item, environment) for item in known)


def was_rejected(context: Context, run: Run, environment: str | None = None) -> bool:
    """Whether a reviewer has rejected the delivery to an environment in a run; to any of them, if none is named."""
    path = f"/repos/{context.platform.repository}/actions/runs/{run.id}/approvals"
    for review in fields.documents(context.own.read(path), path):
        names = {item.get("name") for item in fields.documents(review.get("environments") or [], path)}
        if review.get("state") == "rejected" and (environment is None or environment in names):
            return True
    return False


def _listed(context: Context, path: str, query: Mapping[str, str], most_pages: int) -> Iterator[Run]:
    """The runs of a list, newest first, of so many of its pages at the most."""
    for page in range(1, most_pages + 1):
        answer = context.own.get(path, {**query, "per_page": str(_PAGE), "page": str(page)})
        yield from _runs(answer, path)
        if len(fields.documents(answer.get("workflow_runs") or [], path)) < _PAGE:
            return


def _runs(answer: Document, path: str) -> list[Run]:
    documents = fields.documents(answer.get("workflow_runs") or [], path)
    return [run for document in documents if (run := _run(document, path)) is not None]


def _run(document: Document, path: str) -> Run | None:
    words = fields.optional_text(document, "display_title") or ""
    found = _PROMOTION.fullmatch(words) or _REQUEST.fullmatch(words)
    if found is None:
        return None
    parts = found.groupdict()
    return Run(
        id=fields.number(document, "id", path),
        service=parts["service"],
        run=parts["run"],
        digest=parts["digest"],
        environments=tuple((parts.get("environments") or "").split()),
        again=bool(parts.get("again")),
        waits=document.get("status") == "waiting",
        is_over=document.get("status") == "completed",
        conclusion=fields.optional_text(document, "conclusion") or "",
        created=workflow.moment(fields.text(document, "created_at", path)),
    )
