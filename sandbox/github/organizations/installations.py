"""Apps that lose what they were given: their installation is suspended, or taken away."""

from sandbox.github.core.clock import now
from sandbox.github.core.errors import not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document

_PATH = "/app/installations/{installation_id}"


@route("PUT", f"{_PATH}/suspended", permission="app")
def suspend(request: Request) -> Answer:
    """Suspends an installation: its tokens do nothing until that is taken back."""
    _change(request, {"suspended_at": now()})
    return None


@route("DELETE", f"{_PATH}/suspended", permission="app")
def unsuspend(request: Request) -> Answer:
    """Takes it back."""
    _change(request, {"suspended_at": None})
    return None


@route("DELETE", _PATH, permission="app")
def uninstall(request: Request) -> Answer:
    """Takes an App out of the account; its tokens end."""
    installation = _found(request)
    request.forge.store.table("installations").delete(installation["id"])
    request.forge.tokens.revoke_installation(installation["id"])
    return None


def _change(request: Request, values: Document) -> None:
    installation = _found(request)
    request.forge.store.table("installations").put(installation["id"], installation | values)


def _found(request: Request) -> Document:
    number = request.number("installation_id")
    found = request.forge.store.table("installations").get(number)
    if found is None or found["app_id"] != request.principal.app_id:
        raise not_found()
    return found
