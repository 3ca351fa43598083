"""GitHub Actions for the sandbox's GitHub: which workflows an event starts, what their jobs are given, and their runs.

`triggers`, `expressions`, `matrix` and `planner` are pure; `workflow_engine` keeps the runs, `runner` runs one job with
`act` in a `jail`, and the `routes_*` modules answer the REST API.
"""

from sandbox.github.actions import routes_runs, routes_schedules, routes_workflows, serving
from sandbox.github.actions.workflow_engine import WorkflowEngine
from sandbox.github.core.forge import Forge

ROUTE_MODULES = (routes_runs, routes_schedules, routes_workflows)
"""Their import registers the routes."""


def install(forge: Forge) -> None:
    """Starts running workflows for a forge."""
    engine = WorkflowEngine(forge)
    serving.serve(engine)
    engine.start()
