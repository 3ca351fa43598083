"""REST of repository dispatches: events that somebody makes up to start workflows."""

import json

from sandbox.github.core.errors import unprocessable
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import mapping
from sandbox.github.git import publishing

MOST_PROPERTIES, LARGEST_PAYLOAD = 10, 64 * 1024
"""https://docs.github.com/rest/repos/repos: at most 10 properties, and less than 64 KB."""


@route("POST", "/repos/{owner}/{repo}/dispatches", permission="contents:write")
def dispatch(request: Request) -> Answer:
    """Starts workflows that wait for `repository_dispatch` of this type."""
    given, repository = request.data(), request.repository
    kind = str(request.required("event_type"))
    if len(kind) > 100:
        raise unprocessable("event_type is too long (maximum is 100 characters)")
    client_payload = mapping(given, "client_payload")
    if len(client_payload) > MOST_PROPERTIES:
        raise unprocessable(
            f"No more than {MOST_PROPERTIES} properties are allowed; {len(client_payload)} were supplied."
        )
    if len(json.dumps(client_payload)) > LARGEST_PAYLOAD:
        raise unprocessable("client_payload is too large.")
    branch = repository["default_branch"]
    publishing.emit(
        request.forge,
        repository,
        request.principal,
        "repository_dispatch",
        action=kind,
        ref=f"refs/heads/{branch}",
        sha=request.git.resolve(f"refs/heads/{branch}") or "",
        payload={"branch": branch, "client_payload": client_payload},
    )
    return None
