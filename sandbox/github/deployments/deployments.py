"""Deployments and their statuses: creating, finding, and what a success does to earlier ones."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import later, now
from sandbox.github.core.errors import GitHubError, conflict, invalid_field, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import GitError
from sandbox.github.core.principals import Principal
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.deployments import environments, statuses
from sandbox.github.git import publishing, updates
from sandbox.github.repositories import repositories

KEPT_SECONDS = 90 * 24 * 3600

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
LONGEST_DESCRIPTION = 140
DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"


def _key(repository: Document, number: int | str) -> str:
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
    table.put(_key(repository, deployment["id"]), deployment)
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
        _key(repository, deployment["id"]),
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
    table.put(f"{_key(repository, deployment['id'])}/{status['id']}", status)
    present = forge.store.table("deployments").get(_key(repository, deployment["id"])) or deployment
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
    newest_first = forge.store.table("deployment_statuses").all(f"{_key(repository, deployment['id'])}/")[::-1]
    oldest = later(-KEPT_SECONDS)
    return [status for place, status in enumerate(newest_first) if place == 0 or status["created_at"] >= oldest]


def _full_ref(forge: Forge, repository: Document, ref: str) -> str:
    git = forge.git.by_id(repository["id"])
    for prefix in ("refs/heads/", "refs/tags/"):
        if git.ref(prefix + ref) is not None:
            return prefix + ref
    return ref


@route("GET", DEPLOYMENTS, permission="deployments:read")
def list_deployments(request: Request) -> Answer:
    """Deployments, newest first, of one environment, ref, commit or task if asked."""
    found = request.forge.store.table("deployments").all(f"{request.repository['id']}/")[::-1]
    for name in ("sha", "ref", "task", "environment"):
        wanted = request.query.get(name)
        if wanted and wanted != "none":
            found = [deployment for deployment in found if deployment[name] == wanted]
    return [view(request.forge, request.repository, deployment) for deployment in found]


@route("POST", DEPLOYMENTS, permission="deployments:write")
def create_deployment(request: Request) -> Answer:
    """Asks for a deployment of a ref; by default it must be up to date and its checks must have passed."""
    given, ref = request.data(), str(request.required("ref"))
    sha = request.git.find_commit(ref)
    if sha is None:
        raise GitHubError(422, f"No ref found for: {ref}")
    if given.get("auto_merge", True) and (answer := _merge_default(request, ref, sha)):
        return answer
    _check_contexts(request, ref, sha, given.get("required_contexts"))
    made = create(
        request.forge,
        request.repository,
        request.principal,
        ref=ref,
        sha=sha,
        environment=str(given.get("environment") or "production"),
        given=given,
    )
    return 201, view(request.forge, request.repository, made)


def _merge_default(request: Request, ref: str, sha: str) -> Answer:
    """Merges the default branch into a branch that is behind it, instead of deploying it."""
    git, default = request.git, request.repository["default_branch"]
    newest = git.ref(f"refs/heads/{default}")
    if newest is None or git.is_ancestor(newest, sha):
        return None
    if git.ref(f"refs/heads/{ref}") is None:
        raise conflict(f"Conflict merging {default} into {ref}.")
    try:
        tree = git.text("merge-tree", "--write-tree", sha, newest).split()[0]
    except GitError as error:
        raise conflict(f"Conflict merging {default} into {ref}.") from error
    message = f"Merge branch '{default}' into {ref}"
    author = repositories.signature(request.forge, request.principal)
    merged = git.write_commit(tree, [sha, newest], message, author, repositories.GITHUB)
    update = RefUpdate(f"refs/heads/{ref}", sha, merged)
    updates.move(request.forge, request.repository, request.principal, [update], status=409)
    return 202, {"message": f"Auto-merged {default} into {ref} on deployment."}


def _check_contexts(request: Request, ref: str, sha: str, wanted: list[str] | None) -> None:
    states = statuses.latest(request.forge, request.repository, sha)
    contexts = list(states) if wanted is None else wanted
    unmet = [
        {"context": name, "state": states.get(name, "missing")} for name in contexts if states.get(name) != "success"
    ]
    if unmet:
        errors = [{"contexts": unmet, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}]
        raise GitHubError(409, f"Conflict: Commit status checks failed for {ref}.", errors)


def _find(request: Request) -> Document:
    found = request.forge.store.table("deployments").get(_key(request.repository, request.number("deployment_id")))
    if found is None:
        raise not_found()
    return found


@route("GET", DEPLOYMENTS + "/{deployment_id}", permission="deployments:read")
def read_deployment(request: Request) -> Answer:
    """One deployment."""
    return view(request.forge, request.repository, _find(request))


@route("DELETE", DEPLOYMENTS + "/{deployment_id}", permission="deployments:write")
def delete_deployment(request: Request) -> Answer:
    """Removes a deployment that is not active, or the only one."""
    deployment, store = _find(request), request.forge.store
    last = next(iter(statuses_of(request.forge, request.repository, deployment)), None)
    only = len(store.table("deployments").keys(f"{request.repository['id']}/")) == 1
    if last is not None and last["state"] == "success" and not only:
        raise GitHubError(
            422, "We cannot delete an active deployment unless it is the only deployment in a given environment."
        )
    store.table("deployment_statuses").delete_all(f"{_key(request.repository, deployment['id'])}/")
    store.table("deployments").delete(_key(request.repository, deployment["id"]))
    return None


@route("GET", DEPLOYMENTS + "/{deployment_id}/statuses", permission="deployments:read")
def list_statuses(request: Request) -> Answer:
    """Statuses of a deployment, newest first."""
    found = statuses_of(request.forge, request.repository, _find(request))
    return [status_view(request.forge, request.repository, status) for status in found]


@route("GET", DEPLOYMENTS + "/{deployment_id}/statuses/{status_id}", permission="deployments:read")
def read_status(request: Request) -> Answer:
    """One status of a deployment."""
    number = request.number("status_id")
    for status in statuses_of(request.forge, request.repository, _find(request)):
        if status["id"] == number:
            return status_view(request.forge, request.repository, status)
    raise not_found()


@route("POST", DEPLOYMENTS + "/{deployment_id}/statuses", permission="deployments:write")
def create_status(request: Request) -> Answer:
    """Reports how a deployment goes."""
    deployment, given = _find(request), request.data()
    if request.required("state") not in STATES:
        raise invalid_field("DeploymentStatus", "state", "custom", "state is not included in the list")
    if len(str(given.get("description") or "")) > LONGEST_DESCRIPTION:
        text = f"description is too long (maximum is {LONGEST_DESCRIPTION} characters)"
        raise invalid_field("DeploymentStatus", "description", "custom", text)
    status = add_status(request.forge, request.repository, request.principal, deployment, given)
    return 201, status_view(request.forge, request.repository, status)
