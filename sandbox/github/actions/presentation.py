"""Runs, jobs and workflows as GitHub's REST API shows them."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.actions.shapes import is_mapping, mapping
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document
from sandbox.github.repositories import repositories


def check_name(job: Document) -> str:
    """The name under which a job appears among a commit's checks."""
    return job["name"]


def run_html_url(forge: Forge, run: Document) -> str:
    """The run's page."""
    return f"{forge.url}/{run['repository']}/actions/runs/{run['id']}"


def job_html_url(forge: Forge, job: Document) -> str:
    """The job's page."""
    return f"{forge.url}/{job['repository']}/actions/runs/{job['run_id']}/job/{job['id']}"


def run(forge: Forge, document: Document) -> dict[str, Any]:
    """A run in GitHub's shape."""
    repository = forge.repository(document["repository"])
    api = f"{forge.api_url}/repos/{document['repository']}"
    url = f"{api}/actions/runs/{document['id']}"
    shown = repositories.view(forge, repository) if repository else None
    head = document["payload"].get("pull_request") if document["event"].startswith("pull_request") else None
    previous = document["attempt"] > 1
    return {
        "id": document["id"],
        "name": document["name"],
        "node_id": f"WFR_{document['id']}",
        "head_branch": document["head_branch"],
        "head_sha": document["head_sha"],
        "path": document["path"],
        "display_title": document["display_title"],
        "run_number": document["run_number"],
        "event": document["event"],
        "status": document["status"],
        "conclusion": document["conclusion"],
        "workflow_id": document["workflow_id"],
        "check_suite_id": document["id"],
        "check_suite_node_id": f"CS_{document['id']}",
        "url": url,
        "html_url": run_html_url(forge, document),
        "pull_requests": _pull_requests(document),
        "created_at": document["created_at"],
        "updated_at": document.get("updated_at", document["created_at"]),
        "actor": accounts.simple(forge, document["actor"]),
        "run_attempt": document["attempt"],
        "referenced_workflows": document["referenced_workflows"],
        "run_started_at": document["run_started_at"],
        "triggering_actor": accounts.simple(forge, document["triggering_actor"]),
        "jobs_url": f"{url}/jobs",
        "logs_url": f"{url}/logs",
        "check_suite_url": f"{api}/check-suites/{document['id']}",
        "artifacts_url": f"{url}/artifacts",
        "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun",
        "previous_attempt_url": f"{url}/attempts/{document['attempt'] - 1}" if previous else None,
        "workflow_url": f"{api}/actions/workflows/{document['workflow_id']}",
        "head_commit": document["head_commit"],
        "repository": shown,
        "head_repository": head["head"]["repo"] if is_mapping(head) else shown,
    }


def _pull_requests(document: Document) -> list[dict[str, Any]]:
    pull = document["payload"].get("pull_request")
    if not is_mapping(pull) or not document["event"].startswith("pull_request"):
        return []
    if is_mapping(head := pull.get("head")) and mapping(head.get("repo")).get("id") != document["repository_id"]:
        # GitHub leaves those of forks out.
        return []
    return [{name: pull.get(name) for name in ("id", "number", "url", "head", "base")}]


def job(forge: Forge, run_document: Document, document: Document) -> dict[str, Any]:
    """A job in GitHub's shape."""
    api = f"{forge.api_url}/repos/{document['repository']}"
    started = document["status"] not in ("queued", "waiting", "pending")
    return {
        "id": document["id"],
        "run_id": document["run_id"],
        "workflow_name": run_document["name"],
        "head_branch": run_document["head_branch"],
        "run_url": f"{api}/actions/runs/{document['run_id']}",
        "run_attempt": document["attempt"],
        "node_id": f"CR_{document['id']}",
        "head_sha": run_document["head_sha"],
        "url": f"{api}/actions/jobs/{document['id']}",
        "html_url": job_html_url(forge, document),
        "status": document["status"],
        "conclusion": document["conclusion"],
        "created_at": document["created_at"],
        "started_at": document["started_at"] or document["created_at"],
        "completed_at": document["completed_at"],
        "name": check_name(document),
        "steps": document["steps"],
        "check_run_url": f"{api}/check-runs/{document['check_id']}",
        "labels": document["labels"],
        "runner_id": 1 if started else None,
        "runner_name": "sandbox" if started else None,
        "runner_group_id": 1 if started else None,
        "runner_group_name": "Default" if started else None,
    }


def workflow(forge: Forge, repository: Document, entry: Document) -> dict[str, Any]:
    """A workflow file in GitHub's shape."""
    api = f"{forge.api_url}/repos/{repository['full_name']}"
    html = f"{forge.url}/{repository['full_name']}"
    return {
        "id": entry["id"],
        "node_id": f"W_{entry['id']}",
        "name": entry["name"],
        "path": entry["path"],
        "state": entry["state"],
        "created_at": entry["created_at"],
        "updated_at": entry["updated_at"],
        "url": f"{api}/actions/workflows/{entry['id']}",
        "html_url": f"{html}/blob/{repository['default_branch']}/{entry['path']}",
        "badge_url": f"{html}/workflows/{entry['name']}/badge.svg",
    }
