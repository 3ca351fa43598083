"""A box is found by what its processes were started with."""

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.config import SandboxConfig
from sandbox.node import processes
from sandbox.node.layout import NodeLayout


@contextmanager
def process(name: str, layout: NodeLayout) -> Generator[int]:
    """A process that looks like one of the box's under that name."""
    command = [name, "-c", "import time; time.sleep(60)", str(processes.BOX_PROGRAM), str(layout.spec)]
    started = subprocess.Popen(command, executable=sys.executable)
    try:
        # Its command line is there only once it is more than a copy of us.
        while str(layout.spec) not in Path(f"/proc/{started.pid}/cmdline").read_text():
            time.sleep(0.01)
        yield started.pid
    finally:
        started.kill()
        started.wait()


@pytest.mark.parametrize("name", ["setsid", "/usr/bin/setsid", "unshare"])
def test_what_makes_the_namespaces_is_not_in_them(name: str, config: SandboxConfig) -> None:
    """Joined to a process that is about to make them, the link would end in this machine's own namespace."""
    layout = NodeLayout(config)
    with process(name, layout) as pid:
        box = processes.find(layout)
        assert (box.makers, box.init) == ([pid], None)


def test_the_first_process_in_the_namespaces_is_found(config: SandboxConfig) -> None:
    layout = NodeLayout(config)
    with process("python3", layout) as pid:
        assert processes.find(layout) == processes.Box([], pid)
