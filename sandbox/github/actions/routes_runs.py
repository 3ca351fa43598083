"""REST of workflow runs and jobs: reading them, their logs, cancelling and deleting."""

import datetime
import io
import re
import zipfile
from typing import Any

from starlette.responses import PlainTextResponse, Response

from sandbox.github.actions import presentation
from sandbox.github.actions.serving import engine_of, find_job, find_run
from sandbox.github.actions.trust import HELD
from sandbox.github.core.clock import present
from sandbox.github.core.downloads import redirect
from sandbox.github.core.errors import GitHubError, conflict, not_found, unprocessable
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document

ACTIONS = "/repos/{owner}/{repo}/actions"
RUN = ACTIONS + "/runs/{run_id}"
JOB = ACTIONS + "/jobs/{job_id}"

STATUSES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")


def filtered(request: Request, runs: list[Document]) -> list[Document]:
    """Runs that fit the query: actor, branch, event, status (or conclusion), head_sha, created."""
    query = request.query
    fields = {"branch": "head_branch", "event": "event", "head_sha": "head_sha", "actor": "actor"}
    for name, field in fields.items():
        if query.get(name):
            runs = [run for run in runs if run[field] == query[name]]
    if status := query.get("status"):
        field = "status" if status in STATUSES else "conclusion"
        runs = [run for run in runs if run[field] == status]
    if created := query.get("created"):
        runs = [run for run in runs if _is_within(run["created_at"], created)]
    return runs


def _is_within(moment: str, span: str) -> bool:
    """Whether a time fits GitHub's search syntax: `2030-01-02`, `>=…`, `a..b`."""
    if ".." in span:
        start, _, end = span.partition("..")
        return (start in ("*", "") or moment >= start) and (end in ("*", "") or moment[: len(end)] <= end)
    match = re.fullmatch(r"(>=|<=|>|<)?(.+)", span)
    if match is None:
        return True
    operator, wanted = match[1], match[2]
    present = moment[: len(wanted)]
    return {
        ">=": present >= wanted,
        "<=": present <= wanted,
        ">": present > wanted,
        "<": present < wanted,
    }.get(operator or "", moment.startswith(wanted))


@route("GET", ACTIONS + "/runs", permission="actions:read")
def list_runs(request: Request) -> Answer:
    """Runs of a repository, newest first."""
    runs = filtered(request, engine_of(request).runs.of_repository(request.repository["id"]))
    return shown_runs(request, runs)


def shown_runs(request: Request, runs: list[Document]) -> Page:
    """A page of runs; only those on the page are worked out."""
    size = min(max(_number(request.query.get("per_page"), 30), 1), 100)
    start = (max(_number(request.query.get("page"), 1), 1) - 1) * size
    items: list[Any] = list(runs)
    for index in range(start, min(start + size, len(items))):
        items[index] = presentation.run(request.forge, items[index])
    return Page(items, "workflow_runs")


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


@route("GET", RUN, permission="actions:read")
def read_run(request: Request) -> Answer:
    """One run."""
    return presentation.run(request.forge, find_run(request))


@route("GET", RUN + "/attempts/{attempt}", permission="actions:read")
def read_attempt(request: Request) -> Answer:
    """One attempt of a run."""
    return presentation.run(request.forge, _attempt(request))


def _attempt(request: Request) -> Document:
    run, number = find_run(request), request.number("attempt")
    if number == run["attempt"]:
        return run
    earlier = next((one for one in run["previous"] if one["attempt"] == number), None)
    if earlier is None:
        raise not_found()
    return run | earlier


def _leaves(jobs: list[Document]) -> list[Document]:
    return [job for job in jobs if job["kind"] == "job" or job["conclusion"] == "skipped"]


@route("GET", RUN + "/jobs", permission="actions:read")
def list_jobs(request: Request) -> Answer:
    """Jobs of a run's latest attempt, or with `filter=all` of every attempt."""
    engine, run = engine_of(request), find_run(request)
    jobs = engine.runs.all_jobs(run) if request.query.get("filter") == "all" else engine.runs.jobs(run)
    return Page([presentation.job(request.forge, run, job) for job in _leaves(jobs)], "jobs")


@route("GET", RUN + "/attempts/{attempt}/jobs", permission="actions:read")
def list_jobs_of_attempt(request: Request) -> Answer:
    """Jobs of one attempt."""
    run = _attempt(request)
    jobs = engine_of(request).runs.jobs(run, run["attempt"])
    return Page([presentation.job(request.forge, run, job) for job in _leaves(jobs)], "jobs")


@route("GET", JOB, permission="actions:read")
def read_job(request: Request) -> Answer:
    """One job."""
    job = find_job(request)
    run = engine_of(request).runs.run(job["repository_id"], job["run_id"])
    if run is None:
        raise not_found()
    return presentation.job(request.forge, run, job)


@route("GET", JOB + "/logs", permission="actions:read")
def read_job_log(request: Request) -> Answer:
    """Where the log of a job is, as text; also while the job runs."""
    engine, job = engine_of(request), find_job(request)
    text = engine.log_of(job)
    if text is None:
        raise not_found()
    return redirect(request, PlainTextResponse(text))


@route("GET", RUN + "/logs", permission="actions:read")
def read_run_logs(request: Request) -> Answer:
    """The logs of a run, as a zip with one file for each job."""
    return redirect(request, _archive(request, find_run(request)))


@route("GET", RUN + "/attempts/{attempt}/logs", permission="actions:read")
def read_attempt_logs(request: Request) -> Answer:
    """The logs of one attempt of a run, as a zip."""
    return redirect(request, _archive(request, _attempt(request)))


def _archive(request: Request, run: Document) -> Response:
    engine, buffer = engine_of(request), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, job in enumerate(_leaves(engine.runs.jobs(run, run["attempt"]))):
            text = engine.log_of(job)
            if text is not None:
                archive.writestr(f"{number}_{_file_name(job['name'])}.txt", text)
        if run["problem"]:
            archive.writestr("workflow-error.txt", f"{run['path']}: {run['problem']}\n")
    return Response(buffer.getvalue(), media_type="application/zip")


def _file_name(name: str) -> str:
    return re.sub(r'[/\\:*?"<>|]', "", name).strip()[:90] or "job"


@route("DELETE", RUN + "/logs", permission="actions:write")
def delete_run_logs(request: Request) -> Answer:
    """Removes the logs of a run that is complete."""
    run = _completed(request, "logs cannot be deleted")
    engine_of(request).delete_logs(run)
    return None


@route("DELETE", RUN, permission="actions:write")
def delete_run(request: Request) -> Answer:
    """Forgets a run that is complete."""
    run = _completed(request, "Could not delete the workflow run")
    engine = engine_of(request)
    engine.delete_logs(run)
    engine.runs.delete(run)
    return None


def _completed(request: Request, what: str) -> Document:
    run = find_run(request)
    if run["status"] != "completed":
        raise GitHubError(403, f"{what}: it is still running")
    return run


@route("POST", RUN + "/cancel", permission="actions:write")
def cancel_run(request: Request) -> Answer:
    """Cancels a run."""
    return _cancel(request, force=False)


@route("POST", RUN + "/force-cancel", permission="actions:write")
def force_cancel_run(request: Request) -> Answer:
    """Cancels a run without running what its jobs have for that case."""
    return _cancel(request, force=True)


def _cancel(request: Request, *, force: bool) -> Answer:
    engine, run = engine_of(request), find_run(request)
    if run["status"] == "completed":
        raise conflict("Cannot cancel a workflow run that is completed.")
    engine.decisions.ask(lambda: engine.cancel_run(run["repository_id"], run["id"], force=force))
    return 202, {}


@route("POST", RUN + "/approve", permission="actions:write")
def approve_run(request: Request) -> Answer:
    """Lets a run go that a pull request of a fork has started and that waits for a maintainer."""
    engine, run = engine_of(request), find_run(request)
    if run["conclusion"] != HELD:
        raise GitHubError(403, "This run is not from a fork pull request or is not waiting for approval.")
    engine.decisions.ask(lambda: engine.release_held(run))
    return 201, {}


@route("POST", RUN + "/rerun", permission="actions:write")
def rerun(request: Request) -> Answer:
    """Runs all jobs again, as a new attempt."""
    return _again(request, find_run(request), None)


@route("POST", RUN + "/rerun-failed-jobs", permission="actions:write")
def rerun_failed_jobs(request: Request) -> Answer:
    """Runs the jobs again that failed, and those that depend on them."""
    engine, run = engine_of(request), find_run(request)
    failed = [job for job in engine.runs.jobs(run) if job["conclusion"] not in ("success", "skipped")]
    if not failed:
        raise GitHubError(403, "This workflow run cannot be retried, no job of it failed")
    return _again(request, run, [job["id"] for job in failed])


@route("POST", JOB + "/rerun", permission="actions:write")
def rerun_job(request: Request) -> Answer:
    """Runs one job again, and those that depend on it."""
    engine, job = engine_of(request), find_job(request)
    run = engine.runs.run(job["repository_id"], job["run_id"])
    if run is None:
        raise not_found()
    if job["attempt"] != run["attempt"]:
        raise unprocessable("Only jobs of the latest attempt can be run again")
    return _again(request, run, [job["id"]])


def _again(request: Request, run: Document, jobs: list[int] | None) -> Answer:
    engine = engine_of(request)
    if run["status"] != "completed":
        raise GitHubError(403, "This workflow is already running")
    if run["conclusion"] == HELD:
        raise GitHubError(403, "This workflow run is waiting for approval and cannot be retried")
    if _is_old(run):
        raise GitHubError(403, "Unable to retry this workflow run because it was created over a month ago")
    engine.decisions.ask(lambda: engine.again(run, jobs, request.principal.login))
    return 201, {}


def _is_old(run: Document) -> bool:
    age = present() - datetime.datetime.fromisoformat(run["created_at"])
    return age > datetime.timedelta(days=30)
