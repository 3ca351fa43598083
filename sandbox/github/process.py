"""GitHub as a part of the sandbox: a process of its own that outlives the command that started it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from sandbox.config import GITHUB_PORT, SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.github import credentials
from sandbox.github.credentials import Credentials

PID_FILE = "server.pid"
LOG_FILE = "server.log"
START_SECONDS = 120
STOP_SECONDS = 10
ANSWER_SECONDS = 10
"""For its health: one that is only busy is not in the way of the next `up`."""

LENT = "SLIPWAY_SANDBOX_LENT"
"""Tells the server, in its environment, which file says what jobs of one repository's environments see of this machine
(`actions.lending.Lent`); it may come later."""

__all__ = ["LENT", "Credentials", "ensure_credentials", "is_running", "start", "stop"]


def ensure_credentials(config: SandboxConfig) -> Credentials:
    """The credentials of this sandbox, made if there are none."""
    return credentials.ensure(config)


def is_running(config: SandboxConfig) -> bool:
    """True if the server of this sandbox answers."""
    if _process(config) is None:
        return False
    with _asking() as client:
        return _health(config, client) is not None


def start(config: SandboxConfig, environment: Mapping[str, str] | None = None) -> None:
    """Starts the server, unless it runs already, and waits until it answers.

    Args:
        config: The sandbox.
        environment: Variables beside this process's own, such as where a job's tools are.

    Raises:
        SandboxError: it does not start; the reason is in the message.
    """
    ensure_credentials(config)
    if is_running(config):
        return
    # One that runs but does not answer is in the way.
    stop(config)
    directory = config.github_directory
    log = directory / LOG_FILE
    command = [sys.executable, "-m", "sandbox.github", "--directory", str(directory), "--url", config.github_url]
    command += ["--listen", _loopback(config), "--listen", f"{config.host_ip}:{GITHUB_PORT}"]
    command += ["--seed", str(directory / credentials.SEED_FILE)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    (directory / PID_FILE).write_text(f"{process.pid}\n")
    with _asking() as client:
        _wait(config, process, client, log)


def _wait(config: SandboxConfig, process: "subprocess.Popen[bytes]", client: httpx.Client, log: Path) -> None:
    """Waits until a server that was started answers."""
    directory = config.github_directory
    deadline = time.monotonic() + START_SECONDS
    while _health(config, client) is None:
        if process.poll() is not None:
            (directory / PID_FILE).unlink(missing_ok=True)
            reason = _last_line(log)
            unable = process.returncode == ExitCode.UNABLE
            raise SandboxError(
                reason if unable else f"GitHub did not start: {reason}; see {log}", exit_code=process.returncode or 1
            )
        if time.monotonic() > deadline:
            stop(config)
            raise SandboxError(f"GitHub did not answer within {START_SECONDS} s; see {log}")
        time.sleep(0.05)


def stop(config: SandboxConfig) -> None:
    """Stops the server, if it runs, and waits until it has gone."""
    pid = _process(config)
    pid_file = config.github_directory / PID_FILE
    if pid is None:
        pid_file.unlink(missing_ok=True)
        return
    deadline = time.monotonic() + STOP_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while _process(config) is not None:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                # Reap the child if this process started it.
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _loopback(config: SandboxConfig) -> str:
    """An address of this sandbox that is always there; the one of the link exists only while the node runs."""
    return f"127.{config.network}.1:{GITHUB_PORT}"


def _asking() -> httpx.Client:
    """For several questions: to make one takes longer than a question, and the time of the server that starts."""
    return httpx.Client(timeout=ANSWER_SECONDS, trust_env=False)


def _health(config: SandboxConfig, client: httpx.Client) -> dict[str, Any] | None:
    """What the server says of itself, if it is the one of this sandbox."""
    try:
        answer: dict[str, Any] = client.get(f"http://{_loopback(config)}/_sandbox/health").json()
    except (httpx.HTTPError, ValueError):
        return None
    return answer if answer.get("directory") == str(config.github_directory) else None


def _process(config: SandboxConfig) -> int | None:
    """Id of the server's process, if it is alive and really is the server."""
    with contextlib.suppress(OSError, ValueError):
        # Numbers are used again: another process may have got this one.
        if _is_server(config, pid := int((config.github_directory / PID_FILE).read_text())):
            return pid
    # The process that started it may have been killed before it wrote the number.
    processes = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return next((pid for pid in processes if _is_server(config, pid)), None)


def _is_server(config: SandboxConfig, pid: int) -> bool:
    try:
        # A process that ended and was not waited for has no command.
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"sandbox.github" in command and str(config.github_directory).encode() in command


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
