"""Where a sandbox of the tests is: in a folder and on a network of its own, so that two of them do not meet."""

import contextlib
import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TextIO

import pytest

from sandbox.config import SandboxConfig
from sandbox.down import down
from sandbox.progress import Progress
from sandbox.pulumi.workspace import Workspace
from sandbox.up import start_parts

ROOT = Path(__file__).parent.parent.parent
_CANDIDATES = range(231, 255)
_KEPT: list[TextIO] = []


def environment_of(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of commands that work on a new sandbox in a folder, with settings beside that.

    Tests that ask for one are skipped where no node can be started.
    """
    if os.geteuid() != 0:
        pytest.skip("the sandbox's node needs root")
    own = {"SLIPWAY_SANDBOX_DIR": str(folder), "SLIPWAY_SANDBOX_NETWORK": free_network()}
    return os.environ | own | settings


def config_of(environment: dict[str, str]) -> SandboxConfig:
    """The sandbox that commands of this environment work on."""
    return SandboxConfig.from_environment(environment, ROOT)


@contextlib.contextmanager
def started(config: SandboxConfig) -> Generator[Workspace]:
    """A GitHub and an empty cluster, and a stack for them that is not deployed; taken down afterwards."""
    progress = Progress(quiet=True)
    try:
        yield start_parts(config, progress)
    finally:
        down(config, progress)


def eventually(look: Callable[[], bool], seconds: float = 120) -> bool:
    """Whether something is so, now or in a moment."""
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def processes_with(text: str) -> list[str]:
    """The command lines of processes that have a text in them and stay: what was killed ends a moment later."""

    def found() -> list[str]:
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return [line for line in listed.splitlines() if text in line]

    eventually(lambda: not found())
    return found()


def free_network() -> str:
    """A network of the form `10.<number>` that no other run of tests has, kept until this process ends.

    A run that was killed may have left its sandbox; its network is left alone too.

    Raises:
        RuntimeError: Every one is taken.
    """
    addresses = Path("/proc/net/fib_trie").read_text()
    for number in _CANDIDATES:
        if f" 10.{number}." in addresses:
            continue
        lock = (Path(tempfile.gettempdir()) / f"slipway-tests-network-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _KEPT.append(lock)
        return f"10.{number}"
    raise RuntimeError(
        f"10.{_CANDIDATES[0]} to 10.{_CANDIDATES[-1]} are all taken by other runs of tests; wait for one of them to end"
    )


def here(line: str, config: SandboxConfig) -> str:
    """A command line of the documentation for a sandbox of the tests: with its folder and its network, and packages
    that are there already."""
    line = re.sub(r"\bmake (?=[a-z])", "make --old-file=.venv/.everything ", line)
    return line.replace(".sandbox/", f"{config.directory}/").replace("10.201.", f"{config.network}.")
