"""Where messages come from: a stream of Redis, or for a laptop the process itself."""

import itertools
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from worker.redis import Redis, RedisError
from worker.settings import Settings

_GROUP = "workers"
_WAIT_MILLISECONDS = 1000


@dataclass(frozen=True)
class Message:
    """One message, and how often it has been given out, this time included."""

    id: str
    content: Mapping[str, str]
    attempt: int = 1


class Queue(Protocol):
    """A queue that gives a message out again until it is done or put aside. Each raises OSError while it is away."""

    def take(self) -> Message | None:
        """The next message; None if there was none for a second."""
        ...

    def done(self, message: Message) -> None: ...

    def again(self, message: Message) -> None:
        """Gives it out once more, later."""
        ...

    def put_aside(self, message: Message, reason: str) -> None: ...

    def depth(self) -> int:
        """How many are not done."""
        ...


class RedisQueue:
    """A stream read by a group: what a worker took and did not finish, others take over after a time.

    Messages come in by `XADD <queue> * body … traceparent …`. Those put aside are in the stream `<queue>-aside`.
    """

    def __init__(self, settings: Settings) -> None:
        self._redis = Redis(settings.queue_url)
        self._name = settings.queue
        self._consumer = settings.name
        self._retry = int(settings.retry_seconds * 1000)
        self._grouped = False

    def take(self) -> Message | None:
        try:
            self._join()
            return self._left_over() or self._fresh()
        except RedisError as error:
            # The stream was deleted, or Redis lost it.
            self._grouped = self._grouped and not str(error).startswith("NOGROUP")
            raise

    def done(self, message: Message) -> None:
        self._redis("XACK", self._name, _GROUP, message.id)
        self._redis("XDEL", self._name, message.id)

    def again(self, message: Message) -> None:
        """It stays this worker's until its time is over."""

    def put_aside(self, message: Message, reason: str) -> None:
        fields = [part for pair in message.content.items() for part in pair]
        self._redis("XADD", f"{self._name}-aside", "MAXLEN", "~", 10_000, "*", *fields, "reason", reason)
        self.done(message)

    def depth(self) -> int:
        return int(self._redis("XLEN", self._name))

    def _join(self) -> None:
        if self._grouped:
            return
        try:
            self._redis("XGROUP", "CREATE", self._name, _GROUP, "0", "MKSTREAM")
        except RedisError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise
        self._grouped = True

    def _fresh(self) -> Message | None:
        wait = ("COUNT", 1, "BLOCK", _WAIT_MILLISECONDS)
        found = self._redis("XREADGROUP", "GROUP", _GROUP, self._consumer, *wait, "STREAMS", self._name, ">")
        return _message(found[0][1][0], 1) if found else None

    def _left_over(self) -> Message | None:
        claimed = self._redis("XAUTOCLAIM", self._name, _GROUP, self._consumer, self._retry, "0-0", "COUNT", 1)
        if not claimed[1]:
            return None
        at = claimed[1][0][0]
        ((_, _, _, count),) = self._redis("XPENDING", self._name, _GROUP, at, at, 1)
        return _message(claimed[1][0], count)


class MemoryQueue:
    """A message a second of its own making, to look at a worker without a Redis."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._numbers = itertools.count(1)

    def put(self, content: Mapping[str, str]) -> None:
        self._waiting.append(Message(str(next(self._numbers)), content))

    def take(self) -> Message | None:
        if not self._waiting:
            time.sleep(1)
            self.put({"body": "an example"})
        return self._waiting.popleft()

    def done(self, message: Message) -> None: ...

    def again(self, message: Message) -> None:
        self._waiting.append(Message(message.id, message.content, message.attempt + 1))

    def put_aside(self, message: Message, reason: str) -> None: ...

    def depth(self) -> int:
        return len(self._waiting)


def queue(settings: Settings) -> Queue:
    """The queue that the settings name."""
    return MemoryQueue() if settings.queue_url == "memory:" else RedisQueue(settings)


def _message(entry: list, attempt: int) -> Message:
    words = iter(entry[1])
    return Message(entry[0], dict(zip(words, words, strict=True)), attempt)
