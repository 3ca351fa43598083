"""The one thread on which every decision about runs is taken, one after the other."""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

ANSWER_SECONDS = 30.0


class Decisions:
    """Takes decisions in the order in which they are asked for."""

    def __init__(self) -> None:
        self.closing = False
        """Whether no more are taken."""
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._loop, name="actions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Ends the thread after what was asked for before."""
        self.closing = True
        self._tasks.put(None)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout=10)

    def _loop(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except Exception:
                logger.exception("a decision about workflow runs failed")

    def post(self, task: Callable[[], None]) -> None:
        """Has the thread do something."""
        if not self.closing:
            self._tasks.put(task)

    def later(self, seconds: float, task: Callable[[], None]) -> None:
        """Has the thread do something in a while."""
        timer = threading.Timer(seconds, self.post, [task])
        timer.daemon = True
        timer.start()

    def ask(self, question: Callable[[], T]) -> T:
        """Has the thread do something and waits for the answer; its errors are raised here."""
        answer: Future[T] = Future()

        def work() -> None:
            try:
                answer.set_result(question())
            except Exception as error:  # noqa: BLE001 -- it is raised again where it was asked
                answer.set_exception(error)

        self.post(work)
        return answer.result(timeout=ANSWER_SECONDS)
