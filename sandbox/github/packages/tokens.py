"""The token server of the registry, as Docker's registries describe it and GHCR answers."""

import time
import uuid
from typing import Any

from starlette.responses import JSONResponse

from sandbox.github.core.principals import Kind
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.packages import packages, signing

SECONDS = 300


@route("GET", signing.TOKEN_PATH, permission="public", root=True)
def issue(request: Request) -> Answer:
    """A token for what the scopes ask, or GHCR's refusal of what is absent and of what is not theirs."""
    access: list[dict[str, Any]] = []
    for scope in (part for name, value in request.pairs if name == "scope" for part in value.split()):
        kind, _, rest = scope.partition(":")
        name, _, wanted = rest.rpartition(":")
        if kind != "repository":
            continue
        asked = frozenset(wanted.split(","))
        allowed = packages.granted(request.forge, request.principal, name) & asked
        if not allowed or ("push" in asked and "push" not in allowed):
            return _refusal(request)
        if "push" in allowed:
            packages.ensure(request.forge, request.principal, name)
        access.append({"type": kind, "name": name, "actions": sorted(allowed)})
    present = int(time.time())  # the registry knows nothing of a moved clock
    claims: dict[str, Any] = {
        "iss": signing.ISSUER,
        "sub": request.principal.login,
        "aud": request.query.get("service", signing.SERVICE),
        "iat": present,
        "nbf": present - 10,
        "exp": present + SECONDS,
        "jti": uuid.uuid4().hex,
        "access": access,
    }
    token = signing.ensure(request.forge.directory).token(claims)
    return {"token": token, "access_token": token, "expires_in": SECONDS}


def _refusal(request: Request) -> JSONResponse:
    if request.principal.kind is Kind.ANONYMOUS:
        problem = {"code": "UNAUTHORIZED", "message": "authentication required"}
        return JSONResponse({"errors": [problem]}, 401)
    problem = {"code": "DENIED", "message": "requested access to the resource is denied"}
    return JSONResponse({"errors": [problem]}, 403)
