"""ID tokens of GitHub's Actions: what GitHub itself says of a job that runs, signed by it for an audience.

A job can ask for a token that names an audience of its choice. With the hash of a text as the audience, the token is
GitHub's signature under that text: this job, of this workflow file, has said so. No key is kept anywhere for it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import urllib.parse

from slipway_release import fields, workflow
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.platform_types import Platform
from slipway_release.transport import Transport

_GITHUB = "https://github.com"
_ISSUER = "https://token.actions.githubusercontent.com"
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
"""What PKCS #1 puts before a SHA-256 hash (RFC 8017, 9.2)."""
_LEAST_BITS = 2048


def issuer(platform: Platform) -> str:
    """Who signs the tokens of this platform's jobs."""
    host = urllib.parse.urlsplit(platform.server_url).hostname or ""
    if platform.server_url == _GITHUB:
        return _ISSUER
    if host.endswith(".ghe.com"):
        return f"https://token.actions.{host}"
    return f"{platform.server_url}/_services/token"


def request(audience: str, transport: Transport) -> str:
    """A token of this job; the job needs `id-token: write`."""
    url = workflow.optional("ACTIONS_ID_TOKEN_REQUEST_URL")
    if not url:
        raise RefusedError(
            "id-token: write: not granted to this job; merge the pull request in which the platform changes the"
            " workflows of this repository"
        )
    headers = {"Authorization": f"Bearer {workflow.variable('ACTIONS_ID_TOKEN_REQUEST_TOKEN')}"}
    answer = transport.send("GET", f"{url}&audience={urllib.parse.quote(audience, safe='')}", headers)
    if not answer.ok:
        raise RefusedError(f"id-token: GitHub gave none (HTTP {answer.status}: {answer.message})")
    return fields.text(fields.document(answer.json(), "id-token"), "value", "id-token")


def claims(platform: Platform, token: str, transport: Transport) -> Document:
    """What a token says, if the platform's GitHub has signed it.

    When it ends does not matter here: it opens nothing, it is a signature.

    Raises:
        RefusedError: it is not such a token; the reason is in it.
    """
    signed, _, _ = token.rpartition(".")
    try:
        head, body, signature = (_decoded(part) for part in token.split("."))
        header = fields.document(json.loads(head), "id-token: header")
        found = fields.document(json.loads(body), "id-token: claims")
    except (ValueError, binascii.Error):
        raise RefusedError("it is not signed by GitHub") from None
    wanted = issuer(platform)
    # An enterprise may have a name of its own behind the issuer.
    if found.get("iss") != wanted and not str(found.get("iss")).startswith(f"{wanted}/"):
        raise RefusedError(f"it is signed by {found.get('iss')!r}, not by {wanted}")
    answer = transport.send("GET", f"{wanted}/.well-known/jwks")
    if not answer.ok:
        raise RefusedError(f"{wanted}: its keys cannot be read (HTTP {answer.status})")
    listed = fields.documents(fields.document(answer.json(), wanted).get("keys"), f"{wanted}: keys")
    keys = [key for key in listed if key.get("kid") == header.get("kid") and key.get("kty") == "RSA"]
    # Nothing but this algorithm: a token must not choose how it is looked at.
    if header.get("alg") != "RS256" or not any(_is_signed(key, signed.encode(), signature) for key in keys):
        raise RefusedError(f"its signature is not by a key of {wanted}, or by one that is not in use any more")
    return found


def _is_signed(key: Document, signed: bytes, signature: bytes) -> bool:
    """Whether RSASSA-PKCS1-v1_5 with SHA-256 gives this signature for the key."""
    modulus = int.from_bytes(_decoded(str(key.get("n"))), "big")
    exponent = int.from_bytes(_decoded(str(key.get("e"))), "big")
    size = (modulus.bit_length() + 7) // 8
    if modulus.bit_length() < _LEAST_BITS or len(signature) != size:
        return False
    end = b"\0" + _SHA256 + hashlib.sha256(signed).digest()
    wanted = b"\0\1" + b"\xff" * (size - 2 - len(end)) + end
    # The whole block is compared, so that nothing can hide behind its padding.
    return hmac.compare_digest(pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big"), wanted)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
