"""Which engine serves which forge, and what the routes of Actions share."""

import weakref

from sandbox.github.actions.workflow_engine import WorkflowEngine
from sandbox.github.core.errors import not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Request
from sandbox.github.core.store import Document

_ENGINES: weakref.WeakKeyDictionary[Forge, WorkflowEngine] = weakref.WeakKeyDictionary()


def serve(engine: WorkflowEngine) -> None:
    """Has the routes ask this engine about its forge."""
    _ENGINES[engine.forge] = engine


def engine_of(request: Request) -> WorkflowEngine:
    """The engine of the forge that was asked."""
    return _ENGINES[request.forge]


def find_run(request: Request) -> Document:
    """The run that the path names.

    Raises:
        GitHubError: 404.
    """
    found = engine_of(request).runs.run(request.repository["id"], request.number("run_id"))
    if found is None:
        raise not_found()
    return found


def find_job(request: Request) -> Document:
    """The job that the path names.

    Raises:
        GitHubError: 404.
    """
    found = engine_of(request).runs.job(request.repository["id"], request.number("job_id"))
    if found is None or found["kind"] != "job":
        raise not_found()
    return found
