"""What a login has granted to a client and is not yet used up: codes for a minute, refresh tokens for a day."""

import base64
import hashlib
import secrets
import time
from dataclasses import asdict, dataclass

from sandbox.github.core.store import Store
from sandbox.github.core.tokens import digest

CODE_SECONDS = 60
REFRESH_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Grant:
    """Somebody let a client know who they are."""

    client: str
    login: str
    scopes: tuple[str, ...]
    nonce: str = ""
    redirect_uri: str = ""
    challenge: str = ""
    """SHA-256 of what only the client knows that has begun the login, in base64url (PKCE, S256)."""


class Grants:
    """All of them; only hashes of the texts that stand for them are kept."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("identity_grants")
        self._lock = store.lock

    def add(self, grant: Grant, seconds: float) -> str:
        """Keeps a grant, and returns the text that stands for it."""
        present = time.time()
        with self._lock:
            for key in self._table.keys():  # noqa: SIM118 - a method, not a mapping's
                if (self._table.get(key) or {"ends": 0})["ends"] < present:
                    self._table.delete(key)
            text = secrets.token_urlsafe(32)
            self._table.put(digest(text), asdict(grant) | {"ends": present + seconds})
        return text

    def take(self, text: str) -> Grant | None:
        """The grant of a text, which is used up by that; None if it was, has ended or never was one."""
        with self._lock:
            kept = self._table.get(digest(text))
            if kept is None or not self._table.delete(digest(text)) or kept["ends"] < time.time():
                return None
        return Grant(
            kept["client"], kept["login"], tuple(kept["scopes"]),
            nonce=kept["nonce"], redirect_uri=kept["redirect_uri"], challenge=kept["challenge"],
        )  # fmt: skip


def challenge(verifier: str) -> str:
    """What PKCE's S256 makes of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
