"""ID tokens of running jobs: what GitHub says of a job with `id-token: write`, signed for an audience it names."""

import secrets
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.github.actions.scopes import Scope
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document
from sandbox.github.core.tokens import digest
from sandbox.github.identity.tokens import ALGORITHM, Signer

PATH = "/_services/token"
"""Where it is mounted, as on GitHub Enterprise Server; with the server's URL it is the issuer."""
SECONDS = 300
REQUEST_URL, REQUEST_TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"


class IdTokens:
    """The issuer of one Forge's jobs."""

    def __init__(self, forge: Forge) -> None:
        self._issuer = f"{forge.url}{PATH}"
        self._requests = forge.store.table("id_token_requests")
        self._signer = Signer(forge.directory, "actions")

    def variables(self, claims: Document) -> dict[str, str]:
        """What a job asks with, for as long as it runs."""
        token = secrets.token_urlsafe(32)
        self._requests.put(digest(token), claims)
        return {REQUEST_URL: f"{self._issuer}/request?api-version=2.0", REQUEST_TOKEN: token}

    def end(self, variables: dict[str, str]) -> None:
        """The job has ended: nothing is given for its token any more."""
        self._requests.delete(digest(variables.get(REQUEST_TOKEN, "")))

    def application(self) -> Starlette:
        """All of it, to be mounted at `PATH`."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/.well-known/jwks", self._keys),
                Route("/request", self._issue),
            ]
        )

    async def _discovery(self, _: Request) -> Response:
        keys = f"{self._issuer}/.well-known/jwks"
        known = {"issuer": self._issuer, "jwks_uri": keys, "id_token_signing_alg_values_supported": [ALGORITHM]}
        return JSONResponse(known)

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(self._signer.key_set())

    async def _issue(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self._requests.get(digest(token))
        if scheme.lower() != "bearer" or claims is None:
            return JSONResponse({"message": "Unauthorized"}, 401)
        # Tokens are for others, who know nothing of a moved clock.
        present = int(time.time())
        owner = f"{self._issuer.removesuffix(PATH)}/{claims['repository_owner']}"
        given = {"iss": self._issuer, "aud": request.query_params.get("audience") or owner, "nbf": present - 300}
        value = self._signer.sign(claims | given | {"iat": present, "exp": present + SECONDS})
        return JSONResponse({"count": len(value), "value": value})


def claims(run: Document, scope: Scope, job: Document, github: Document, visibility: str) -> Document:
    """What GitHub says of a job: the run's facts, and the workflow file that the job stands in."""
    same = (
        "actor", "actor_id", "base_ref", "event_name", "head_ref", "ref", "ref_type", "repository", "repository_id",
        "repository_owner", "repository_owner_id", "run_attempt", "run_id", "run_number", "sha", "workflow",
        "workflow_ref", "workflow_sha",
    )  # fmt: skip
    environment: str = job["environment"] or ""
    place = f"environment:{environment}" if environment else f"ref:{github['ref']}"
    called: Any = scope.call["source"] if scope.call is not None else None
    found = (
        {"job_workflow_ref": called["ref"], "job_workflow_sha": called["sha"]}
        if called is not None
        else {"job_workflow_ref": github["workflow_ref"], "job_workflow_sha": run["sha"]}
    )
    return {
        **{name: str(github[name]) for name in same},
        **found,
        **({"environment": environment} if environment else {}),
        "sub": f"repo:{github['repository']}:{place}",
        "ref_protected": "true" if github["ref_protected"] else "false",
        "repository_visibility": visibility,
        "runner_environment": "self-hosted",
    }
