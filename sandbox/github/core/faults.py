"""Faults on demand: answers that tests ask the server to give instead of its own."""

import json
import re
import threading
from typing import Any

from starlette.responses import Response

from sandbox.github.core.errors import GitHubError
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import mapping

SECONDARY_RATE_LIMIT = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."

_lock = threading.Lock()


def strike(forge: Forge, method: str, path: str) -> Response | None:
    """The answer of the first fault that matches `METHOD /path`, using it up by one."""
    fault = _use(forge, "answer", f"{method} {path}")
    if fault is None:
        return None
    body = fault.get("body") or {"message": fault["message"], "documentation_url": "https://docs.github.com/rest"}
    response = Response(json.dumps(body).encode(), status_code=fault["status"], media_type="application/json")
    response.headers.update(fault["headers"])
    return response


def push_refusal(forge: Forge, repository: str, ref: str) -> str | None:
    """The words with which a push of a ref is to be refused, using up a fault of kind `reject-push`."""
    fault = _use(forge, "reject-push", f"{repository} {ref}")
    return None if fault is None else fault["message"]


def _use(forge: Forge, kind: str, subject: str) -> dict[str, Any] | None:
    table = forge.store.table("faults")
    if not len(table):
        return None
    with _lock:
        for key in table.keys():  # noqa: SIM118 - a method, not a mapping's
            fault = table.get(key)
            if fault is None or fault["kind"] != kind or not re.search(fault["match"], subject):
                continue
            fault["count"] -= 1
            if fault["count"] > 0:
                table.put(key, fault)
            else:
                table.delete(key)
            return fault
    return None


@route("POST", "/_sandbox/faults", permission="site_admin", root=True)
def add_fault(request: Request) -> Answer:
    """Adds a fault.

    The body has `match` (regular expression on `METHOD /path`, or on `owner/name ref` for pushes), `kind` (`answer`,
    `reject-push`, `secondary-rate-limit`), `count`, and for an answer `status`, `message`, `body` and `headers`.
    """
    given = request.data()
    kind = given.get("kind", "answer")
    if kind not in ("answer", "reject-push", "secondary-rate-limit"):
        raise GitHubError(422, f"kind: {kind!r} is unknown; one of answer, reject-push, secondary-rate-limit")
    try:
        re.compile(str(given.get("match", "")))
    except re.error as error:
        raise GitHubError(422, f"match: not a regular expression: {error}") from error
    fault: dict[str, Any] = {
        "kind": "answer" if kind == "secondary-rate-limit" else kind,
        "match": str(given.get("match", "")),
        "status": int(given.get("status", 503)),
        "count": int(given.get("count", 1)),
        "message": given.get("message", "Service unavailable"),
        "body": given.get("body"),
        "headers": {str(name): str(value) for name, value in mapping(given, "headers").items()},
    }
    if kind == "secondary-rate-limit":
        fault |= {"status": 403, "message": SECONDARY_RATE_LIMIT}
        fault["headers"] = {"Retry-After": "1", "X-RateLimit-Remaining": "0"} | fault["headers"]
    table = request.forge.store.table("faults")
    fault["id"] = table.next_id()
    table.put(fault["id"], fault)
    return 201, fault


@route("GET", "/_sandbox/faults", permission="site_admin", root=True)
def list_faults(request: Request) -> Answer:
    """Faults that have not been used up."""
    return request.forge.store.table("faults").all()


@route("DELETE", "/_sandbox/faults", permission="site_admin", root=True)
def clear_faults(request: Request) -> Answer:
    """Removes all faults."""
    request.forge.store.table("faults").delete_all("")
    return None
