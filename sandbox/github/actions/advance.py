"""The decisions about a run: which of its jobs exist, wait, run, are skipped, and what became of the whole."""

from typing import Any

from sandbox.github.actions import announce, calls, gates, planner
from sandbox.github.actions.concurrency import claim
from sandbox.github.actions.expressions import ExpressionError, evaluate_template, to_text
from sandbox.github.actions.parts import Control
from sandbox.github.actions.planner import Expansion, Instance, by_node
from sandbox.github.actions.scopes import Scope
from sandbox.github.actions.shapes import is_mapping
from sandbox.github.actions.sources import SourceError
from sandbox.github.actions.workflow import Mapping, WorkflowError, as_list, order
from sandbox.github.core.clock import now
from sandbox.github.core.store import Document

ACTIVE = ("blocked", "gated", "ready", "running", "open")
"""Phases of a job that counts towards its matrix's `max-parallel`."""


class Advance:
    """Takes decisions from documents alone, so that it does not matter when or how often it is called."""

    def __init__(self, engine: Control) -> None:
        self._engine = engine
        self._runs = engine.runs

    def run(self, run: Document) -> None:
        """Takes every decision that can be taken now."""
        if not self._engine.has_turn(run):
            return
        if run["problem"]:
            self._end(run, "startup_failure")
            return
        try:
            top = self._engine.scopes.top(run)
            while self._scope(run, top):
                pass
        except (WorkflowError, ExpressionError, SourceError) as error:
            self.fail(run, str(error))
            return
        jobs = self._runs.jobs(run)
        here = [job for job in jobs if job["scope"] == ""]
        conclusion = planner.conclusion_of(top.workflow, here, cancelled=run["cancelled"])
        if conclusion is not None and not any(job["phase"] == "running" for job in jobs):
            self._end(run, conclusion)
        else:
            self._show_status(run, jobs)

    def fail(self, run: Document, problem: str) -> None:
        """Ends a run that cannot go on as its workflow is written."""
        run["problem"] = problem
        self._runs.put(run)
        for job in self._runs.jobs(run):
            if job["status"] != "completed" and job["kind"] == "job":
                running = job["phase"] == "running"
                if running:
                    self._engine.cancel_job(job["repository_id"], job["id"])
                else:
                    self.complete(run, job, "cancelled")
        self._end(run, "startup_failure")

    def _show_status(self, run: Document, jobs: list[Document]) -> None:
        leaves = [job for job in jobs if job["kind"] == "job"]
        if any(job["status"] == "in_progress" for job in leaves):
            status = "in_progress"
        elif any(job["status"] == "waiting" for job in leaves):
            status = "waiting"
        else:
            open_ones = {job["status"] for job in leaves if job["status"] != "completed"}
            status = "pending" if open_ones == {"pending"} else "in_progress" if leaves else "queued"
        if run["status"] != status:
            run["status"] = status
            self._runs.put(run)

    def _end(self, run: Document, conclusion: str) -> None:
        run |= {"status": "completed", "conclusion": conclusion}
        self._runs.put(run)
        self._engine.release(run["repository_id"], ("run", run["id"]))
        announce.run(self._engine.forge, run, "completed")

    # scopes and jobs

    def _scope(self, run: Document, scope: Scope) -> bool:
        """One pass over a workflow; says whether something changed that others may depend on."""
        changed = False
        cancelled = bool(run["cancelled"] or (scope.call or {}).get("cancelled"))
        for node in order(scope.workflow.jobs):
            here = [job for job in self._runs.jobs(run) if job["scope"] == scope.path]
            grouped = by_node(here)
            if planner.is_ready(scope.workflow, node, grouped):
                self._decide(run, scope, node, grouped, cancelled=cancelled)
                changed = True
                continue
            for job in grouped.get(node, ()):
                if job["status"] == "completed":
                    continue
                if job["kind"] == "call":
                    changed |= self._call(run, scope, job)
                else:
                    changed |= self._admit(run, job)
        return changed

    def _decide(
        self, run: Document, scope: Scope, node: str, grouped: dict[str, list[Document]], *, cancelled: bool
    ) -> None:
        contexts = self._engine.scopes.contexts(run, scope)
        contexts = contexts | {"needs": planner.needs_context(scope.workflow, node, grouped)}
        status = planner.status_of(scope.workflow, node, grouped, cancelled=cancelled)
        try:
            expansion = planner.expand(scope.workflow, node, contexts, status)
        except ExpressionError as error:
            failed = Expansion([Instance(0, 1, {}, node, continue_on_error=False)])
            job = self._make(run, scope, node, failed, failed.instances[0], contexts)
            self.complete(run, job, "failure", problem=str(error))
            return
        if expansion.skipped:
            name = to_text(scope.workflow.jobs[node].get("name") or node)
            instance = Instance(0, 1, {}, node if "${{" in name else name, continue_on_error=False)
            job = self._make(run, scope, node, expansion, instance, contexts)
            self.complete(run, job, "skipped")
            return
        for instance in expansion.instances:
            self._make(run, scope, node, expansion, instance, contexts)

    def _make(
        self, run: Document, scope: Scope, node: str, expansion: Expansion, instance: Instance, contexts: Mapping
    ) -> Document:
        definition = scope.workflow.jobs[node]
        place = node if instance.total == 1 and not instance.matrix else f"{node}[{instance.index}]"
        name = f"{scope.call['name']} / {instance.name}" if scope.call else instance.name
        job: Document = {
            "id": self._runs.next_id(),
            "run_id": run["id"],
            "repository": run["repository"],
            "repository_id": run["repository_id"],
            "attempt": run["attempt"],
            "scope": scope.path,
            "place": f"{scope.path}/{place}" if scope.path else place,
            "node": node,
            "kind": "call" if "uses" in definition else "job",
            "name": name,
            "status": "queued",
            "phase": "new",
            "conclusion": None,
            "cancelled": False,
            "problem": None,
            "matrix": instance.matrix,
            "index": instance.index,
            "total": instance.total,
            "max_parallel": expansion.max_parallel,
            "fail_fast": expansion.fail_fast,
            "continue_on_error": instance.continue_on_error,
            "outputs": {},
            "steps": [],
            "labels": [],
            "environment": None,
            "environment_url": None,
            "deployment_id": None,
            "waiting_since": None,
            "concurrency": None,
            "created_at": now(),
            "started_at": None,
            "completed_at": None,
            "check_id": None,
            "log": None,
        }
        if job["kind"] == "job":
            job["check_id"] = announce.new_check(self._engine.forge, run, name)
        self._runs.put_job(job)
        if not expansion.skipped:
            try:
                self._describe(run, job, definition, contexts)
            except (ExpressionError, WorkflowError) as error:
                self.complete(run, job, "failure", problem=str(error))
        return job

    def _describe(self, run: Document, job: Document, definition: Mapping, contexts: Mapping) -> None:
        """What is decided when a job comes into being: labels, environment, concurrency."""
        known = contexts | planner.instance_contexts(job["matrix"], job["index"], job["total"], definition)
        if job["kind"] == "job":
            runs_on: Any = evaluate_template(definition["runs-on"], known)
            job["labels"] = as_list(runs_on.get("labels")) if is_mapping(runs_on) else as_list(runs_on)
            environment: Any = definition.get("environment")
            if is_mapping(environment):
                environment = environment.get("name")
            job["environment"] = to_text(evaluate_template(environment, known)) or None
        wanted = claim(run["repository_id"], evaluate_template(definition.get("concurrency"), known))
        job["concurrency"] = wanted.document() if wanted else None
        self._runs.put_job(job)

    def _has_turn(self, run: Document, job: Document) -> bool:
        """Whether a job may go on as far as its matrix and its concurrency group are concerned."""
        if job["phase"] == "new":
            siblings = [
                other
                for other in self._runs.jobs(run)
                if other["scope"] == job["scope"] and other["node"] == job["node"] and other["phase"] in ACTIVE
            ]
            if job["max_parallel"] and len(siblings) >= job["max_parallel"]:
                return False
        wanted = claim(run["repository_id"], job["concurrency"])
        if wanted and not self._engine.acquire(("job", job["id"]), wanted):
            present = self._runs.job(job["repository_id"], job["id"])
            if present and present["status"] != "completed":
                self._engine.note(job, phase="blocked", status="pending")
            return False
        return True

    def _admit(self, run: Document, job: Document) -> bool:
        """Brings a job as far towards its start as it may go; says whether it ended instead."""
        if job["phase"] in ("ready", "running"):
            return False
        if not self._has_turn(run, job):
            return self._is_complete(job)
        if job["phase"] != "gated":
            job = self._engine.note(job, phase="gated")
        verdict = gates.check(self._engine, run, job)
        if verdict.problem:
            self.complete(run, job, "failure", problem=verdict.problem)
            return True
        if not verdict.open:
            if job["status"] != "waiting":
                job = self._engine.note(job, status="waiting")
                announce.job(self._engine.forge, run, job, "waiting")
            return False
        job = self._engine.note(job, phase="ready", status="queued")
        announce.job(self._engine.forge, run, job, "queued")
        self._engine.execute(run, job)
        return False

    def _is_complete(self, job: Document) -> bool:
        present = self._runs.job(job["repository_id"], job["id"])
        return present is not None and present["status"] == "completed"

    def _call(self, run: Document, scope: Scope, job: Document) -> bool:
        """Takes the decisions within a called workflow; says whether it ended."""
        if job["phase"] in ("new", "blocked"):
            if not self._has_turn(run, job):
                return self._is_complete(job)
            job = calls.open_call(self._engine, run, scope, job)
        inner = self._engine.scopes.nested(scope, job)
        while self._scope(run, inner):
            pass
        records = [other for other in self._runs.jobs(run) if other["scope"] == inner.path]
        cancelled = bool(run["cancelled"] or job["cancelled"])
        conclusion = planner.conclusion_of(inner.workflow, records, cancelled=cancelled)
        if conclusion is None:
            return False
        contexts = self._engine.scopes.contexts(run, inner)
        self.complete(run, job, conclusion, outputs=planner.call_outputs(inner.workflow, contexts, records))
        return True

    def complete(
        self,
        run: Document,
        job: Document,
        conclusion: str,
        *,
        outputs: dict[str, str] | None = None,
        url: str | None = None,
        steps: list[Document] | None = None,
        problem: str | None = None,
    ) -> None:
        """Ends a job, unless it has ended."""
        if self._is_complete(job):
            return
        job = self._engine.note(
            job,
            status="completed",
            phase="done",
            conclusion=conclusion,
            completed_at=now(),
            outputs=outputs or {},
            problem=problem,
            environment_url=url,
            **({"steps": steps} if steps is not None else {}),
        )
        if problem:
            self._engine.say(job, problem)
        self._engine.release(run["repository_id"], ("job", job["id"]))
        gates.finished(self._engine, run, job)
        announce.job(self._engine.forge, run, job, "completed")
        if conclusion in planner.FAILED and job["fail_fast"] and not job["continue_on_error"] and job["total"] > 1:
            for other in self._runs.jobs(run):
                same = other["scope"] == job["scope"] and other["node"] == job["node"]
                if same and other["status"] != "completed":
                    self._engine.cancel_job(other["repository_id"], other["id"])
