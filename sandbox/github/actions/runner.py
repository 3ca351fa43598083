"""Runs one job: its folder, its `act`, its jail, its end."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.github.actions import lending
from sandbox.github.actions.expressions import quote
from sandbox.github.actions.host import Host
from sandbox.github.actions.id_tokens import REQUEST_TOKEN
from sandbox.github.actions.jobfile import LABEL, RESULTS_FILE, results_names
from sandbox.github.actions.joblog import JobLog
from sandbox.github.actions.lending import Lent
from sandbox.github.actions.masking import Masker

Document = dict[str, Any]

CANCEL_SECONDS = 30.0
"""How long a cancelled job may take for its `always()` and `cancelled()` steps."""

_STORAGE = """\
# Images built by a job belong to it and its repository; the machine's own are out of reach.
[storage]
driver = "{driver}"
graphroot = "{home}/.cache/containers"
runroot = "{home}/tmp/containers"
rootless_storage_path = "{home}/.cache/containers"
"""

_NODE = """\
#!/bin/sh
# `act` asks in every job where node is, and node needs longer to answer than a small job takes.
if [ "$*" = "--no-warnings -e console.log(process.execPath)" ]; then echo {node}; else exec {node} "$@"; fi
"""

_IN_USER_NAMESPACE = {"_CONTAINERS_USERNS_CONFIGURED": "done", "_CONTAINERS_ROOTLESS_UID": "1000"}
"""Tells buildah what it knows only of namespaces it made itself: this root owns none of the machine's files."""


@dataclass(frozen=True)
class JobOrder:
    """Everything that one job needs to run."""

    folder: Path
    """Made for the job and removed after it."""
    log: Path
    cache: Path
    """Kept between jobs of the same repository: downloads and build caches."""
    event: str
    actor: str
    workflow: Document
    job_id: str
    payload: Document
    variables: dict[str, str]
    """GITHUB_ and other variables from the server."""
    secrets: dict[str, str]
    """With GITHUB_TOKEN among them."""
    actions: dict[str, Path]
    """`owner/repository@ref` → folder."""
    outputs: Document
    """The job's `outputs`, for their names."""
    url: Any
    timeout_minutes: float
    lent: Lent | None = None
    """What it has of this machine beside tools."""
    writes: bool = False
    """Whether it may change the state that is lent."""


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
                self._prepare()
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

    def _prepare(self) -> None:
        order = self._order
        shutil.rmtree(order.folder, ignore_errors=True)
        for folder in (order.folder, order.folder / "work", order.folder / "tmp", order.cache):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._host.isolation == "plain":
            (order.folder / ".cache").symlink_to(order.cache)
        else:
            (order.folder / ".cache").mkdir()
        files: dict[str, Any] = {
            "workflow.yml": order.workflow,
            "event.json": order.payload,
            "secrets.yml": order.secrets,
        }
        for name, content in files.items():
            # JSON is YAML, and leaves no doubt about what is a text.
            (order.folder / name).write_text(json.dumps(content))
            (order.folder / name).chmod(0o600)
        (order.folder / "results").touch()
        home = self._host.home(order.folder)
        (order.folder / "storage.conf").write_text(_STORAGE.format(home=home, driver=self._host.storage_driver))
        (order.folder / "bin").mkdir()
        if node := shutil.which("node", path=":".join(self._host.path)):
            (order.folder / "bin" / "node").write_text(_NODE.format(node=node))
            (order.folder / "bin" / "node").chmod(0o755)
        owner = self._host.owner
        if owner is not None:
            for path in (order.folder, *order.folder.iterdir(), order.cache):
                os.chown(path, owner, owner)
            self._lend(owner)

    def _lend(self, owner: int) -> None:
        """Makes the state a job's that may write it, and this server's again after it."""
        order = self._order
        if order.lent is not None and order.writes and self._host.owner is not None:
            lending.hand_over(order.lent.state, owner)

    def _execute(self, journal: JobLog) -> int:
        order = self._order
        home = self._host.home(order.folder)
        cache = f"{home}/.cache"
        environment = {
            **self._host.passed_on,
            "PATH": ":".join([f"{home}/bin", *([str(order.lent.tools)] if order.lent else []), *self._host.path]),
            "ACT_DISABLE_VERSION_CHECK": "1",
            "HOME": home,
            "USER": "runner",
            "XDG_CACHE_HOME": cache,
            "GOMODCACHE": f"{cache}/go-mod",
            "BUILDAH_ISOLATION": "chroot",
            "CONTAINERS_STORAGE_CONF": f"{home}/storage.conf",
            "STORAGE_DRIVER": self._host.storage_driver,
            "XDG_RUNTIME_DIR": f"{home}/tmp",  # noqa: S108 -- a folder of the job
            **(_IN_USER_NAMESPACE if self._host.isolation == "user" else {}),
            "TERM": "dumb",
            "GIT_PAGER": "cat",
            "PAGER": "cat",
            "GIT_TERMINAL_PROMPT": "0",
            "RUNNER_NAME": "sandbox",
            "RUNNER_ENVIRONMENT": "self-hosted",
            "ImageOS": "sandbox",
        }
        seen = [self._host.act, *order.actions.values(), *(order.lent.places() if order.lent else [])]
        command = self._host.command(order.folder, self._act(home), environment, seen, order.cache)
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

    def _act(self, home: str) -> list[str]:
        order = self._order
        variables = {
            **order.variables,
            "SHA_REF": order.variables.get("GITHUB_SHA", ""),
            RESULTS_FILE: f"{home}/results",
        }
        command = [
            str(self._host.act), order.event,
            "--workflows", f"{home}/workflow.yml", "--no-recurse",
            "--job", order.job_id,
            "--directory", f"{home}/work",
            "--platform", f"{LABEL}=-self-hosted",
            "--eventpath", f"{home}/event.json",
            "--secret-file", f"{home}/secrets.yml",
            "--actor", order.actor,
            "--action-cache-path", f"{home}/work",
            "--use-new-action-cache", "--no-skip-checkout", "--no-cache-server", "--insecure-secrets", "--json",
            "--env-file", "/dev/null", "--var-file", "/dev/null", "--input-file", "/dev/null",
            "--pull=false", "--rm",
        ]  # fmt: skip
        for name, value in variables.items():
            command += ["--env", f"{name}={_literal(name, value)}"]
        for name, folder in order.actions.items():
            command += ["--local-repository", f"{name}={folder}"]
        return command

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


def _literal(name: str, value: str) -> str:
    """A variable's value so that `act`, which evaluates the environment, comes out with the same text.

    What it knows itself it evaluates once, everything else twice.
    """
    if "${{" not in value:
        return value
    return (
        quote(value)
        if name in ("GITHUB_REF", "GITHUB_REF_NAME", "GITHUB_HEAD_REF", "GITHUB_BASE_REF")
        else quote(quote(value))
    )
