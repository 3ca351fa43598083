"""The processes of a stack: the CLI and its plugins, found by the folder that they take for their home.

They are ended by a handle and not by a number, which could be another process by then.
"""

import contextlib
import os
import select
import signal
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.pulumi.programs import Home

RUNNER = "SLIPWAY_SANDBOX_RUNNER"
"""Tells, in the environment of a CLI, which process runs it."""
HOME = "PULUMI_HOME"
OF_JOB = "SLIPWAY_SANDBOX_PULUMI"
"""Tells, in the environment of a CLI that a workflow's job runs, the home of the stack that it works on."""
PATIENCE = 10.0
"""Seconds for a killed process to be gone."""


@dataclass(frozen=True)
class Process:
    """A CLI, or a plugin of one."""

    pid: int
    is_cli: bool
    environment: dict[str, str]

    @property
    def is_orphan(self) -> bool:
        """Whether what ran this CLI is gone: it has been told to end, and finishes what it has begun."""
        runner = self.environment.get(RUNNER)
        return self.is_cli and runner is not None and not Path("/proc", runner).exists()

    @property
    def is_of_job(self) -> bool:
        """Whether a workflow's job runs it."""
        return OF_JOB in self.environment


def find(home: Home) -> list[Process]:
    """The processes of a home."""
    pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return [found for pid in pids if (found := _looked_at(pid, home)) is not None]


def is_running(pid: int) -> bool:
    """Whether a process is a CLI, and not another one that has its number by now."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name == "pulumi"
    except OSError:
        return False


def interrupt(home: Home) -> None:
    """Lets the CLI that this process runs finish what it has begun, and no more."""
    mine = [
        process.pid for process in find(home) if process.is_cli and process.environment.get(RUNNER) == str(os.getpid())
    ]
    _end(home, mine, signal.SIGINT, patience=0)


def end_left_plugins(home: Home) -> int:
    """Ends plugins whose CLI is gone: a killed one stops none of them, and they go on with what they were told.

    Returns:
        How many there were.
    """
    found = find(home)
    clis = {process.pid for process in found if process.is_cli}
    return _end(home, [process.pid for process in found if not process.is_cli and not clis & _above(process.pid)])


def end_all(home: Home) -> None:
    """Ends every process of a home, without leave."""
    while _end(home, [process.pid for process in find(home)]):
        pass  # a CLI may have started one meanwhile


def _end(home: Home, pids: Iterable[int], number: signal.Signals = signal.SIGKILL, patience: float = PATIENCE) -> int:
    with contextlib.ExitStack() as handles:
        ended = [handle for pid in pids if (handle := handles.enter_context(_handle(pid, home))) is not None]
        for handle in ended:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
        for handle in ended:
            select.select([handle], [], [], patience)
        return len(ended)


@contextlib.contextmanager
def _handle(pid: int, home: Home) -> Generator[int | None]:
    """A handle of a process that is one of the home; looked at after it is open, so that it stays that process."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        yield None
        return
    try:
        yield handle if _looked_at(pid, home) is not None else None
    finally:
        os.close(handle)


def _looked_at(pid: int, home: Home) -> Process | None:
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # ended meanwhile, or another user's
        return None
    environment = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    if str(home.folder) not in (environment.get(HOME), environment.get(OF_JOB)):
        return None
    return Process(pid, is_running(pid), environment)


def _above(pid: int) -> set[int]:
    """The processes that a process descends from."""
    found: set[int] = set()
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
        found.add(pid)
    return found
