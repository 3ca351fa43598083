"""Commit statuses and check runs: what is known of a commit, and the state that they add up to."""

from collections.abc import Callable
from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, check_length, invalid_field, not_found, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import ACTIONS_APP_ID, Principal
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, mapping
from sandbox.github.git import commits, publishing
from sandbox.github.organizations import apps
from sandbox.github.repositories import repositories

LONGEST_DESCRIPTION = 140
MOST_OF_CONTEXT = 1000
"""https://docs.github.com/rest/commits/statuses: "a limit of 1000 statuses per sha and context"."""
STATES = ("error", "failure", "pending", "success")
COMMIT_WATCHERS: list[Callable[[Forge, Document, str], None]] = []
"""Told of every commit of which something new has become known."""

PASSED = ("success", "neutral", "skipped")


def latest(forge: Forge, repository: Document, sha: str, app: int | None = None) -> dict[str, str]:
    """Every context and check of a commit with its state: success, pending, failure or error.

    Args:
        forge: The server.
        repository: The repository.
        sha: The commit.
        app: Only what this App has reported; None for everybody.
    """
    known = [status for status in _statuses(forge, repository, sha) if app in (None, status.get("app_id"))]
    states = {status["context"]: status["state"] for status in known}
    for run in check_runs(forge, repository, sha):
        if app not in (None, run["app_id"]):
            continue
        passed = "success" if run["conclusion"] in PASSED else "failure"
        states[run["name"]] = passed if run["status"] == "completed" else "pending"
    return states


def _statuses(forge: Forge, repository: Document, sha: str) -> list[Document]:
    return forge.store.table("statuses").all(f"{repository['id']}/{sha}/")


def check_runs(forge: Forge, repository: Document, sha: str) -> list[Document]:
    """Check runs of a commit, oldest first."""
    runs = forge.store.table("check_runs")
    return [run for run in runs.all(f"{repository['id']}/") if run["head_sha"] == sha]


def record_check(
    forge: Forge,
    repository: Document,
    principal: Principal,
    *,
    name: str,
    head_sha: str,
    status: str,
    conclusion: str | None = None,
    check_id: int | None = None,
    details: dict[str, Any] | None = None,
) -> Document:
    """Creates a check run, or changes the one of that id, and tells everyone."""
    table = forge.store.table("check_runs")
    given = details or {}
    with forge.store.lock:
        run = table.get(f"{repository['id']}/{check_id}") if check_id is not None else None
        created = run is None
        if run is None:
            run = {"id": table.next_id(), "started_at": given.get("started_at") or now(), "creator": principal.login}
            run |= {"app_id": principal.app_id or ACTIONS_APP_ID, "completed_at": None, "output": {}, "external_id": ""}
        run |= {"name": name, "head_sha": head_sha, "status": status, "conclusion": conclusion}
        run |= {key: given[key] for key in ("details_url", "output", "external_id", "started_at") if key in given}
        if status == "completed":
            run["completed_at"] = given.get("completed_at") or run["completed_at"] or now()
        table.put(f"{repository['id']}/{run['id']}", run)
    publishing.emit(
        forge,
        repository,
        principal,
        "check_run",
        action="created" if created else "completed" if status == "completed" else "rerequested",
        ref=f"refs/heads/{repository['default_branch']}",
        sha=head_sha,
        payload={"check_run": check_view(forge, repository, run)},
    )
    _changed(forge, repository, head_sha)
    return run


def _changed(forge: Forge, repository: Document, sha: str) -> None:
    for watch in COMMIT_WATCHERS:
        watch(forge, repository, sha)


def check_view(forge: Forge, repository: Document, run: Document) -> dict[str, Any]:
    """A check run as GitHub shows it."""
    url = f"{forge.api_url}/repos/{repository['full_name']}/check-runs/{run['id']}"
    html = f"{forge.url}/{repository['full_name']}/runs/{run['id']}"
    output = mapping(run, "output")
    return {
        "id": run["id"],
        "node_id": f"CR_{run['id']}",
        "name": run["name"],
        "head_sha": run["head_sha"],
        "external_id": run.get("external_id", ""),
        "url": url,
        "html_url": html,
        "details_url": run.get("details_url") or html,
        "status": run["status"],
        "conclusion": run["conclusion"],
        "started_at": run["started_at"],
        "completed_at": run["completed_at"],
        "output": {
            "title": output.get("title"),
            "summary": output.get("summary"),
            "text": output.get("text"),
            "annotations_count": 0,
            "annotations_url": f"{url}/annotations",
        },
        "check_suite": {"id": run["id"]},
        "app": apps.shown(forge, run["app_id"], run["creator"].removesuffix("[bot]")),
        "pull_requests": [],
    }


def _status_view(request: Request, status: Document) -> dict[str, Any]:
    return {
        "url": f"{request.repository_url}/statuses/{status['sha']}",
        "id": status["id"],
        "node_id": f"SC_{status['id']}",
        "state": status["state"],
        "description": status["description"],
        "target_url": status["target_url"],
        "context": status["context"],
        "created_at": status["created_at"],
        "updated_at": status["created_at"],
        "avatar_url": "",
        "creator": accounts.simple(request.forge, status["creator"]),
    }


@route("POST", "/repos/{owner}/{repo}/statuses/{sha}", permission="statuses:write")
def create_status(request: Request) -> Answer:
    """Sets the state of one context of a commit."""
    forge, repository, given = request.forge, request.repository, request.data()
    sha = request.git.resolve(request.params["sha"])
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {request.params['sha']}")
    if request.required("state") not in STATES:
        raise invalid_field("Status", "state")
    check_length("Status", "description", given.get("description"), LONGEST_DESCRIPTION)
    table, context = forge.store.table("statuses"), given.get("context") or "default"
    of_commit = table.all(f"{repository['id']}/{sha}/")
    if sum(status["context"] == context for status in of_commit) >= MOST_OF_CONTEXT:
        text = f"This SHA and context has reached the maximum number of statuses ({MOST_OF_CONTEXT})"
        raise GitHubError(422, "Validation Failed", [{"resource": "Status", "code": "custom", "message": text}])
    status: Document = {
        "id": table.next_id(),
        "sha": sha,
        "state": given["state"],
        "context": context,
        "description": given.get("description"),
        "target_url": given.get("target_url"),
        "creator": request.principal.login,
        "app_id": request.principal.app_id,
        "created_at": now(),
    }
    table.put(f"{repository['id']}/{sha}/{status['id']}", status)
    payload = {name: status[name] for name in ("id", "sha", "state", "context", "description", "target_url")}
    head = f"refs/heads/{repository['default_branch']}"
    # Workflows that hear of it are those of the default branch, whatever commit it is about.
    newest = request.git.resolve(head) or ""
    publishing.emit(forge, repository, request.principal, "status", ref=head, sha=newest, payload=payload)
    _changed(forge, repository, sha)
    return 201, _status_view(request, status)


@route("GET", "/repos/{owner}/{repo}/commits/{ref:path}/statuses", permission="statuses:read")
def list_statuses(request: Request) -> Answer:
    """All statuses of a commit, newest first."""
    sha = commits.must_find(request.git, request.params["ref"])
    found = _statuses(request.forge, request.repository, sha)[::-1]
    return [_status_view(request, status) for status in found]


@route("GET", "/repos/{owner}/{repo}/commits/{ref:path}/status", permission="statuses:read")
def combined_status(request: Request) -> Answer:
    """The newest status of every context, and what they add up to."""
    sha = commits.must_find(request.git, request.params["ref"])
    newest = {status["context"]: status for status in _statuses(request.forge, request.repository, sha)}
    states = {status["state"] for status in newest.values()}
    state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
    return {
        "state": state,
        "sha": sha,
        "total_count": len(newest),
        "statuses": [_status_view(request, status) for status in newest.values()],
        "repository": repositories.view(request.forge, request.repository),
        "commit_url": f"{request.repository_url}/commits/{sha}",
        "url": f"{request.repository_url}/commits/{sha}/status",
    }


@route("POST", "/repos/{owner}/{repo}/check-runs", permission="checks:write")
def create_check(request: Request) -> Answer:
    """Creates a check run; only Apps may."""
    if not request.principal.is_integration:
        raise GitHubError(403, "You must authenticate via a GitHub App.")
    given = request.data()
    sha = request.git.resolve(str(request.required("head_sha")))
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {given['head_sha']}")
    status = given.get("status") or ("completed" if given.get("conclusion") else "queued")
    run = record_check(
        request.forge,
        request.repository,
        request.principal,
        name=str(request.required("name")),
        head_sha=sha,
        status=status,
        conclusion=given.get("conclusion"),
        details=given,
    )
    return 201, check_view(request.forge, request.repository, run)


def _check(request: Request) -> Document:
    table = request.forge.store.table("check_runs")
    run = table.get(f"{request.repository['id']}/{request.number('check_run_id')}")
    if run is None:
        raise not_found()
    return run


@route("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", permission="checks:read")
def read_check(request: Request) -> Answer:
    """One check run."""
    return check_view(request.forge, request.repository, _check(request))


@route("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", permission="checks:write")
def change_check(request: Request) -> Answer:
    """Changes a check run; only the App that made it may."""
    run, given = _check(request), request.data()
    if not request.principal.is_integration or run["app_id"] != request.principal.app_id:
        raise GitHubError(403, "Invalid app_id. Check run was not created by this app.")
    conclusion = given.get("conclusion", run["conclusion"])
    changed = record_check(
        request.forge,
        request.repository,
        request.principal,
        name=given.get("name") or run["name"],
        head_sha=run["head_sha"],
        status=given.get("status") or ("completed" if given.get("conclusion") else run["status"]),
        conclusion=conclusion,
        check_id=run["id"],
        details=given,
    )
    return check_view(request.forge, request.repository, changed)


@route("GET", "/repos/{owner}/{repo}/commits/{ref:path}/check-runs", permission="checks:read")
def list_checks(request: Request) -> Answer:
    """Check runs of a commit, newest first; of one name or status if asked."""
    sha = commits.must_find(request.git, request.params["ref"])
    runs = check_runs(request.forge, request.repository, sha)[::-1]
    for query, name in (("check_name", "name"), ("status", "status")):
        if query in request.query:
            runs = [run for run in runs if run[name] == request.query[query]]
    return Page([check_view(request.forge, request.repository, run) for run in runs], "check_runs")
