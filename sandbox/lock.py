"""Locks between processes; the system lets go of them when their holder dies, however it dies."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TextIO

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError


@contextlib.contextmanager
def locked(config: SandboxConfig) -> Generator[None]:
    """Holds the sandbox, which one command at a time may change.

    Raises:
        SandboxError: Another command holds it, or this user may not.
    """
    # Beside the folder, because `down` removes the folder and must not remove what keeps others out.
    path = config.directory.with_name(f"{config.directory.name}.lock")
    with _held(path) as file:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _held(path: Path) -> TextIO:
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("a+")
        except OSError as error:
            raise SandboxError(
                f"{path}: {error.strerror}; run this as the user that the folder belongs to, "
                "or set SLIPWAY_SANDBOX_DIR to another one",
                exit_code=ExitCode.UNABLE,
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.samefile(f"/proc/self/fd/{file.fileno()}"):
                return file
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise SandboxError(
                f"{path.parent / path.stem}: another command (process {holder}) is changing this sandbox; "
                "wait for it to end",
                exit_code=ExitCode.BUSY,
            ) from None
        file.close()  # its holder removed it between the two calls; a lock on it would keep no process out


@contextlib.contextmanager
def held(path: Path, wait: Callable[[], None] = lambda: None) -> Generator[None]:
    """Waits for the right to build something into the cache, and holds it.

    Args:
        path: a file that stands for that.
        wait: is called where another process has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
