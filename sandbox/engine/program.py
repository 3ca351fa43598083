"""Runs the Pulumi program in this process, against a monitor of ours."""

import asyncio
import contextlib
import contextvars
import logging
import os
import runpy
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import SETTINGS, get_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

from sandbox.engine.monitor import Handler, Monitor, StoppedError
from sandbox.engine.outcome import ProgramError, ResourceError
from sandbox.engine.stackfile import StackConfig
from sandbox.errors import ExitCode, SandboxError

PARALLEL = 24
"""Resources that are applied at the same time; most of them wait for somebody."""


def run_program(root: Path, config: StackConfig, handler: Handler, *, preview: bool) -> Monitor:
    """Runs `__main__.py` of the work tree and waits until every resource is done.

    Raises:
        ProgramError: The program or its settings are wrong.
        ResourceError: A resource failed; those that had started were finished, no other was started.
    """
    # The SDK keeps its settings in context variables and in the event loop: both are this run's own.
    return contextvars.copy_context().run(_run, root, config, handler, preview)


def _run(root: Path, config: StackConfig, handler: Handler, preview: bool) -> Monitor:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(PARALLEL, thread_name_prefix="resource"))
    asyncio.set_event_loop(loop)
    monitor = Monitor(handler)
    # The SDK complains of futures that nobody waits for after a failure; the failure itself is reported.
    loop.set_exception_handler(lambda _loop, _context: None)
    try:
        set_all_config(config.as_text(), sorted(config.secrets))
        mocks.set_mocks(  # pyright: ignore[reportUnknownMemberType]
            monitor.mocks,
            project=config.project,
            stack=config.stack,
            preview=preview,
            monitor=monitor,
            logger=_logger(handler, monitor),
            organization="organization",
        )
        # An earlier run of this process that failed leaves outputs of its closed loop behind.
        cast("set[object]", SETTINGS.outputs).clear()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        with _working_in(root):
            loop.run_until_complete(run_pulumi_func(lambda: _execute(root)))
    except KeyboardInterrupt:
        monitor.failure = monitor.failure or StoppedError()
        handler.stop()
        raise
    except Exception as error:
        raise _explained(monitor, error) from error
    finally:
        _finish(loop)
    return monitor


def _execute(root: Path) -> None:
    runpy.run_path(str(root / "__main__.py"), run_name="__main__")
    stack = get_root_resource()
    if isinstance(stack, Stack):
        # `set_mocks` registered them once already, before there were any.
        stack.register_outputs(stack.outputs)


def _finish(loop: asyncio.AbstractEventLoop) -> None:
    """Lets resources that are being applied finish, so that nothing is left half written."""
    for task in asyncio.all_tasks(loop):
        task.cancel()
    with contextlib.suppress(Exception):
        loop.run_until_complete(loop.shutdown_default_executor())
    asyncio.set_event_loop(None)
    loop.close()


def _explained(monitor: Monitor, error: Exception) -> SandboxError:
    failure = monitor.failure
    if isinstance(failure, ResourceError):
        return failure
    if isinstance(error, SandboxError):
        return error
    if isinstance(error, pulumi.RunError):
        return ProgramError(monitor.clean(str(error)), exit_code=ExitCode.USAGE)
    if isinstance(error, StoppedError):
        return ProgramError("stopped")
    return ProgramError(f"the program failed: {monitor.clean(f'{type(error).__name__}: {error}')}{_place(error)}")


def _place(error: Exception) -> str:
    """The program's own line that raised: a fault of ours or the user's code, worth more than the message alone."""
    place, trace = "", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "site-packages" not in name and "<frozen" not in name and f"{os.sep}sandbox{os.sep}" not in name:
            place = f" ({name}:{trace.tb_lineno})"
        trace = trace.tb_next
    return place


@contextlib.contextmanager
def _working_in(root: Path) -> Generator[None]:
    """As the CLI does it: the project's folder is the working directory and can be imported from."""
    before, path = Path.cwd(), str(root)
    added = path not in sys.path
    os.chdir(root)
    if added:
        sys.path.insert(0, path)
    try:
        yield
    finally:
        os.chdir(before)
        if added:
            sys.path.remove(path)


def _logger(handler: Handler, monitor: Monitor) -> logging.Logger:
    """A logger that hands what the program says to the handler, without secrets."""

    class Forward(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            handler.message(monitor.clean(record.getMessage()))

    logger = logging.getLogger(f"{__name__}.{id(handler)}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Forward())
    return logger
