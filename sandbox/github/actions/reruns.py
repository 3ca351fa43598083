"""New attempts of runs that are complete."""

from sandbox.github.actions import planner
from sandbox.github.actions.runs import Runs
from sandbox.github.actions.scopes import Scopes
from sandbox.github.core.clock import now
from sandbox.github.core.store import Document

KEPT = ("status", "conclusion", "attempt", "run_started_at", "updated_at", "triggering_actor", "referenced_workflows")
"""What is remembered of an earlier attempt."""

ANEW: Document = {
    "status": "queued",
    "phase": "new",
    "conclusion": None,
    "cancelled": False,
    "problem": None,
    "outputs": {},
    "steps": [],
    "deployment_id": None,
    "waiting_since": None,
    "approved_by": None,
    "started_at": None,
    "completed_at": None,
}
"""A job that has yet to start."""


def new_attempt(runs: Runs, scopes: Scopes, run: Document, jobs: list[int] | None, login: str) -> Document:
    """Turns a complete run into one that starts again.

    Args:
        runs: Where it is kept.
        scopes: For the dependencies between its jobs.
        run: The run.
        jobs: Ids of the jobs to run again; None for all. What depends on them runs again too.
        login: The account that sends the request.
    """
    records = runs.jobs(run)
    run["previous"].append({name: run.get(name) for name in KEPT})
    run |= {
        "attempt": run["attempt"] + 1,
        "triggering_actor": login,
        "status": "queued",
        "conclusion": None,
        "cancelled": False,
        "run_started_at": now(),
    }
    if not records:
        # A run that never had a job failed as a whole; the reason may be gone by now.
        run["problem"] = None
    runs.put(run)
    redone = {record["place"] for record in records if record["kind"] == "job" and record["id"] in (jobs or ())}
    for record in _taken_over(scopes, run, records, redone) if redone else ():
        runs.put_job(record | {"id": runs.next_id(), "attempt": run["attempt"]})
    return run


def _taken_over(scopes: Scopes, run: Document, records: list[Document], redone: set[str]) -> list[Document]:
    """Records with which a new attempt begins: everything that neither runs again nor depends on what does."""
    late: set[str] = set()
    for path in {record["scope"] for record in records}:
        workflow = scopes.find(run, records, path).workflow
        here = [record for record in records if record["scope"] == path]
        touched = {record["node"] for record in here if _holds(record["place"], redone)}
        dependent = {node for node in workflow.jobs if planner.ancestors(workflow, node) & touched}
        late |= {record["place"] for record in here if record["node"] in dependent}
    kept: list[Document] = []
    for record in records:
        if any(record["place"] == place or record["place"].startswith(f"{place}/") for place in late):
            continue
        if record["place"] in redone:
            # One of several combinations starts again by itself; a job of its own is decided again, its `if` included.
            if record["total"] > 1:
                kept.append(record | ANEW)
        elif _holds(record["place"], redone):
            kept.append(record | {"status": "in_progress", "phase": "open", "conclusion": None, "completed_at": None})
        else:
            kept.append(record | {"log": record["log"] or record["id"]})
    return kept


def _holds(place: str, redone: set[str]) -> bool:
    """Whether a place is one of those that run again, or a call around one."""
    return any(other == place or other.startswith(f"{place}/") for other in redone)
