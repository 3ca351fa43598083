"""One command at a time may change a sandbox; the system lets go of the lock when its holder dies, however it dies."""

import contextlib
import fcntl
import os
from collections.abc import Generator

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError


@contextlib.contextmanager
def locked(config: SandboxConfig) -> Generator[None]:
    """Holds the sandbox.

    Raises:
        SandboxError: Another command holds it.
    """
    # Beside the folder, because `down` removes the folder and must not remove what keeps others out.
    path = config.directory.with_name(f"{config.directory.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise SandboxError(
                f"{config.directory}: another command (process {holder}) is changing this sandbox; wait for it to end",
                exit_code=ExitCode.BUSY,
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
