"""From an Authorization header to a principal."""

import base64
import binascii
from typing import Any

import jwt

from sandbox.github.core.errors import GitHubError, bad_credentials
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import ANONYMOUS, Kind, Principal

LONGEST_JWT = 600
"""Seconds for which GitHub lets an App's JWT live."""

CLOCK_DRIFT = 60


def authenticate(forge: Forge, header: str | None) -> Principal:
    """Whom a request speaks for.

    Raises:
        GitHubError: 401, the credential is not good.
    """
    if not header:
        return ANONYMOUS
    scheme, _, value = header.partition(" ")
    value = value.strip()
    if scheme.lower() == "basic":
        return _basic(forge, value)
    if scheme.lower() not in ("bearer", "token") or not value:
        raise bad_credentials()
    return _token(forge, value)


def _token(forge: Forge, value: str) -> Principal:
    if value.count(".") == 2 and value.startswith("ey"):
        return _app(forge, value)
    principal = forge.tokens.principal(value)
    if principal is None:
        raise bad_credentials()
    return principal


def _basic(forge: Forge, value: str) -> Principal:
    """Git and curl: the token is the password, or the user name of an empty password."""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise bad_credentials() from error
    for candidate in (password, user):
        principal = forge.tokens.principal(candidate) if candidate else None
        if principal is not None:
            return principal
    raise bad_credentials()


def _app(forge: Forge, token: str) -> Principal:
    undecodable = GitHubError(401, "A JSON web token could not be decoded")
    try:
        unverified: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as error:
        raise undecodable from error
    issuer = str(unverified.get("iss", ""))
    apps = forge.store.table("apps")
    app = apps.get(issuer) or next((found for found in apps if found["client_id"] == issuer), None)
    if app is None:
        raise GitHubError(401, "'Issuer' claim ('iss') must be an Integer")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            app["public_key"],
            algorithms=["RS256"],
            leeway=CLOCK_DRIFT,
            options={"require": ["exp", "iat"], "verify_aud": False, "verify_iss": False},
        )
    except jwt.ImmatureSignatureError as error:
        raise GitHubError(
            401, "'Issued at' claim ('iat') must be an Integer representing a time in the past"
        ) from error
    except jwt.ExpiredSignatureError as error:
        raise GitHubError(
            401, "'Expiration time' claim ('exp') must be a numeric value representing the future"
        ) from error
    except jwt.PyJWTError as error:
        raise undecodable from error
    if claims["exp"] - claims["iat"] > LONGEST_JWT + CLOCK_DRIFT:
        raise GitHubError(401, "'Expiration time' claim ('exp') is too far in the future")
    return Principal(Kind.APP, login=app["slug"], app_id=app["id"], owner=app["owner"])
