import logging
import unittest
from collections.abc import Mapping

from worker import work
from worker.loop import Loop
from worker.queue import MemoryQueue, Message
from worker.settings import Settings


class Kept(MemoryQueue):
    """A queue that remembers what was put aside, and ends the work when it is empty."""

    def __init__(self) -> None:
        super().__init__()
        self.aside: list[str] = []
        self.loop: Loop | None = None

    def take(self) -> Message | None:
        if self.depth() <= 1:
            self.loop.stopping.set()
        return super().take() if self.depth() else None

    def put_aside(self, message: Message, reason: str) -> None:
        self.aside.append(reason)


class Messages(unittest.TestCase):
    def setUp(self) -> None:
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.handled: list[str] = []

    def work(self, *bodies: str, fail: int = 0) -> Kept:
        """Works off messages; the first `fail` attempts fail."""
        left = [fail]

        def handle(message: Mapping[str, str]) -> None:
            if left[0]:
                left[0] -= 1
                raise ValueError("not now")
            work.handle(message)
            self.handled.append(message["body"])

        queue = Kept()
        queue.loop = self.loop = Loop(Settings("memory:", attempts=3), queue, handle)
        for body in bodies:
            queue.put({"body": body} if body else {})
        while queue.depth():
            self.loop.stopping.clear()
            self.loop.run()
        return queue

    def test_each_is_handled_and_counted(self) -> None:
        self.work("a", "b")
        self.assertEqual(["a", "b"], self.handled)
        text = self.loop.metrics.text()
        self.assertIn('messages_total{outcome="done"} 2\n', text)
        self.assertIn("message_duration_seconds_count 2\n", text)

    def test_a_message_that_fails_comes_again(self) -> None:
        queue = self.work("a", fail=2)
        self.assertEqual((["a"], []), (self.handled, queue.aside))
        self.assertIn('messages_total{outcome="failed"} 2\n', self.loop.metrics.text())

    def test_one_that_fails_too_often_is_put_aside(self) -> None:
        queue = self.work("a", fail=3)
        self.assertEqual(([], ["ValueError: not now"]), (self.handled, queue.aside))

    def test_one_that_can_never_work_is_put_aside_at_once(self) -> None:
        self.assertEqual(["Unwanted: it has no `body`"], self.work("").aside)

    def test_it_is_ready_while_the_queue_answers(self) -> None:
        class Away(MemoryQueue):
            def take(self) -> None:
                loop.stopping.set()
                raise OSError("it is away")

        loop = Loop(Settings("memory:"), MemoryQueue(), work.handle)
        self.assertFalse(loop.ready)
        loop.connected.set()
        self.assertTrue(loop.ready)
        loop._queue = Away()
        loop.run()
        loop.stopping.clear()
        self.assertFalse(loop.ready)

    def test_a_queue_that_never_answered_is_told_once(self) -> None:
        logging.disable(logging.NOTSET)

        class Away(MemoryQueue):
            tries = 0

            def take(self) -> None:
                self.tries += 1
                if self.tries == 2:
                    loop.stopping.set()
                raise OSError("connection refused")

        loop = Loop(Settings("memory:"), Away(), work.handle)
        loop.stopping.wait = lambda _: False
        with self.assertLogs("worker.loop", "WARNING") as told:
            loop.run()
        self.assertEqual(["the queue is away: connection refused"], [one.getMessage() for one in told.records])


if __name__ == "__main__":
    unittest.main()
