"""Telling a person what is being done and for how long: a live line on a terminal, plain lines elsewhere."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table

PLAIN_INTERVAL = 10.0
"""Seconds between two plain lines about the same phase: a CI log shows life without drowning."""


def elapsed_text(seconds: float) -> str:
    """How long something took, as people say it: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"


@dataclass
class _Phase:
    """One thing being done, and the last that was said about it."""

    title: str
    depth: int
    started: float = field(default_factory=time.monotonic)
    text: str = ""
    told: float = 0.0

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def line(self) -> str:
        return "  " * self.depth + self.title + (f": {self.text}" if self.text else "")


class Progress:
    """Phases of a command, shown on a stream. Phases nest, and may run in several threads at once.

    An exception that leaves a phase marks it as failed and goes on; the message is its catcher's business.
    """

    def __init__(self, stream: TextIO | None = None, *, interval: float = PLAIN_INTERVAL, quiet: bool = False) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True, quiet=quiet)
        self._interval = interval
        self._lock = threading.RLock()
        self._phases: list[_Phase] = []
        self._own = threading.local()
        self._live: Live | None = None
        self._idle = threading.Event()
        self._stopped = threading.Event()

    @contextlib.contextmanager
    def phase(self, title: str) -> Generator["Progress"]:
        """Shows a phase with its elapsed time until the block ends."""
        stack = self._stack()
        phase = _Phase(title, depth=len(stack))
        stack.append(phase)
        self._begin(phase)
        try:
            yield self
        except BaseException:
            self._end(phase, "failed")
            raise
        else:
            self._end(phase, "done")
        finally:
            stack.remove(phase)

    def update(self, text: str) -> None:
        """Says what the innermost phase of this thread is waiting for right now."""
        stack = self._stack()
        if not stack:
            self.say(text)
            return
        with self._lock:
            stack[-1].text = text

    def teller(self) -> Callable[[str], None]:
        """`update` for the innermost phase of this thread, to be called from any thread."""
        stack = self._stack()
        if not stack:
            return self.say
        phase = stack[-1]

        def tell(text: str) -> None:
            with self._lock:
                phase.text = text

        return tell

    def stop(self) -> None:
        """Asks waits in other threads to end at their next look."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether what is under way is to end."""
        return self._stopped.is_set()

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        with self._lock:
            self._console.print(text, markup=False)

    def _stack(self) -> list[_Phase]:
        if not hasattr(self._own, "stack"):
            self._own.stack = list[_Phase]()
        return self._own.stack

    def _begin(self, phase: _Phase) -> None:
        with self._lock:
            phase.told = time.monotonic()
            self._phases.append(phase)
            if self._console.is_terminal:
                if self._live is None:
                    self._live = Live(
                        get_renderable=self._picture, console=self._console, transient=True, refresh_per_second=8
                    )
                    self._live.start()
                return
            self._console.print(f"{phase.line()} …", markup=False)
            if len(self._phases) == 1:
                self._idle = threading.Event()
                threading.Thread(target=self._heartbeat, args=(self._idle,), daemon=True).start()

    def _end(self, phase: _Phase, outcome: str) -> None:
        with self._lock:
            self._phases.remove(phase)
            if not self._phases:
                self._idle.set()
                if self._live is not None:
                    self._live.stop()
                    self._live = None
            indent = "  " * phase.depth
            last = f", last: {phase.text}" if outcome == "failed" and phase.text else ""
            self._console.print(f"{indent}{phase.title}: {outcome} ({elapsed_text(phase.elapsed)}{last})", markup=False)

    def _picture(self) -> Table:
        with self._lock:
            table = Table.grid(padding=(0, 1))
            for phase in self._phases:
                table.add_row(Spinner("dots"), phase.line(), elapsed_text(phase.elapsed))
            return table

    def _heartbeat(self, idle: threading.Event) -> None:
        while not idle.wait(min(self._interval, 1.0)):
            with self._lock:
                now = time.monotonic()
                for phase in self._phases:
                    # Only the innermost phases have something to say; what surrounds them would repeat it.
                    if phase is self._phases[-1] and now - phase.told >= self._interval:
                        phase.told = now
                        self._console.print(f"{phase.line()} ({elapsed_text(phase.elapsed)})", markup=False)
