"""A worker's part: from a job's document to its order, and through `act` to its outcome."""

from pathlib import Path
from typing import Any

from sandbox.github.actions import gates, permissions
from sandbox.github.actions.contexts import environment_variables
from sandbox.github.actions.expressions import ExpressionError, evaluate_template
from sandbox.github.actions.id_tokens import IdTokens, claims
from sandbox.github.actions.job_order import JobOrder
from sandbox.github.actions.jobfile import job_workflow
from sandbox.github.actions.joblog import JobLog
from sandbox.github.actions.masking import Masker
from sandbox.github.actions.parts import Control
from sandbox.github.actions.permissions import Permissions
from sandbox.github.actions.planner import Record
from sandbox.github.actions.runner import JobOutcome, RunningJob
from sandbox.github.actions.scopes import Scope
from sandbox.github.actions.shapes import is_mapping
from sandbox.github.actions.sources import SourceError
from sandbox.github.actions.workflow import Mapping, WorkflowError
from sandbox.github.core.store import Document

DEFAULT_MINUTES = 360.0

TOKEN_MARGIN = 600.0


class Work:
    """Runs jobs on the threads of the engine's workers."""

    def __init__(self, engine: Control) -> None:
        self._engine = engine
        self._id_tokens = IdTokens(engine.forge)

    def do(self, repository_id: int, job_id: int, running: dict[int, RunningJob]) -> JobOutcome | None:
        """Runs a job; None if it must not run any more.

        Args:
            repository_id: The repository of its run.
            job_id: The job.
            running: Where to enter it while it runs.
        """
        engine = self._engine
        job = engine.runs.job(repository_id, job_id)
        run = job and engine.runs.run(repository_id, job["run_id"])
        if not job or not run or not engine.started(job):
            return None
        gates.started(engine, run, job)
        token: str | None = None
        try:
            records = engine.runs.jobs(run)
            scope = engine.scopes.find(run, records, job["scope"])
            minutes = self._minutes(run, scope, job, records)
            token = self._token(run, scope, job, minutes)
            order = self._order(run, scope, job, records, token, minutes)
        except (WorkflowError, ExpressionError, SourceError) as error:
            self.say(repository_id, job_id, str(error))
            if token:
                engine.forge.revoke_token(token)
            return JobOutcome("failure")
        at_work = RunningJob(engine.host, order, lambda steps: self._progress(job, steps))
        running[job_id] = at_work
        if engine.must_stop(job):
            at_work.cancel()
        try:
            return at_work.run()
        finally:
            engine.forge.revoke_token(token)
            self._id_tokens.end(order.variables)

    def say(self, repository_id: int, job_id: int, message: str) -> None:
        """Puts an error into the log of a job that could not start."""
        job = self._engine.runs.job(repository_id, job_id)
        if job is not None:
            with JobLog(self.log_path(job), Masker()) as log:
                log.error(message)

    def log_path(self, job: Document) -> "Path":
        """Where a job's log is."""
        return (
            self._engine.directory
            / "logs"
            / str(job["repository_id"])
            / str(job["run_id"])
            / f"{job['log'] or job['id']}.log"
        )

    def _progress(self, job: Document, steps: list[Document]) -> None:
        self._engine.note(job, steps=steps)

    def _minutes(self, run: Document, scope: Scope, job: Document, records: list[Record]) -> float:
        given = scope.workflow.jobs[job["node"]].get("timeout-minutes")
        if given is None:
            return DEFAULT_MINUTES
        value = evaluate_template(given, self._engine.scopes.job_contexts(run, scope, job, records))
        try:
            return float(value)
        except (TypeError, ValueError):
            raise WorkflowError(f"timeout-minutes: {value!r} is not a number") from None

    def _permissions(self, run: Document, scope: Scope, job: Document) -> Permissions:
        scopes = self._engine.scopes
        return scopes.trust.permissions(run, scopes.permissions(scope, job["node"]))

    def _token(self, run: Document, scope: Scope, job: Document, minutes: float) -> str:
        allowed = self._permissions(run, scope, job)
        return self._engine.forge.issue_token(
            repository=run["repository"],
            permissions=permissions.for_token(allowed),
            lifetime_seconds=minutes * 60 + TOKEN_MARGIN,
            purpose=f"{run['name']}/{job['node']}",
        )

    def _order(
        self, run: Document, scope: Scope, job: Document, records: list[Record], token: str, minutes: float
    ) -> JobOrder:
        engine = self._engine
        definition: Mapping = scope.workflow.jobs[job["node"]]
        for unsupported in ("container", "services"):
            if definition.get(unsupported):
                raise WorkflowError(f"jobs.{job['node']}.{unsupported}: runners of the sandbox have no Docker engine")
        secrets = engine.scopes.secrets(run, scope, records)
        if job["environment"]:
            secrets = secrets | engine.scopes.environment_secrets(run, scope, job["environment"])
        secrets = {name.upper(): value for name, value in secrets.items()} | {"GITHUB_TOKEN": token}
        known = engine.scopes.job_contexts(run, scope, job, records, job["environment"])
        environment: Any = definition.get("environment")
        url = environment.get("url") if is_mapping(environment) else None
        payload = {**run["payload"]}
        variables = environment_variables(known["github"], job["node"])
        if self._permissions(run, scope, job).get("id-token") == "write":
            visibility = engine.scopes.repository(run["repository_id"])["visibility"]
            variables |= self._id_tokens.variables(claims(run, scope, job, known["github"], visibility))
        lent = engine.host.lent(run["repository"], engine.scopes.trust.environment_of(run, job["environment"]))
        return JobOrder(
            folder=engine.directory / "jobs" / str(job["id"]),
            log=self.log_path(job),
            cache=engine.directory / "caches" / str(run["repository_id"]),
            event=run["event"],
            actor=run["actor"],
            workflow=job_workflow(
                name=run["name"],
                event=run["event"],
                job_id=job["node"],
                job=definition,
                env=scope.workflow.env,
                defaults=scope.workflow.defaults,
                url=url,
                known=known,
            ),
            job_id=job["node"],
            payload=payload,
            variables=variables | (lent.variables if lent else {}),
            secrets=secrets,
            actions=engine.sources.actions(
                engine.scopes.repository(run["repository_id"]), run["sha"], definition["steps"]
            ),
            outputs=definition.get("outputs") or {},
            url=url,
            timeout_minutes=minutes,
            lent=lent,
            writes=lent is not None and lent.writes(job["environment"]),
        )
