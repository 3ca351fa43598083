"""What requests to GitHub are signed with: a token, or a GitHub App's key from which short-lived tokens are made."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

import jwt

from components.github.errors import GitHubError
from manifests.model import credentials
from slipway_release import fields
from slipway_release.errors import ApiError
from slipway_release.github import GitHub

_ALGORITHM = "RS256"
_RENEW_SECONDS = 300
"""How long before its end a token is no longer used; a large repository may take minutes."""


class Credentials(Protocol):
    """Gives the token for the next request; may ask a GitHub that is given without one."""

    def token(self, anonymous: GitHub) -> str: ...


@dataclass(frozen=True)
class Anonymous:
    """Without a credential, for what GitHub answers to everybody."""

    def token(self, anonymous: GitHub) -> str:
        del anonymous
        return ""


@dataclass(frozen=True)
class Token:
    """A token, without what was pasted around it."""

    value: str = field(repr=False)

    def token(self, anonymous: GitHub) -> str:
        del anonymous
        try:
            return credentials.token(self.value)
        except credentials.CredentialError as error:
            raise GitHubError(f"the token cannot be sent: {error}") from None


@dataclass
class AppKey:
    """The private key of an App, and where it is installed."""

    app_id: str
    installation_id: str
    private_key: str = field(repr=False)
    _token: str = field(default="", repr=False)
    _expires: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def token(self, anonymous: GitHub) -> str:
        with self._lock:
            if time.time() > self._expires - _RENEW_SECONDS:
                self._renew(anonymous)
            return self._token

    def _renew(self, anonymous: GitHub) -> None:
        path = f"/app/installations/{self.installation_id}/access_tokens"
        assertion = AppItself(self.app_id, self.private_key).token(anonymous)
        try:
            answer = GitHub(anonymous.api_url, assertion, anonymous.transport).post(path, {})
        except ApiError as error:
            # GitHub refuses what a machine signs whose clock is a minute ahead of its own.
            check = "check its id, its installation's id, its private key and this machine's clock"
            reason = f"{error.message}: App {self.app_id} gets no token; {check}"
            raise GitHubError(f"POST {path}: HTTP {error.status}: {reason}", error.status, error.message) from None
        self._token = fields.text(answer, "token", path)
        self._expires = datetime.fromisoformat(fields.text(answer, "expires_at", path)).timestamp()


@dataclass(frozen=True)
class AppItself:
    """An App as the App, and not as one of its installations: it may ask about itself and no more."""

    app_id: str
    private_key: str = field(repr=False)

    @cached_property
    def _key(self) -> Any:
        """The key, read once: that takes fifty times as long as to sign with it."""
        return jwt.get_algorithm_by_name(_ALGORITHM).prepare_key(self.private_key)

    def token(self, anonymous: GitHub) -> str:
        del anonymous
        now = int(time.time())
        # A minute back, because GitHub refuses a clock that is ahead of its own.
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.app_id}
        try:
            return jwt.encode(claims, self._key, algorithm=_ALGORITHM)
        except (ValueError, TypeError, jwt.PyJWTError):
            # The key library's own words could quote the key.
            reason = "its private key is not an RSA key in PEM form; set it again from the file that GitHub gave"
            raise GitHubError(f"App {self.app_id}: {reason}") from None
