"""Environments: what must be true before a job that deploys may start, and the deployment that is recorded for it."""

import datetime
from dataclasses import dataclass
from typing import Any

from sandbox.github.actions import presentation
from sandbox.github.actions.parts import Control, Parts
from sandbox.github.core.clock import now, present
from sandbox.github.core.errors import unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import ACTIONS_APP_ID, ACTIONS_LOGIN, Kind, Principal
from sandbox.github.core.store import Document
from sandbox.github.deployments import deployments, environments

WORKFLOW = Principal(Kind.WORKFLOW, ACTIONS_LOGIN, app_id=ACTIONS_APP_ID)
"""Who records deployments of jobs; what it does starts no workflow."""

STATES = {"success": "success", "failure": "failure", "cancelled": "error", "skipped": "inactive"}


@dataclass(frozen=True)
class Verdict:
    """Whether a job may start."""

    open: bool = True
    problem: str | None = None
    """Why it never may."""


def check(engine: Control, run: Document, job: Document) -> Verdict:
    """Looks at the protection of a job's environment; keeps the deployment of the job."""
    if job["environment"] is None:
        return Verdict()
    forge = engine.forge
    repository = engine.scopes.repository(run["repository_id"])
    environment = environments.ensure(forge, repository, job["environment"])
    if not environments.allows_ref(forge, repository, environment, run["ref"]):
        kind = "Tag" if run["ref"].startswith("refs/tags/") else "Branch"
        name = run["ref"].split("/", 2)[-1] if kind == "Tag" or run["ref"].startswith("refs/heads/") else run["ref"]
        return Verdict(
            problem=f'{kind} "{name or run["sha"]}" is not allowed to deploy to {environment["name"]} due to'
            " environment protection rules."
        )
    if job["waiting_since"] is None:
        job |= engine.note(job, waiting_since=_moment().isoformat(), deployment_id=_deploy(engine, run, job))
        # Only a job that has to wait for somebody or something says so.
        if environment["reviewers"] or environment["wait_timer"]:
            _report(forge, repository, job, "waiting")
    remaining = _remaining(environment, job)
    if remaining > 0:
        engine.decisions.later(remaining, lambda: engine.advance(run["repository_id"], run["id"]))
        return Verdict(open=False)
    return Verdict(open=not environment["reviewers"] or bool(job.get("approved_by")))


def _moment() -> datetime.datetime:
    return present()


def _remaining(environment: Document, job: Document) -> float:
    """Seconds that the wait timer still asks for."""
    since = datetime.datetime.fromisoformat(job["waiting_since"])
    return environment["wait_timer"] * 60 - (_moment() - since).total_seconds()


def _deploy(engine: Parts, run: Document, job: Document) -> int:
    repository = engine.scopes.repository(run["repository_id"])
    made = deployments.create(
        engine.forge,
        repository,
        WORKFLOW,
        ref=run["head_branch"] or run["sha"],
        sha=run["sha"],
        environment=job["environment"],
    )
    return int(made["id"])


def _report(forge: Forge, repository: Document, job: Document, state: str, url: str | None = None) -> None:
    """Adds a status to a job's deployment."""
    deployment = forge.store.table("deployments").get(f"{repository['id']}/{job['deployment_id']}")
    if deployment is None:
        return
    given: dict[str, Any] = {"state": state, "log_url": presentation.job_html_url(forge, job)}
    if url:
        given["environment_url"] = url
    deployments.add_status(forge, repository, WORKFLOW, deployment, given)


def started(engine: Parts, run: Document, job: Document) -> None:
    """Reports that a deployment is on its way."""
    if job["deployment_id"] is not None:
        _report(engine.forge, engine.scopes.repository(run["repository_id"]), job, "in_progress")


def finished(engine: Parts, run: Document, job: Document) -> None:
    """Reports what became of a deployment."""
    if job["deployment_id"] is None:
        return
    repository = engine.forge.repository(run["repository"])
    if repository is not None:
        state = STATES.get(job["conclusion"], "error")
        _report(engine.forge, repository, job, state, job["environment_url"])


def pending(engine: Parts, run: Document, login: str) -> list[dict[str, Any]]:
    """Environments whose protection jobs of a run wait for, as the API shows them."""
    repository = engine.scopes.repository(run["repository_id"])
    shown: dict[int, dict[str, Any]] = {}
    for job in engine.runs.jobs(run):
        environment = job["environment"] and environments.find(engine.forge, repository, job["environment"])
        if job["status"] != "waiting" or not environment:
            continue
        view = environments.view(engine.forge, repository, environment)
        shown[environment["id"]] = {
            "environment": {name: view[name] for name in ("id", "node_id", "name", "url", "html_url")},
            "wait_timer": environment["wait_timer"],
            "wait_timer_started_at": job["waiting_since"],
            "current_user_can_approve": _objection(engine.forge, environment, run, login) is None,
            "reviewers": environments.reviewers_view(engine.forge, environment),
        }
    return list(shown.values())


def _objection(forge: Forge, environment: Document, run: Document, login: str) -> str | None:
    """Why somebody may not review a deployment to an environment."""
    if not environments.is_reviewer(forge, environment, login):
        return f"{login} is not a required reviewer of {environment['name']}"
    if environment["prevent_self_review"] and login.lower() == str(run["triggering_actor"]).lower():
        return f"{login} started this run and may not review its deployment to {environment['name']}"
    return None


def review(
    engine: Parts, run: Document, environment_ids: list[int], login: str, state: str, comment: str
) -> list[Document]:
    """Notes a review; answers the jobs that it was about.

    Raises:
        GitHubError: 422, nothing waits there, or this person may not review it.
    """
    repository = engine.scopes.repository(run["repository_id"])
    found: list[Document] = []
    reviewed: list[Document] = []
    for environment_id in environment_ids:
        waiting = [
            (job, environment)
            for job in engine.runs.jobs(run)
            if job["status"] == "waiting"
            and job["environment"]
            and (environment := environments.find(engine.forge, repository, job["environment"]))
            and environment["id"] == environment_id
        ]
        if not waiting:
            raise unprocessable(f"No pending deployment requests to approve or reject for environment {environment_id}")
        environment = waiting[0][1]
        if problem := _objection(engine.forge, environment, run, login):
            raise unprocessable(problem)
        reviewed.append(environment)
        found += [job for job, _ in waiting]
    entry = {
        "environments": [environment["name"] for environment in reviewed],
        "state": state,
        "user": login,
        "comment": comment,
        "at": now(),
        "attempt": run["attempt"],
    }
    run["approvals"].append(entry)
    engine.runs.put(run)
    if state == "approved":
        found = [engine.note(job, approved_by=login) for job in found]
    return found
