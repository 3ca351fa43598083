"""Events of a repository, passed on to their listeners: webhooks and Actions."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Event:
    """One thing that happened, under the name and with the payload that a webhook would get."""

    repository: str
    """Full name, such as `acme/guestbook`."""
    name: str
    """`push`, `pull_request`, `deployment_status`, …"""
    action: str | None
    """The payload's `action`, where the event has one."""
    ref: str
    """Full name of the ref that a workflow of this event runs on, such as `refs/heads/main`."""
    sha: str
    """Commit that a workflow of this event runs on; empty for a deleted ref or a pull request with conflicts."""
    actor: str
    """Login of who did it, such as `alice` or `promoter[bot]`."""
    payload: dict[str, Any] = field(default_factory=dict[str, Any])
    from_workflow_token: bool = False
    """Done with the token of a workflow run: such events start no workflow, except the two dispatches."""


Subscriber = Callable[[Event], None]


class EventBus:
    """Calls every subscriber, in order of subscription, on the thread that publishes."""

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []
        self._lock = threading.Lock()

    def subscribe(self, subscriber: Subscriber) -> None:
        """Adds a subscriber. It must return quickly: the request that caused the event waits for it."""
        with self._lock:
            self._subscribers.append(subscriber)

    def publish(self, event: Event) -> None:
        """Tells all subscribers; one that fails is logged and does not stop the others."""
        with self._lock:
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            try:
                subscriber(event)
            except Exception:
                logger.exception("a subscriber failed on %s of %s", event.name, event.repository)
