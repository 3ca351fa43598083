"""Keeps runs going: one thread decides, workers run the jobs.

Every decision about a run is taken on the engine's own thread, one after the other, from the documents of the run; so
a killed server continues where the documents say it was. A job that was at work then is run again from its start: jobs
run at least once.
"""

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor

from sandbox.github.actions import announce, gates, reruns, starting
from sandbox.github.actions.advance import Advance
from sandbox.github.actions.concurrency import Claim, Concurrency, Holder, claim
from sandbox.github.actions.host import Host
from sandbox.github.actions.parts import Control
from sandbox.github.actions.runner import JobOutcome, RunningJob
from sandbox.github.actions.trust import HELD
from sandbox.github.actions.work import Work
from sandbox.github.core.clock import now
from sandbox.github.core.events import Event
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document

logger = logging.getLogger(__name__)


class WorkflowEngine(Control):
    """The running side of Actions."""

    def __init__(self, forge: Forge, host: Host | None = None) -> None:
        super().__init__(forge, host)
        self.concurrency = Concurrency()
        self._advance = Advance(self)
        self._work = Work(self)
        self._workers = ThreadPoolExecutor(self.host.jobs, thread_name_prefix="job")
        self._running: dict[int, RunningJob] = {}

    # life

    def start(self) -> None:
        """Takes up what an earlier server left, then listens."""
        # Left by jobs of a server that was killed.
        shutil.rmtree(self.directory / "jobs", ignore_errors=True)
        self._workers.submit(self.host.prepare)
        self.decisions.start()
        self.decisions.post(self._recover)
        self.forge.events.subscribe(self.receive)
        self.forge.at_close(self.close)

    def close(self) -> None:
        """Ends all running jobs; they run again when a server starts on the same state."""
        self.decisions.closing = True
        for running in list(self._running.values()):
            running.kill()
        self._workers.shutdown(wait=True, cancel_futures=True)
        self.decisions.end()

    # events

    def receive(self, event: Event) -> None:
        """Notes an event, so that it is not lost, and has it looked at."""
        for heard in starting.heard(self, event):
            self._note(heard)

    def _note(self, event: Event) -> None:
        number = self.runs.next_id()
        self.runs.inbox.put(number, vars(event))
        self.decisions.post(lambda: self._open(number))

    def _open(self, number: int) -> None:
        noted = self.runs.inbox.get(number)
        if noted is None:
            return
        try:
            for run in starting.runs_of(self, Event(**noted)):
                self.begin(run)
        finally:
            self.runs.inbox.delete(number)

    def _recover(self) -> None:
        active = [run for run in self.runs.all() if run["status"] != "completed"]
        for run in sorted(active, key=lambda run: (run["status"] == "pending", run["id"])):
            self._reclaim(run)
        for number in self.runs.inbox.keys():  # noqa: SIM118 -- a method, not a mapping's
            self._open(int(number))
        for run in active:
            self.advance(run["repository_id"], run["id"])

    def _reclaim(self, run: Document) -> None:
        """Gives a run and its jobs the turns back that they had, and queues jobs that were at work."""
        if wanted := claim(run["repository_id"], run["concurrency"]):
            self.concurrency.acquire(("run", run["id"]), wanted)
        for job in self.runs.jobs(run):
            if job["status"] == "completed":
                continue
            if job["kind"] == "job" and job["phase"] in ("running", "ready"):
                self.runs.update_job(job, lambda kept: kept.update(phase="gated", status="queued", steps=[]))
            turn = job["phase"] in ("running", "ready", "gated") or job["kind"] == "call"
            wanted = claim(run["repository_id"], job["concurrency"])
            if turn and wanted:
                self.concurrency.acquire(("job", job["id"]), wanted)

    # decisions

    def begin(self, run: Document) -> None:
        """Starts a run that was just made, or a new attempt of one."""
        announce.run(self.forge, run, "requested")
        if run["conclusion"] == HELD:
            announce.run(self.forge, run, "completed")
            return
        self._admit(run)

    def release_held(self, run: Document) -> None:
        """Starts a run that has waited for a maintainer."""
        run |= {"status": "queued", "conclusion": None}
        self.runs.put(run)
        self._admit(run)

    def _admit(self, run: Document) -> None:
        wanted = None if run["problem"] else claim(run["repository_id"], run["concurrency"])
        if wanted and not self.acquire(("run", run["id"]), wanted):
            run = self.runs.run(run["repository_id"], run["id"]) or run
            if run["status"] == "queued":
                run["status"] = "pending"
                self.runs.put(run)
            return
        self.advance(run["repository_id"], run["id"])

    def acquire(self, holder: Holder, wanted: Claim) -> bool:
        granted, removed = self.concurrency.acquire(holder, wanted)
        for kind, number in removed:
            if kind == "run":
                self.cancel_run(wanted.repository_id, number)
            else:
                self.cancel_job(wanted.repository_id, number)
        return granted

    def release(self, repository_id: int, holder: Holder) -> None:
        following = self.concurrency.release(holder)
        if following is None:
            return
        kind, number = following
        job = self.runs.job(repository_id, number) if kind == "job" else None
        run_id = job["run_id"] if job else number
        self.decisions.post(lambda: self.advance(repository_id, run_id))

    def has_turn(self, run: Document) -> bool:
        wanted = claim(run["repository_id"], run["concurrency"])
        return wanted is None or run["cancelled"] or self.acquire(("run", run["id"]), wanted)

    def advance(self, repository_id: int, run_id: int) -> None:
        run = self.runs.run(repository_id, run_id)
        if run is not None and run["status"] != "completed":
            self._advance.run(run)

    def execute(self, run: Document, job: Document) -> None:
        if not self.decisions.closing:
            self._workers.submit(self._do, run["repository_id"], run["id"], job["id"])

    def _do(self, repository_id: int, run_id: int, job_id: int) -> None:
        if self.decisions.closing:
            return
        try:
            outcome = self._work.do(repository_id, job_id, self._running)
        except Exception:
            logger.exception("job %d failed in the server", job_id)
            self._work.say(repository_id, job_id, "The sandbox failed to run this job; the server's log says why.")
            outcome = JobOutcome("failure")
        running = self._running.pop(job_id, None)
        if outcome is None or (running is not None and running.killed):
            return
        self.decisions.post(lambda: self._finished(repository_id, run_id, job_id, outcome))

    def _finished(self, repository_id: int, run_id: int, job_id: int, outcome: JobOutcome) -> None:
        job = self.runs.job(repository_id, job_id)
        run = self.runs.run(repository_id, run_id)
        if job is None or run is None or job["status"] == "completed":
            return
        self._advance.complete(
            run, job, outcome.conclusion, outputs=outcome.outputs, url=outcome.url, steps=outcome.steps
        )
        self.advance(repository_id, run_id)

    def cancel_run(self, repository_id: int, run_id: int, *, force: bool = False) -> None:
        """Cancels a run: jobs at work are asked to end, jobs that wait never start."""
        run = self.runs.run(repository_id, run_id)
        if run is None or run["status"] == "completed":
            return
        run["cancelled"] = True
        self.runs.put(run)
        for job in self.runs.jobs(run):
            if job["kind"] == "job" and job["status"] != "completed":
                self._cancel(run, job, force=force)
        self.decisions.post(lambda: self.advance(repository_id, run_id))

    def cancel_job(self, repository_id: int, job_id: int) -> None:
        job = self.runs.job(repository_id, job_id)
        run = job and self.runs.run(repository_id, job["run_id"])
        if not job or not run:
            return
        if job["kind"] == "call":
            self.runs.update_job(job, lambda kept: kept.update(cancelled=True))
            inside = f"{job['place']}/"
            for other in self.runs.jobs(run):
                if other["place"].startswith(inside) and other["kind"] == "job" and other["status"] != "completed":
                    self._cancel(run, other)
        elif job["status"] != "completed":
            self._cancel(run, job)
        self.decisions.post(lambda: self.advance(repository_id, run["id"]))

    def _cancel(self, run: Document, job: Document, *, force: bool = False) -> None:
        running = self._running.get(job["id"])
        if running is not None:
            running.cancel(force=force)
        elif job["phase"] == "running":
            # Between the worker's first look and its start: it looks again before it starts.
            self.runs.update_job(job, lambda kept: kept.update(cancelled=True))
        else:
            self._advance.complete(run, job, "cancelled")

    def approve(
        self, run: Document, environment_ids: list[int], login: str, state: str, comment: str
    ) -> list[Document]:
        """Notes a review of waiting deployments; answers the jobs it was about."""
        reviewed = gates.review(self, run, environment_ids, login, state, comment)
        for job in reviewed:
            if state == "rejected":
                self._advance.complete(run, job, "failure", problem="The deployment was rejected.")
        self.advance(run["repository_id"], run["id"])
        return reviewed

    def again(self, run: Document, jobs: list[int] | None, login: str) -> None:
        """Runs a complete run again, as a new attempt.

        Args:
            run: The run.
            jobs: The jobs to run again with all that depends on them; None for all.
            login: The account that sends the request.
        """
        self.begin(reruns.new_attempt(self.runs, self.scopes, run, jobs, login))

    def log_of(self, job: Document) -> str | None:
        """What a job has logged so far."""
        try:
            return self._work.log_path(job).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None

    def say(self, job: Document, message: str) -> None:
        self._work.say(job["repository_id"], job["id"], message)

    def delete_logs(self, run: Document) -> None:
        """Removes the logs of a run."""
        shutil.rmtree(self.directory / "logs" / str(run["repository_id"]) / str(run["id"]), ignore_errors=True)

    def started(self, job: Document) -> bool:
        begins = False

        def begin(kept: Document) -> None:
            nonlocal begins
            begins = kept["status"] != "completed"
            if begins:
                kept.update(status="in_progress", phase="running", started_at=now())

        changed = self.runs.update_job(job, begin)
        if begins:
            self.decisions.post(lambda: self._announce_start(changed))
        return begins

    def must_stop(self, job: Document) -> bool:
        present = self.runs.job(job["repository_id"], job["id"])
        return self.decisions.closing or present is None or bool(present["cancelled"])

    def _announce_start(self, job: Document) -> None:
        run = self.runs.run(job["repository_id"], job["run_id"])
        if run is not None:
            announce.job(self.forge, run, job, "in_progress")
            if run["status"] != "in_progress":
                run["status"] = "in_progress"
                self.runs.put(run)
                announce.run(self.forge, run, "in_progress")
