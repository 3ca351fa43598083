"""What requests to GitHub are signed with: a token, or a GitHub App's key from which short-lived tokens are made."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import httpx
import jwt

from components.github.errors import GitHubError
from manifests.model import credentials

_RENEW_SECONDS = 300
"""How long before its end a token is no longer used; a large repository may take minutes."""


class Credentials(Protocol):
    """Gives the token for the next request."""

    def token(self, client: httpx.Client) -> str: ...


@dataclass(frozen=True)
class Token:
    """A token, without what was pasted around it."""

    value: str = field(repr=False)

    def token(self, client: httpx.Client) -> str:
        del client
        try:
            return credentials.token(self.value)
        except credentials.CredentialError as error:
            # The client would quote the header, and the token with it, and try again and again.
            raise GitHubError("", "", 0, f"the token cannot be sent: {error}") from None


@dataclass
class AppKey:
    """The private key of an App, and where it is installed."""

    app_id: str
    installation_id: str
    private_key: str = field(repr=False)
    _token: str = field(default="", repr=False)
    _expires: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self, client: httpx.Client) -> str:
        with self._lock:
            if time.time() > self._expires - _RENEW_SECONDS:
                self._renew(client)
            return self._token

    def _renew(self, client: httpx.Client) -> None:
        path = f"/app/installations/{self.installation_id}/access_tokens"
        assertion = AppItself(self.app_id, self.private_key).token(client)
        answer = client.post(path, headers={"Authorization": f"Bearer {assertion}"})
        if answer.status_code != 201:
            raise GitHubError(
                "POST",
                path,
                answer.status_code,
                f"App {self.app_id} gets no token; check its id, its installation's id and its private key",
            )
        self._token = answer.json()["token"]
        self._expires = datetime.fromisoformat(answer.json()["expires_at"]).timestamp()


@dataclass(frozen=True)
class AppItself:
    """An App as the App, and not as one of its installations: it may ask about itself and no more."""

    app_id: str
    private_key: str = field(repr=False)

    def token(self, client: httpx.Client) -> str:
        del client
        now = int(time.time())
        # A minute back, because GitHub refuses a clock that is ahead of its own.
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.app_id}
        try:
            return jwt.encode(claims, self.private_key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            # The key library's own words could quote the key.
            reason = "its private key is not an RSA key in PEM form; set it again from the file that GitHub gave"
            raise GitHubError("", "", 0, f"App {self.app_id}: {reason}") from None
