"""Deployments and their statuses: their records, and what a success does to earlier ones."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import later, now
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document
from sandbox.github.deployments import environments
from sandbox.github.git import publishing

KEPT_SECONDS = 90 * 24 * 3600


def key(repository: Document, number: int | str) -> str:
    """Where a deployment is kept; behind it stand its statuses."""
    return f"{repository['id']}/{number}"


def view(forge: Forge, repository: Document, deployment: Document) -> dict[str, Any]:
    """A deployment as GitHub shows it."""
    api = f"{forge.api_url}/repos/{repository['full_name']}"
    url = f"{api}/deployments/{deployment['id']}"
    return {
        "url": url,
        "id": deployment["id"],
        "node_id": f"DE_{deployment['id']}",
        "sha": deployment["sha"],
        "ref": deployment["ref"],
        "task": deployment["task"],
        "payload": deployment["payload"],
        "original_environment": deployment["environment"],
        "environment": deployment["environment"],
        "description": deployment["description"],
        "creator": accounts.simple(forge, deployment["creator"]),
        "created_at": deployment["created_at"],
        "updated_at": deployment["updated_at"],
        "statuses_url": f"{url}/statuses",
        "repository_url": api,
        "transient_environment": deployment["transient_environment"],
        "production_environment": deployment["production_environment"],
        "performed_via_github_app": None,
    }


def status_view(forge: Forge, repository: Document, status: Document) -> dict[str, Any]:
    """A deployment status as GitHub shows it."""
    deployment = f"{forge.api_url}/repos/{repository['full_name']}/deployments/{status['deployment_id']}"
    return {
        "url": f"{deployment}/statuses/{status['id']}",
        "id": status["id"],
        "node_id": f"DES_{status['id']}",
        "state": status["state"],
        "creator": accounts.simple(forge, status["creator"]),
        "description": status["description"],
        "environment": status["environment"],
        "target_url": status["log_url"],
        "log_url": status["log_url"],
        "environment_url": status["environment_url"],
        "created_at": status["created_at"],
        "updated_at": status["created_at"],
        "deployment_url": deployment,
        "repository_url": f"{forge.api_url}/repos/{repository['full_name']}",
        "performed_via_github_app": None,
    }


def create(
    forge: Forge,
    repository: Document,
    principal: Principal,
    *,
    ref: str,
    sha: str,
    environment: str,
    given: dict[str, Any] | None = None,
) -> Document:
    """Records a deployment and tells everyone; an unknown environment comes into being."""
    given = given or {}
    known = environments.ensure(forge, repository, environment)
    table = forge.store.table("deployments")
    production = given.get("production_environment")
    deployment: Document = {
        "id": table.next_id(),
        "ref": ref,
        "sha": sha,
        "task": given.get("task") or "deploy",
        "payload": given.get("payload") if given.get("payload") is not None else {},
        "environment": known["name"],
        "description": given.get("description"),
        "creator": principal.login,
        "transient_environment": bool(given.get("transient_environment", False)),
        "production_environment": known["name"].lower() == "production" if production is None else bool(production),
        "created_at": now(),
        "updated_at": now(),
    }
    table.put(key(repository, deployment["id"]), deployment)
    publishing.emit(
        forge,
        repository,
        principal,
        "deployment",
        action="created",
        ref=_full_ref(forge, repository, ref),
        sha=sha,
        payload={"deployment": view(forge, repository, deployment), "workflow": None, "workflow_run": None},
    )
    return deployment


def add_status(
    forge: Forge, repository: Document, principal: Principal, deployment: Document, given: dict[str, Any]
) -> Document:
    """Adds a status to a deployment and tells everyone; a success makes earlier successes inactive."""
    if given.get("environment"):
        environment = environments.ensure(forge, repository, str(given["environment"]))["name"]
    else:
        environment = deployment["environment"]
    status = _record(forge, repository, principal, deployment, environment, given)
    forge.store.table("deployments").update(
        key(repository, deployment["id"]),
        lambda document: document.update(environment=environment, updated_at=status["created_at"]),
    )
    if given["state"] == "success" and given.get("auto_inactive", True):
        _retire(forge, repository, principal, deployment["id"], environment)
    return status


def _record(
    forge: Forge,
    repository: Document,
    principal: Principal,
    deployment: Document,
    environment: str,
    given: dict[str, Any],
) -> Document:
    table = forge.store.table("deployment_statuses")
    status: Document = {
        "id": table.next_id(),
        "deployment_id": deployment["id"],
        "state": given["state"],
        "creator": principal.login,
        "description": str(given.get("description") or ""),
        "environment": environment,
        "log_url": given.get("log_url") or given.get("target_url") or "",
        "environment_url": given.get("environment_url") or "",
        "created_at": now(),
    }
    table.put(f"{key(repository, deployment['id'])}/{status['id']}", status)
    present = forge.store.table("deployments").get(key(repository, deployment["id"])) or deployment
    publishing.emit(
        forge,
        repository,
        principal,
        "deployment_status",
        action="created",
        ref=_full_ref(forge, repository, deployment["ref"]),
        sha=deployment["sha"],
        payload={
            "deployment_status": status_view(forge, repository, status),
            "deployment": view(forge, repository, present | {"environment": environment}),
            "workflow": None,
            "workflow_run": None,
            "check_run": None,
        },
    )
    return status


def _retire(forge: Forge, repository: Document, principal: Principal, newest: int, environment: str) -> None:
    """Marks earlier successful deployments of an environment inactive.

    GitHub leaves those to production environments, and transient ones, as they are.
    """
    for earlier in forge.store.table("deployments").all(f"{repository['id']}/"):
        if earlier["id"] >= newest or earlier["environment"] != environment:
            continue
        if earlier["production_environment"] or earlier["transient_environment"]:
            continue
        last = next(iter(statuses_of(forge, repository, earlier)), None)
        if last is not None and last["state"] == "success":
            _record(forge, repository, principal, earlier, environment, {"state": "inactive"})


def statuses_of(forge: Forge, repository: Document, deployment: Document) -> list[Document]:
    """Statuses of a deployment, newest first. Those of more than 90 days ago are gone, except the current one."""
    newest_first = forge.store.table("deployment_statuses").all(f"{key(repository, deployment['id'])}/")[::-1]
    oldest = later(-KEPT_SECONDS)
    return [status for place, status in enumerate(newest_first) if place == 0 or status["created_at"] >= oldest]


def _full_ref(forge: Forge, repository: Document, ref: str) -> str:
    git = forge.git.by_id(repository["id"])
    for prefix in ("refs/heads/", "refs/tags/"):
        if git.ref(prefix + ref) is not None:
            return prefix + ref
    return ref
