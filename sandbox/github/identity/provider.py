"""The provider's endpoints: the authorization code flow with PKCE, refresh, discovery, keys and `userinfo`.

A browser brings no session here, and the page that asks who it is asks for no password: everybody who reaches this
machine may be everybody. All else is as strict as the providers of companies are.
"""

import html
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.github.core.forge import Forge
from sandbox.github.identity import grants, people
from sandbox.github.identity.clients import Client, Clients
from sandbox.github.identity.grants import Grant, Grants
from sandbox.github.identity.tokens import ALGORITHM, SECONDS, Signer

PATH = "/_identity"
"""Where it is mounted; with the server's URL it is the issuer."""
SCOPES = ("openid", "profile", "email", "groups", "offline_access")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in</title>
<style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:30rem;padding:0 1rem}}button{{font:inherit}}</style>
</head><body><h1>Log in to {client} as</h1><form method="post" action="?{query}">{people}</form></body></html>
"""
_BUTTON = '<p><button name="login" value="{login}">{login}</button> {name}<br><small>{groups}</small></p>'


class Provider:
    """The provider of one Forge's people."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._issuer = f"{forge.url}{PATH}"
        self._clients = Clients(forge.store)
        self._grants = Grants(forge.store)
        self._signer = Signer(forge.directory)

    def application(self) -> Starlette:
        """All of it, to be mounted at `PATH`."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/authorize", self._ask),
                Route("/authorize", self._authorize, methods=["POST"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo),
            ]
        )

    async def _discovery(self, _: Request) -> Response:
        document = {
            "issuer": self._issuer,
            "authorization_endpoint": f"{self._issuer}/authorize",
            "token_endpoint": f"{self._issuer}/token",
            "userinfo_endpoint": f"{self._issuer}/userinfo",
            "jwks_uri": f"{self._issuer}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "scopes_supported": list(SCOPES),
            "claims_supported": ["sub", "name", "email", "email_verified", "preferred_username", "groups"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        }
        return JSONResponse(document)

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(self._signer.key_set())

    async def _ask(self, request: Request) -> Response:
        """The page on which one says who one is."""
        client, refusal = self._asking(request)
        if client is None or refusal is not None:
            return refusal or _bad("no client")
        buttons = "".join(
            _BUTTON.format(
                login=html.escape(person.login),
                name=html.escape(person.name),
                groups=html.escape(", ".join(person.groups) or "in no group"),
            )
            for person in people.people(self._forge)
        )
        query = html.escape(request.url.query)
        return HTMLResponse(_PAGE.format(client=html.escape(client.id), query=query, people=buttons))

    async def _authorize(self, request: Request) -> Response:
        """Sends the browser back to the client with a code."""
        client, refusal = self._asking(request)
        if client is None or refusal is not None:
            return refusal or _bad("no client")
        query = request.query_params
        person = people.find(self._forge, (await _form(request)).get("login", ""))
        if person is None:
            return _back(query["redirect_uri"], {"error": "access_denied", "state": query.get("state", "")})
        code = self._grants.add(
            Grant(
                client.id,
                person.login,
                tuple(query.get("scope", "").split()),
                nonce=query.get("nonce", ""),
                redirect_uri=query["redirect_uri"],
                challenge=query["code_challenge"],
            ),
            grants.CODE_SECONDS,
        )
        return _back(query["redirect_uri"], {"code": code, "state": query.get("state", "")})

    def _asking(self, request: Request) -> tuple[Client | None, Response | None]:
        """The client that a login is for; beside it what is to be answered where the request is wrong."""
        query = request.query_params
        client = self._clients.find(query.get("client_id", ""))
        if client is None:
            return None, _bad("no client of this id is registered")
        target = query.get("redirect_uri", "")
        if not client.takes(target):
            # A browser is not sent to an address that the client did not register.
            return None, _bad(f"{target} is not registered for {client.id}")
        state = query.get("state", "")
        if query.get("response_type") != "code":
            return client, _back(target, {"error": "unsupported_response_type", "state": state})
        if not {"openid"} <= set(query.get("scope", "").split()) <= set(SCOPES):
            return client, _back(target, {"error": "invalid_scope", "state": state})
        if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
            described = "code challenge required: PKCE with S256"
            return client, _back(target, {"error": "invalid_request", "error_description": described, "state": state})
        return client, None

    async def _token(self, request: Request) -> Response:
        """Tokens for a code, or for a refresh token; each counts once."""
        form = await _form(request)
        client = self._clients.authenticated(request.headers.get("authorization", ""), form)
        if client is None:
            return _refused("invalid_client", 401)
        kind = form.get("grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            return _refused("unsupported_grant_type")
        is_code = kind == "authorization_code"
        grant = self._grants.take(form.get("code" if is_code else "refresh_token", ""))
        if grant is None or grant.client != client.id or bool(grant.challenge) is not is_code:
            return _refused("invalid_grant")
        if is_code and not _is_the_same_login(grant, form):
            return _refused("invalid_grant")
        return self._tokens(client, grant)

    def _tokens(self, client: Client, grant: Grant) -> Response:
        person = people.find(self._forge, grant.login)
        if person is None:
            return _refused("invalid_grant")
        known = _claims(person, grant.scopes)
        nonce = {"nonce": grant.nonce} if grant.nonce else {}
        answer: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": SECONDS,
            "scope": " ".join(grant.scopes),
            "access_token": self._signer.sign({"iss": self._issuer, "aud": self._issuer, "sub": person.login} | known),
            "id_token": self._signer.sign({"iss": self._issuer, "aud": client.id} | known | nonce),
        }
        if "offline_access" in grant.scopes:
            kept = Grant(client.id, person.login, grant.scopes)
            answer["refresh_token"] = self._grants.add(kept, grants.REFRESH_SECONDS)
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def _userinfo(self, request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        claims = self._signer.verified(token, issuer=self._issuer, audience=self._issuer)
        if scheme.lower() != "bearer" or claims is None:
            return _refused("invalid_token", 401)
        return JSONResponse({key: claims[key] for key in claims if key not in ("iss", "aud", "iat", "exp", "jti")})


def _claims(person: people.Person, scopes: tuple[str, ...]) -> dict[str, Any]:
    """What a client is told about somebody, by what it has asked for."""
    claims: dict[str, Any] = {"sub": person.login}
    if "profile" in scopes:
        claims |= {"name": person.name, "preferred_username": person.login}
    if "email" in scopes:
        claims |= {"email": person.email, "email_verified": True}
    if "groups" in scopes:
        claims["groups"] = list(person.groups)
    return claims


def _is_the_same_login(grant: Grant, form: dict[str, str]) -> bool:
    is_same_place = form.get("redirect_uri", "") == grant.redirect_uri
    return is_same_place and grants.challenge(form.get("code_verifier", "")) == grant.challenge


async def _form(request: Request) -> dict[str, str]:
    body = (await request.body()).decode(errors="replace")
    return {name: values[0] for name, values in parse_qs(body).items()}


def _back(target: str, answer: dict[str, str]) -> Response:
    joint = "&" if urlsplit(target).query else "?"
    return RedirectResponse(f"{target}{joint}{urlencode(answer)}", 303)


def _bad(text: str) -> Response:
    return HTMLResponse(f"<!doctype html><title>Not possible</title><p>{html.escape(text)}</p>", 400)


def _refused(error: str, status: int = 400) -> Response:
    return JSONResponse({"error": error}, status, headers={"Cache-Control": "no-store"})
