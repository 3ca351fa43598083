"""Finding the processes of a box by what they were started with, so that no process id can go stale in a file."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from sandbox.node.layout import NodeLayout

BOX_PROGRAM = Path(__file__).with_name("box.py")


@dataclass(frozen=True)
class Box:
    """The processes of a box that this machine sees: who made the namespaces, and their first process."""

    makers: list[int]
    init: int | None


def find(layout: NodeLayout) -> Box:
    """Looks for the box of a node among all processes."""
    makers: list[int] = []
    init: int | None = None
    spec = str(layout.spec)
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # ended meanwhile
            continue
        if spec not in command or str(BOX_PROGRAM) not in command:
            continue
        match Path(command[0]).name:
            case "setsid" | "unshare":  # the one becomes the other; both are still in this machine's namespaces
                makers.append(int(folder.name))
            case _:
                init = int(folder.name)
    return Box(makers, init)


def kill(layout: NodeLayout, seconds: float = 60) -> bool:
    """Kills the box, and with its first process everything in it; returns whether all of it is gone.

    A process that is ending has no command line any more, and the first process of a box is the last to end: only when
    it has, has everything in there. So what was found once is watched until it is gone.
    """
    deadline = time.monotonic() + seconds
    first: set[int] = set()
    makers: set[int] = set()
    while True:
        box = find(layout)
        first = {pid for pid in (*first, box.init) if pid is not None and _lives(pid)}
        makers = {pid for pid in (*makers, *box.makers) if _lives(pid)}
        if not first and not makers:
            return True
        if time.monotonic() > deadline:
            return False
        # The maker asks for the exit code of the first process, so that none is left over; then it ends by itself,
        # save when it was killed half way through.
        for pid in first or makers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _lives(pid: int) -> bool:
    """Whether a process exists and is more than an exit code that was not waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}
