"""Takes messages one by one until it is told to stop; the one at work is finished."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from worker.metrics import Metrics
from worker.queue import Message, Queue
from worker.settings import Settings
from worker.traces import CONSUMER, Tracer
from worker.work import Unwanted

_AWAY_SECONDS = 2.0
log = logging.getLogger(__name__)


class Loop:
    """The worker without its process: takes, handles, and counts."""

    def __init__(
        self, settings: Settings, queue: Queue, handle: Callable[[Mapping[str, str]], None], tracer: Tracer | None = None
    ) -> None:
        self._settings = settings
        self._queue = queue
        self._handle = handle
        self._tracer = tracer or Tracer({})
        self.stopping = threading.Event()
        self.connected = threading.Event()
        self._told: bool | None = None
        self.metrics = Metrics(settings.version, settings.commit)
        self.metrics.describe("messages_total", "counter", "Messages, by what became of them.")
        self.metrics.describe("message_duration_seconds", "histogram", "How long a message took.")
        self._depth = 0
        self.metrics.gauge("queue_depth", "Messages that are not done.", lambda: self._depth)
        self.metrics.gauge("queue_connected", "Whether the queue answers.", lambda: float(self.connected.is_set()))

    @property
    def ready(self) -> bool:
        """Whether it does what it is for."""
        return self.connected.is_set() and not self.stopping.is_set() and self._settings.fault != "unready"

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                message = self._queue.take()
                self._depth = self._queue.depth()
                self._connected(True)
                if message is not None:
                    self._work(message)
            except OSError as error:
                self._connected(False, str(error))
                self.stopping.wait(_AWAY_SECONDS)

    def _connected(self, now: bool, reason: str = "") -> None:
        if now == self._told:
            return
        self._told = now
        if now:
            self.connected.set()
            log.info("the queue answers")
        else:
            self.connected.clear()
            log.warning("the queue is away: %s", reason)

    def _work(self, message: Message) -> None:
        began = time.perf_counter()
        with self._tracer.span("message", CONSUMER, message.content.get("traceparent")) as span:
            span.attributes |= {"messaging.message.id": message.id, "messaging.delivery.attempt": message.attempt}
            try:
                self._handle(message.content)
            except Exception as error:
                last = isinstance(error, Unwanted) or message.attempt >= self._settings.attempts
                span.failure = type(error).__name__
                fields = {"id": message.id, "attempt": message.attempt}
                log.exception("put aside" if last else "failed, comes again", extra={"fields": fields})
                if last:
                    self._queue.put_aside(message, f"{type(error).__name__}: {error}")
                else:
                    self._queue.again(message)
                self.metrics.add("messages_total", outcome="aside" if last else "failed")
            else:
                self._queue.done(message)
                self.metrics.add("messages_total", outcome="done")
        self.metrics.observe("message_duration_seconds", time.perf_counter() - began)
