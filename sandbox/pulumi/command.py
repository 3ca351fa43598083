"""Runs the `pulumi` CLI for the Automation API: without what the user has set for other stacks, and to a proper end."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import semver
from pulumi import automation
from pulumi.automation.errors import create_command_error

from sandbox.errors import SandboxError
from sandbox.pulumi.processes import RUNNER

OLDEST = semver.VersionInfo.parse("3.220.0")
"""The project asks for no older one; from this on, events come over a connection and not in a file."""

MEANT = {"PULUMI_K8S_DELETE_UNREACHABLE"}
"""What a person sets for one command, as `docs/destroy.md` says."""

Tell = Callable[[str], None]

# A killed CLI breaks its stream of events; that it was killed is told by its exit code.
warnings.filterwarnings("ignore", message="Error in event stream", module=r"pulumi\.automation")


class Command(automation.PulumiCommand):
    """The CLI at a path.

    Ctrl-C lets it finish what it has begun; a second one ends it at once. It ends in the same way when this process is
    killed, so that the state says what was made.
    """

    def __init__(self, cli: Path, tell: Tell = lambda _text: None) -> None:
        # Not the base class's: it looks on PATH, and asks for the version, which is known to fit.
        self.command = str(cli)
        self.version = OLDEST
        self._tell = tell

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: automation.OnOutput | None = None,
        on_error: automation.OnOutput | None = None,
        given: str = "",
    ) -> automation.CommandResult:
        """Runs one command, which reads `given` from its standard input.

        Raises:
            CommandError: It failed.
            SandboxError: It was killed.
        """
        del on_output, on_error  # what it does is told by its events
        # Files and not pipes: a pipe breaks when this process is killed, and ends the CLI in the middle of its work.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output, tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                [*_dying_with_this_process(), self.command, "--non-interactive", *args], cwd=cwd,
                env={**clean_environment(), **additional_env, RUNNER: str(os.getpid())},
                stdin=subprocess.PIPE, stdout=output, stderr=errors, start_new_session=True,
            )  # fmt: skip
            _feed(process, given)
            code = self._wait(process)
            output.seek(0)
            errors.seek(0)
            result = automation.CommandResult(stdout=output.read(), stderr=errors.read(), code=code)
        if result.code < 0:
            name = signal.Signals(-result.code).name
            raise SandboxError(f"pulumi was ended by {name} in the middle of its work; run the command again to go on")
        if result.code:
            raise create_command_error(result)
        return result

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        interrupted: KeyboardInterrupt | None = None
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt as error:
                self._tell("finishing what has begun; Ctrl-C again leaves it unfinished")
                process.send_signal(signal.SIGKILL if interrupted else signal.SIGINT)
                interrupted = error
            except BaseException:
                process.kill()
                raise
            else:
                if interrupted:
                    raise interrupted
                return code


def _feed(process: subprocess.Popen[bytes], text: str) -> None:
    """Gives a process all of its standard input; one that reads none of it says itself what is wrong."""
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(text.encode())


def clean_environment() -> dict[str, str]:
    """The environment without `PULUMI_*`: it would lead to another backend, another stack or another passphrase."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_") or name in MEANT}


def _dying_with_this_process() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []
