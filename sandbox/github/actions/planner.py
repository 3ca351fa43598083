"""What becomes of the jobs of one workflow, given what already became of others. Pure: records in, decisions out.

A record is a dict with at least `node` (the job's key), `status`, `conclusion`, `outputs`, `continue_on_error`; a job
with a matrix has one for each combination.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.github.actions import matrix
from sandbox.github.actions.expressions import (
    ExpressionError,
    Status,
    evaluate_condition,
    evaluate_template,
    is_truthy,
    to_text,
)
from sandbox.github.actions.shapes import mapping
from sandbox.github.actions.workflow import Mapping, Workflow

Record = dict[str, Any]

FAILED = frozenset({"failure", "timed_out", "startup_failure"})


@dataclass(frozen=True)
class Instance:
    """One job to run: a job of the workflow with one combination of its matrix."""

    index: int
    total: int
    matrix: Mapping
    name: str
    continue_on_error: bool


@dataclass(frozen=True)
class Expansion:
    """What a job became: instances to run, or none because it is skipped."""

    instances: list[Instance]
    fail_fast: bool = True
    max_parallel: int | None = None

    @property
    def skipped(self) -> bool:
        return not self.instances


def result_of(records: Iterable[Record]) -> str | None:
    """What `needs.<job>.result` says of a job's records; None while one of them is not complete."""
    listed = list(records)
    if not listed or any(record["status"] != "completed" for record in listed):
        return None
    conclusions = {_tolerated(record) for record in listed}
    for worst in ("failure", "cancelled", "success"):
        if worst in conclusions:
            return worst
    return "skipped"


def _tolerated(record: Record) -> str:
    conclusion = record["conclusion"]
    if conclusion in FAILED:
        return "success" if record.get("continue_on_error") else "failure"
    return conclusion


def outputs_of(records: Iterable[Record]) -> dict[str, str]:
    """The outputs of a job; of a matrix, whatever its combinations said last."""
    merged: dict[str, str] = {}
    for record in sorted(records, key=lambda record: record.get("completed_at") or ""):
        merged |= {name: value for name, value in mapping(record.get("outputs")).items() if value or name not in merged}
    return merged


def ancestors(workflow: Workflow, job: str) -> set[str]:
    """All jobs that must be complete before this one, through others too."""
    found: set[str] = set()
    waiting = list(workflow.jobs[job]["needs"])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += workflow.jobs[name]["needs"]
    return found


def by_node(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Records by the job they belong to."""
    grouped: dict[str, list[Record]] = {}
    for record in records:
        grouped.setdefault(record["node"], []).append(record)
    return grouped


def is_ready(workflow: Workflow, job: str, grouped: dict[str, list[Record]]) -> bool:
    """Whether a job can be decided: it is not yet, and everything it needs is complete."""
    return job not in grouped and all(result_of(grouped.get(name, ())) for name in workflow.jobs[job]["needs"])


def needs_context(workflow: Workflow, job: str, grouped: dict[str, list[Record]]) -> Mapping:
    """The `needs` context of a job."""
    return {
        name: {"result": result_of(grouped.get(name, ())), "outputs": outputs_of(grouped.get(name, ()))}
        for name in workflow.jobs[job]["needs"]
    }


def status_of(workflow: Workflow, job: str, grouped: dict[str, list[Record]], *, cancelled: bool) -> Status:
    """What the status functions say in a job's `if`: they look at all ancestors, not at the direct needs alone."""
    results = [result_of(grouped.get(name, ())) for name in ancestors(workflow, job)]
    return Status(
        success=all(result == "success" for result in results),
        failure="failure" in results,
        cancelled=cancelled,
    )


def expand(workflow: Workflow, job: str, contexts: Mapping, status: Status) -> Expansion:
    """Decides a job: skipped, or which instances of it run.

    Args:
        workflow: The workflow.
        job: Key of the job.
        contexts: `github`, `inputs`, `vars` and `needs`.
        status: What the status functions answer.

    Raises:
        ExpressionError: something of the job cannot be evaluated.
    """
    definition = workflow.jobs[job]
    if not evaluate_condition(definition.get("if"), contexts, status):
        return Expansion([])
    strategy: Any = definition.get("strategy") or {}
    if "matrix" not in strategy:
        return Expansion([_instance(job, definition, contexts, 0, 1, {}, named=False)])
    evaluated = evaluate_template(strategy, contexts)
    combinations = matrix.expand(evaluated["matrix"])
    instances = [
        _instance(job, definition, contexts, index, len(combinations), combination, named="name" in definition)
        for index, combination in enumerate(combinations)
    ]
    limit = evaluated.get("max-parallel")
    return Expansion(
        instances,
        fail_fast=is_truthy(evaluated.get("fail-fast", True)),
        max_parallel=int(limit) if limit else None,
    )


def _instance(
    job: str, definition: Mapping, contexts: Mapping, index: int, total: int, combination: Mapping, *, named: bool
) -> Instance:
    known = contexts | instance_contexts(combination, index, total, definition)
    name = to_text(evaluate_template(definition.get("name") or job, known))
    if combination and not (named and "matrix" in str(definition.get("name"))):
        name += matrix.label(combination)
    tolerated = is_truthy(evaluate_template(definition.get("continue-on-error", False), known))
    return Instance(index, total, combination, name, tolerated)


def instance_contexts(combination: Mapping, index: int, total: int, definition: Mapping) -> Mapping:
    """The `matrix` and `strategy` contexts of one instance."""
    strategy: Any = definition.get("strategy") or {}
    limit = strategy.get("max-parallel")
    return {
        "matrix": combination,
        "strategy": {
            "fail-fast": strategy.get("fail-fast", True) is not False,
            "job-index": index,
            "job-total": total,
            "max-parallel": limit if isinstance(limit, int) else total,
        },
    }


def conclusion_of(workflow: Workflow, records: Iterable[Record], *, cancelled: bool) -> str | None:
    """What became of a whole workflow; None while a job is undecided or not complete."""
    grouped = by_node(records)
    results = [result_of(grouped.get(job, ())) for job in workflow.jobs]
    if None in results:
        return None
    if cancelled or "cancelled" in results:
        return "cancelled" if cancelled or "failure" not in results else "failure"
    if "failure" in results:
        return "failure"
    return "success" if "success" in results else "skipped"


def call_outputs(workflow: Workflow, contexts: Mapping, records: Iterable[Record]) -> dict[str, str]:
    """The outputs of a called workflow, from the outputs of its jobs."""
    grouped = by_node(records)
    jobs = {
        job: {"result": result_of(grouped.get(job, ())), "outputs": outputs_of(grouped.get(job, ()))}
        for job in workflow.jobs
    }
    declared: Mapping = workflow.call.get("outputs") or {}
    values: dict[str, str] = {}
    for name, output in declared.items():
        try:
            values[name] = to_text(evaluate_template(mapping(output).get("value"), contexts | {"jobs": jobs}))
        except ExpressionError:
            values[name] = ""
    return values
