"""REST of workflow files, of dispatching them, and of deployments that wait for a review."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.actions import gates, presentation
from sandbox.github.actions.inputs import dispatched
from sandbox.github.actions.routes_runs import ACTIONS, RUN, filtered, shown_runs
from sandbox.github.actions.serving import engine_of, find_run
from sandbox.github.actions.shapes import is_mapping
from sandbox.github.actions.starting import paths
from sandbox.github.actions.workflow import FOLDER, Workflow, WorkflowError
from sandbox.github.core.errors import not_found, unprocessable
from sandbox.github.core.events import Event
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.deployments import environments
from sandbox.github.deployments.deployments import view as deployment_view
from sandbox.github.repositories import repositories

WORKFLOW = ACTIONS + "/workflows/{workflow}"


def _known(request: Request) -> list[Document]:
    """Workflow files of the default branch, and others that have run, oldest first."""
    engine, repository = engine_of(request), request.repository
    head = request.git.resolve(f"refs/heads/{repository['default_branch']}")
    for path in paths(request.git, head) if head else ():
        try:
            name = engine.scopes.workflow(repository, head or "", path).name
        except WorkflowError:
            name = None
        engine.runs.workflow(repository["id"], path, name)
    return engine.runs.workflows(repository["id"])


def _find(request: Request) -> Document:
    wanted = request.params["workflow"]
    for entry in _known(request):
        if wanted in (str(entry["id"]), entry["path"], entry["path"].removeprefix(FOLDER)):
            return entry
    raise not_found()


@route("GET", ACTIONS + "/workflows", permission="actions:read")
def list_workflows(request: Request) -> Answer:
    """Workflow files of a repository."""
    shown = [presentation.workflow(request.forge, request.repository, entry) for entry in _known(request)]
    return Page(shown, "workflows")


@route("GET", WORKFLOW, permission="actions:read")
def read_workflow(request: Request) -> Answer:
    """One workflow file, by id or file name."""
    return presentation.workflow(request.forge, request.repository, _find(request))


@route("PUT", WORKFLOW + "/enable", permission="actions:write")
def enable_workflow(request: Request) -> Answer:
    """Lets a workflow run again."""
    _change(request, "active")
    return None


@route("PUT", WORKFLOW + "/disable", permission="actions:write")
def disable_workflow(request: Request) -> Answer:
    """Keeps a workflow from running."""
    _change(request, "disabled_manually")
    return None


def _change(request: Request, state: str) -> None:
    """In its turn: an event that came before is looked at with the state of then."""
    engine, entry = engine_of(request), _find(request)
    engine.decisions.ask(lambda: engine.runs.change_workflow(entry, state=state))


@route("GET", WORKFLOW + "/runs", permission="actions:read")
def list_runs_of_workflow(request: Request) -> Answer:
    """Runs of one workflow file, newest first."""
    entry = _find(request)
    runs = engine_of(request).runs.of_repository(request.repository["id"])
    return shown_runs(request, filtered(request, [run for run in runs if run["workflow_id"] == entry["id"]]))


@route("POST", WORKFLOW + "/dispatches", permission="actions:write")
def dispatch(request: Request) -> Answer:
    """Starts a workflow by hand. The file is taken from the ref; the default branch must know it."""
    engine, entry, repository = engine_of(request), _find(request), request.repository
    ref, sha = _ref(request, str(request.required("ref")))
    if entry["state"] != "active":
        raise unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    default = request.git.resolve(f"refs/heads/{repository['default_branch']}")
    if default is None or request.git.read(default, entry["path"]) is None:
        raise not_found()
    try:
        workflow = engine.scopes.workflow(repository, sha, entry["path"])
    except WorkflowError as error:
        raise unprocessable(f"{entry['path']}: {error}") from error
    typed, texts = _inputs(request, workflow)
    payload: dict[str, Any] = {
        "inputs": texts or None,
        "ref": ref,
        "workflow": entry["path"],
        "typed_inputs": typed,
        "sender": accounts.simple(request.forge, request.principal.login),
        "repository": _repository_view(request),
    }
    engine.receive(
        Event(
            repository=repository["full_name"],
            name="workflow_dispatch",
            action=None,
            ref=ref,
            sha=sha,
            actor=request.principal.login,
            payload=payload,
            from_workflow_token=request.principal.from_workflow,
        )
    )
    return None


def _repository_view(request: Request) -> dict[str, Any]:
    return repositories.view(request.forge, request.repository)


def _ref(request: Request, name: str) -> tuple[str, str]:
    """The full ref of a branch or tag, and its commit."""
    candidates = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}"]
    for candidate in candidates:
        if candidate.startswith(("refs/heads/", "refs/tags/")) and (sha := request.git.resolve(candidate)):
            return candidate, sha
    raise unprocessable(f"No ref found for: {name}")


def _inputs(request: Request, workflow: Workflow) -> tuple[dict[str, Any], dict[str, Any]]:
    if "workflow_dispatch" not in workflow.on:
        raise unprocessable("Workflow does not have 'workflow_dispatch' trigger")
    given: Any = request.data().get("inputs") or {}
    if not is_mapping(given):
        raise unprocessable("Invalid request.\n\nFor 'properties/inputs', is not an object.")
    known = request.forge.store.table("environments").all(f"{request.repository['id']}/")
    try:
        return dispatched(
            workflow.on["workflow_dispatch"].get("inputs") or {},
            given,
            [environment["name"] for environment in known],
        )
    except WorkflowError as error:
        raise unprocessable(str(error)) from error


@route("GET", RUN + "/pending_deployments", permission="actions:read")
def list_pending(request: Request) -> Answer:
    """Environments whose protection a run waits for."""
    return gates.pending(engine_of(request), find_run(request), request.principal.login)


@route("POST", RUN + "/pending_deployments", permission="deployments:read")
def review_pending(request: Request) -> Answer:
    """Approves or rejects deployments that wait for a review."""
    engine, run = engine_of(request), find_run(request)
    ids, state = request.required("environment_ids"), request.required("state")
    comment = request.required("comment") if "comment" not in request.data() else str(request.data()["comment"])
    if state not in ("approved", "rejected"):
        raise unprocessable(f'Invalid request.\n\n{state} is not a member of ["approved", "rejected"].')
    numbers = [int(number) for number in ids]
    login = request.principal.login
    reviewed = engine.decisions.ask(
        lambda: engine.approve(engine.runs.run(run["repository_id"], run["id"]) or run, numbers, login, state, comment)
    )
    table = request.forge.store.table("deployments")
    found = (table.get(f"{request.repository['id']}/{job['deployment_id']}") for job in reviewed)
    return [deployment_view(request.forge, request.repository, one) for one in found if one]


@route("GET", RUN + "/approvals", permission="actions:read")
def list_approvals(request: Request) -> Answer:
    """Reviews of a run's deployments."""
    shown: list[dict[str, Any]] = []
    for entry in find_run(request)["approvals"]:
        named = (environments.find(request.forge, request.repository, name) for name in entry["environments"])
        shown.append(
            {
                "environments": [environments.view(request.forge, request.repository, one) for one in named if one],
                "state": entry["state"],
                "user": accounts.simple(request.forge, entry["user"]),
                "comment": entry["comment"],
            }
        )
    return shown


@route("GET", RUN + "/artifacts", permission="actions:read")
def list_artifacts(request: Request) -> Answer:
    """Artifacts of a run: none, since the sandbox keeps none."""
    find_run(request)
    return Page([], "artifacts")
