"""Jobs that call a reusable workflow."""

from sandbox.github.actions import inputs
from sandbox.github.actions.expressions import evaluate_template
from sandbox.github.actions.parts import Parts
from sandbox.github.actions.scopes import LEVELS, Scope
from sandbox.github.actions.sources import Reference, SourceError
from sandbox.github.actions.workflow import FOLDER, Mapping, WorkflowError
from sandbox.github.core.store import Document


def open_call(engine: Parts, run: Document, scope: Scope, job: Document) -> Document:
    """Finds the called workflow and fixes what it is given.

    Raises:
        WorkflowError: it is not there, may not be used, or is given the wrong things.
    """
    definition = scope.workflow.jobs[job["node"]]
    uses = str(definition["uses"])
    try:
        repository, sha, path, ref = _locate(engine, run, scope, uses)
        if scope.depth >= LEVELS:
            raise WorkflowError(f"workflows may call each other at most {LEVELS} levels deep")
        workflow = engine.scopes.workflow(repository, sha, path)
        if "workflow_call" not in workflow.on:
            raise WorkflowError("workflow is not reusable as it is missing a `on.workflow_call` trigger")
        records = engine.runs.jobs(run)
        contexts = engine.scopes.job_contexts(run, scope, job, records)
        given: Mapping = evaluate_template(definition.get("with") or {}, contexts)
        values = inputs.of_called_workflow(workflow.call.get("inputs") or {}, given)
        inputs.check_secrets(workflow.call.get("secrets") or {}, definition.get("secrets"))
    except (WorkflowError, SourceError) as error:
        raise WorkflowError(f'error parsing called workflow "{uses}": {error}') from error
    full_ref = engine.sources.full_ref(repository, ref)
    name = f"{repository['full_name']}/{path}@{full_ref}"
    source = {"repository_id": repository["id"], "sha": sha, "path": path, "ref": name}
    job = engine.note(
        job,
        phase="open",
        status="in_progress",
        source=source,
        inputs=values,
        permissions=engine.scopes.permissions(scope, job["node"]),
    )
    _refer(engine, run, {"path": f"{repository['full_name']}/{path}@{ref}", "sha": sha, "ref": ref})
    return job


def _locate(engine: Parts, run: Document, scope: Scope, uses: str) -> tuple[Document, str, str, str]:
    """Repository, commit, path and ref of the workflow that `uses` names."""
    if uses.startswith("./"):
        path = uses[2:]
        repository, sha, ref = scope.repository, scope.sha, scope.sha
    else:
        reference = Reference.parse(uses)
        path, ref = reference.path, reference.ref
        located = engine.sources.commit(engine.scopes.repository(run["repository_id"]), reference.repository, ref)
        if located is None:
            raise WorkflowError("workflow was not found. See https://docs.github.com/actions/how-tos/reuse-automations")
        repository, sha = located
    if not path.startswith(FOLDER) or "/" in path.removeprefix(FOLDER) or not path.endswith((".yml", ".yaml")):
        raise WorkflowError(f"invalid workflow reference: reusable workflows lie directly in {FOLDER}")
    return repository, sha, path, ref


def _refer(engine: Parts, run: Document, entry: Document) -> None:
    kept = engine.runs.run(run["repository_id"], run["id"])
    if kept is not None and entry not in kept["referenced_workflows"]:
        kept["referenced_workflows"].append(entry)
        run["referenced_workflows"] = kept["referenced_workflows"]
        engine.runs.put(kept)
