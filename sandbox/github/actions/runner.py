"""Runs one job: its `act`, its jail, its end."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import SandboxError
from sandbox.github.actions import lending
from sandbox.github.actions.host import Host
from sandbox.github.actions.id_tokens import REQUEST_TOKEN
from sandbox.github.actions.job_order import JobOrder, act_command, environment, fill_folder
from sandbox.github.actions.jobfile import results_names
from sandbox.github.actions.joblog import JobLog
from sandbox.github.actions.masking import Masker

Document = dict[str, Any]

CANCEL_SECONDS = 30.0
"""How long a cancelled job may take for its `always()` and `cancelled()` steps."""


@dataclass
class JobOutcome:
    """What became of a job."""

    conclusion: str
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    url: str | None = None
    steps: list[Document] = field(default_factory=list[Document])


class RunningJob:
    """A job at work. `run` is called once; `cancel` and `kill` from other threads."""

    def __init__(self, host: Host, order: JobOrder, progress: Callable[[list[Document]], None]) -> None:
        self._host = host
        self._order = order
        self._progress = progress
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._reason: str | None = None
        """Why it is being stopped: cancelled, timeout or killed."""
        self._timers: list[threading.Timer] = []

    @property
    def killed(self) -> bool:
        """The server stopped it; it is to be run again."""
        return self._reason == "killed"

    def cancel(self, reason: str = "cancelled", *, force: bool = False) -> None:
        """Asks the job to end: its running step is stopped, steps for that case still run."""
        self._stop(reason, signal.SIGKILL if force else signal.SIGINT)
        self._later(CANCEL_SECONDS, lambda: self._stop(reason, signal.SIGKILL))

    def kill(self) -> None:
        """Ends the job and everything it started, now."""
        self._stop("killed", signal.SIGKILL)

    def _stop(self, reason: str, number: signal.Signals) -> None:
        with self._lock:
            self._reason = self._reason if self._reason and reason != "killed" else reason
            if self._process and self._process.poll() is None:
                # While another thread takes its exit code, it looks alive to this one.
                with contextlib.suppress(ProcessLookupError):
                    # The jail dies with its process group's leader, so one signal reaches everything.
                    (os.killpg if number == signal.SIGKILL else os.kill)(self._process.pid, number)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, action)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def run(self) -> JobOutcome:
        """Runs the job to its end."""
        order = self._order
        secrets = [value for value in (*order.secrets.values(), order.variables.get(REQUEST_TOKEN)) if value]
        with JobLog(order.log, Masker(secrets)) as journal:
            try:
                fill_folder(self._host, order)
                if self._host.owner is not None:
                    self._lend(self._host.owner)
                code = self._execute(journal)
                return self._outcome(journal, code)
            except (OSError, SandboxError) as error:
                journal.error(f"The runner could not run this job: {error}")
                return JobOutcome("failure", steps=journal.steps)
            finally:
                for timer in self._timers:
                    timer.cancel()
                self._lend(os.geteuid())
                shutil.rmtree(order.folder, ignore_errors=True)

    def _lend(self, owner: int) -> None:
        """Makes the state a job's that may write it, and this server's again after it."""
        order = self._order
        if order.lent is not None and order.lent.state is not None and order.writes and self._host.owner is not None:
            lending.hand_over(order.lent.state, owner)

    def _execute(self, journal: JobLog) -> int:
        host, order = self._host, self._order
        seen = [host.act, *order.actions.values(), *(order.lent.places() if order.lent else [])]
        command = host.command(order.folder, act_command(host, order), environment(host, order), seen, order.cache)
        with self._lock:
            if self._reason:
                return 1
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        self._later(order.timeout_minutes * 60, self._time_out)
        shown = 0
        for line in self._process.stdout or ():
            if '"jobID"' in line:
                # `act` has read them: steps get the secrets that they are given, and no others.
                (order.folder / "secrets.yml").unlink(missing_ok=True)
            journal.take(line)
            done = sum(step["status"] == "completed" for step in journal.steps) + len(journal.steps)
            if done != shown:
                shown = done
                self._progress(journal.steps)
        return self._process.wait()

    def _time_out(self) -> None:
        self.cancel("timeout")

    def _outcome(self, journal: JobLog, code: int) -> JobOutcome:
        conclusion = "success" if code == 0 and journal.result in (None, "success") else "failure"
        if self._reason == "timeout":
            journal.error(
                f"The job running on runner sandbox has exceeded the maximum execution time of"
                f" {self._order.timeout_minutes:g} minutes."
            )
        if self._reason:
            journal.error("The operation was canceled.")
            conclusion = "cancelled"
        elif journal.result is None and code:
            journal.error(f"The runner ended with code {code} before the job was complete.")
        names = [(step.get("id", str(number)), step["name"]) for number, step in enumerate(self._steps())]
        journal.close_steps(names[:-1])
        results = self._results()
        url = results.pop("url", None)
        outputs = {name.removeprefix("output:"): value for name, value in results.items()}
        # An output that holds a secret is dropped, as on GitHub, so that it cannot leave the job in disguise.
        kept = {name: value for name, value in outputs.items() if journal.masker.mask(value) == value}
        for name in outputs.keys() - kept.keys():
            journal.write(f"##[warning]Skip output '{name}' since it may contain secret.")
        return JobOutcome(conclusion, kept, journal.masker.mask(url) if url else None, journal.steps)

    def _steps(self) -> list[Document]:
        return self._order.workflow["jobs"][self._order.job_id]["steps"]

    def _results(self) -> dict[str, str]:
        names = results_names(self._order.outputs, self._order.url)
        try:
            parts = (self._order.folder / "results").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return {}
        pairs = dict(zip(parts[::2], parts[1::2], strict=False))
        return {names[name]: value for name, value in pairs.items() if name in names}
