"""The clients that people may log in to, as the seed names them."""

import base64
import binascii
import hmac
from dataclasses import asdict, dataclass
from urllib.parse import unquote, urlsplit

from sandbox.github.core.store import Store


@dataclass(frozen=True)
class Client:
    """Argo CD's server, or its command."""

    id: str
    redirect_uris: tuple[str, ...]
    secret: str | None = None
    """None for a public client: a program on somebody's machine keeps no secret."""

    def takes(self, redirect_uri: str) -> bool:
        """Whether people may be sent there; a program on their own machine chooses its port (RFC 8252)."""
        return redirect_uri in self.redirect_uris or _without_port(redirect_uri) in self.redirect_uris


class Clients:
    """The registered ones."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("identity_clients")

    def register(self, client: Client) -> None:
        """Adds a client, or changes it."""
        self._table.put(client.id, asdict(client))

    def find(self, client_id: str) -> Client | None:
        kept = self._table.get(client_id)
        return None if kept is None else Client(kept["id"], tuple(kept["redirect_uris"]), kept["secret"])

    def authenticated(self, authorization: str, form: dict[str, str]) -> Client | None:
        """The client that a request to the token endpoint comes from, by header or by form; None if it is not shown."""
        client_id, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        client = self.find(client_id)
        if client is None or not hmac.compare_digest((client.secret or "").encode(), secret.encode()):
            return None
        return client


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(client_id), unquote(secret)


def _without_port(url: str) -> str | None:
    """A URL of this machine without its port, None for any other."""
    parts = urlsplit(url)
    if parts.hostname not in ("localhost", "127.0.0.1"):
        return None
    return parts._replace(netloc=parts.hostname).geturl()
