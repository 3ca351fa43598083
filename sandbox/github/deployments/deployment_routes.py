"""REST of deployments and their statuses."""

from sandbox.github.core.errors import GitHubError, check_length, conflict, invalid_field, not_found
from sandbox.github.core.git import GitError
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.deployments import statuses
from sandbox.github.deployments.deployments import add_status, create, key, status_view, statuses_of, view
from sandbox.github.git import updates
from sandbox.github.repositories import repositories

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
LONGEST_DESCRIPTION = 140
DEPLOYMENTS = "/repos/{owner}/{repo}/deployments"


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
    found = request.forge.store.table("deployments").get(key(request.repository, request.number("deployment_id")))
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
    store.table("deployment_statuses").delete_all(f"{key(request.repository, deployment['id'])}/")
    store.table("deployments").delete(key(request.repository, deployment["id"]))
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
    check_length("DeploymentStatus", "description", given.get("description"), LONGEST_DESCRIPTION)
    status = add_status(request.forge, request.repository, request.principal, deployment, given)
    return 201, status_view(request.forge, request.repository, status)
