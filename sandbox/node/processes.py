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
        if Path(command[0]).name == "unshare":
            makers.append(int(folder.name))
        else:
            init = int(folder.name)
    return Box(makers, init)


def kill(layout: NodeLayout, seconds: float = 15) -> bool:
    """Kills the box, and with its first process everything in it; returns whether all of it is gone."""
    deadline = time.monotonic() + seconds
    while True:
        box = find(layout)
        pids = [pid for pid in (box.init, *box.makers) if pid is not None]
        if not pids:
            return True
        if time.monotonic() > deadline:
            return False
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
