"""One job as a workflow of its own, which `act` can run."""

import itertools
from typing import Any

from sandbox.github.actions.contexts import step_contexts
from sandbox.github.actions.expressions import fold, fold_condition, quote, split
from sandbox.github.actions.shapes import is_mapping, mapping

Document = dict[str, Any]

RESULTS_STEP = "__results"
"""Id of the step added at the end, which writes down what the job answers."""

RESULTS_FILE = "SLIPWAY_JOB_RESULTS"
"""Environment variable that names the file it writes: name and value in turn, each ended by a NUL."""

LABEL = "ubuntu-latest"

_WRITE_RESULTS = """\
# `act` does not wait for the output of a step that failed.
[ "$SLIPWAY_JOB_STATUS" = success ] || sleep 0.3
for name in ${!SLIPWAY_RESULT_@}; do
  printf '%s\\0%s\\0' "${name#SLIPWAY_RESULT_}" "${!name}" >> "$SLIPWAY_JOB_RESULTS"
done
"""


def results_names(outputs: Document, url: Any) -> dict[str, str]:
    """Short name that the last step uses → `output:<name>` or `url`."""
    names = {str(number): f"output:{name}" for number, name in enumerate(outputs)}
    return names | ({"url": "url"} if url else {})


def job_workflow(
    *, name: str, event: str, job_id: str, job: Document, env: Document, defaults: Document, url: Any, known: Document
) -> Document:
    """The workflow file for one job.

    Args:
        name: What the workflow is called.
        event: The event that `act` is told.
        job_id: Key of the job.
        job: The job as the workflow says it.
        env: Variables of the workflow.
        defaults: Defaults of the workflow.
        url: The job's `environment.url`, which its steps may decide.
        known: Contexts that are decided by now.
    """
    decided = step_contexts(known)
    outputs: Document = job.get("outputs") or {}
    results = {
        f"SLIPWAY_RESULT_{number}": fold(value, decided)
        for number, value in zip(itertools.count(), outputs.values(), strict=False)
    }
    if url:
        results["SLIPWAY_RESULT_url"] = fold(url, decided)
    steps = [_step(step, decided) for step in job["steps"]]
    steps.append(
        {
            "id": RESULTS_STEP,
            "name": "Collect the results of the job",
            "if": "${{ always() }}",
            "shell": "bash",
            "working-directory": "/",
            "run": _WRITE_RESULTS,
            "env": results | {"SLIPWAY_JOB_STATUS": "${{ job.status }}"},
        }
    )
    synthesized: Document = {"name": job_id, "runs-on": LABEL, "steps": steps}
    variables = _protected(fold(env, decided)) | _protected(fold(job.get("env") or {}, decided))
    if variables:
        synthesized["env"] = variables
    merged = _merge_defaults(defaults, job.get("defaults") or {})
    if merged:
        synthesized["defaults"] = fold(merged, decided)
    return {"name": name, "on": event, "permissions": {}, "jobs": {job_id: synthesized}}


def _step(step: Document, decided: Document) -> Document:
    folded: Document = {name: fold(value, decided) for name, value in step.items() if name != "if"}
    if "name" not in step:
        lines = str(folded.get("run") or folded.get("uses") or "").strip().splitlines() or [""]
        # A first line that ends inside an expression would not be one.
        folded["name"] = f"Run {lines[0]}" if lines[0].count("${{") == lines[0].count("}}") else "Run script"
    if "if" in step:
        folded["if"] = fold_condition(step["if"], decided)
    return folded


def _protected(env: Any) -> Document:
    """Variables of a job, quoted once more.

    `act` evaluates them when the job starts and again for every step; on GitHub a value that looks like an expression
    stays what it is.
    """
    if not is_mapping(env):
        return {}
    return {
        name: quote(value) if isinstance(value, str) and _has_literal_expression(value) else value
        for name, value in env.items()
    }


def _has_literal_expression(value: str) -> bool:
    return any(dynamic and "${{" in part for dynamic, part in split(value))


def _merge_defaults(workflow: Document, job: Document) -> Document:
    run = {**mapping(workflow.get("run")), **mapping(job.get("run"))}
    return {"run": run} if run else {}
