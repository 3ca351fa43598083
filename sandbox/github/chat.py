"""A chat for the rehearsal: it keeps the notifications that Argo CD and workflows send to a webhook."""

from sandbox.config import NOTIFICATIONS
from sandbox.github.core import clock
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route


@route("POST", NOTIFICATIONS, permission="public", root=True)
def hear(request: Request) -> Answer:
    """Keeps a document, with the time at which it came."""
    table = request.forge.store.table("notifications")
    table.put(table.next_id(), {"at": clock.now(), **request.data()})
    return None


@route("GET", NOTIFICATIONS, permission="public", root=True)
def read(request: Request) -> Answer:
    """All documents, oldest first."""
    return request.forge.store.table("notifications").all()
