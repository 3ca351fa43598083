"""Errors that a person is meant to read, and the exit codes that go with them."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What `python -m sandbox` answers its caller; documented in `docs/sandbox.md`."""

    OK = 0
    """It did what was asked."""
    FAILED = 1
    """Something on the way failed: a resource, a pod, a build."""
    USAGE = 2
    """The command line or the settings are wrong; nothing was touched."""
    UNABLE = 3
    """This machine cannot do it (no root, no space, an occupied port); nothing was touched."""
    BUSY = 4
    """Another command holds the sandbox."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; run `up` again to continue."""
    UNREAD = 141
    """Nobody reads what it prints any more, as after `| head`."""


class SandboxError(Exception):
    """One sentence that says which thing is wrong and what to do about it; never shown with a traceback."""

    def __init__(self, message: str, *, exit_code: int = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code: int = int(exit_code)


class PreflightError(SandboxError):
    """Everything that this machine lacks, found before the first write."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), exit_code=ExitCode.UNABLE)
        self.problems: list[str] = problems
