"""Tokens: only their hashes are kept, with whom they stand for, what they may do and until when."""

import hashlib
import secrets
import string

from sandbox.github.core.clock import later
from sandbox.github.core.principals import ACTIONS_APP_ID, ACTIONS_LOGIN, Kind, Principal
from sandbox.github.core.store import Document, Store

ALPHABET = string.ascii_letters + string.digits


class Tokens:
    """All tokens of the server."""

    def __init__(self, store: Store) -> None:
        self._table = store.table("tokens")

    def add_user_token(self, token: str, login: str, scopes: list[str]) -> None:
        """Makes a given text the classic token of a user; doing it again changes its scopes."""
        self._table.put(digest(token), {"kind": Kind.USER, "login": login, "scopes": scopes, "expires_at": None})

    def replace_user_token(self, token: str, login: str, scopes: list[str]) -> None:
        """The same for the token that a seed gives a user; the one that it gave before ends."""
        for key in self._table.keys():  # noqa: SIM118 - a method, not a mapping's
            if key != digest(token) and (self._table.get(key) or {}).get("seeded") == login:
                self._table.delete(key)
        kept = {"kind": Kind.USER, "login": login, "scopes": scopes, "expires_at": None, "seeded": login}
        self._table.put(digest(token), kept)

    def issue_installation_token(
        self,
        installation: Document,
        permissions: dict[str, str],
        repositories: list[str] | None,
        seconds: float,
        *,
        purpose: str = "",
    ) -> tuple[str, str]:
        """A new token of an App's installation and the time at which it ends."""
        return self._issue(
            "ghs_",
            seconds,
            {
                "kind": Kind.INSTALLATION,
                "login": f"{installation['app_slug']}[bot]",
                "permissions": permissions,
                "repositories": repositories,
                "app_id": installation["app_id"],
                "installation_id": installation["id"],
                "owner": installation["account"],
                "purpose": purpose,
            },
        )

    def issue_workflow_token(
        self, login: str, repository: str, permissions: dict[str, str], seconds: float, *, purpose: str = ""
    ) -> str:
        """A new GITHUB_TOKEN, good for one repository."""
        token, _ = self._issue(
            "ghs_",
            seconds,
            {
                "kind": Kind.WORKFLOW,
                "login": login or ACTIONS_LOGIN,
                "permissions": {"metadata": "read"} | permissions,
                "repositories": [repository.lower()],
                "app_id": ACTIONS_APP_ID,
                "owner": repository.partition("/")[0],
                "purpose": purpose,
            },
        )
        return token

    def revoke(self, token: str) -> None:
        """Ends a token at once; unknown ones are ignored."""
        self._table.delete(digest(token))

    def revoke_installation(self, installation_id: int) -> None:
        """Ends all tokens of an installation."""
        for key in self._table.keys():  # noqa: SIM118 - a method, not a mapping's
            if (self._table.get(key) or {}).get("installation_id") == installation_id:
                self._table.delete(key)

    def principal(self, token: str) -> Principal | None:
        """Whom a token stands for, or None if it is unknown or has ended."""
        key = digest(token)
        document = self._table.get(key)
        if document is None:
            return None
        if document.get("expires_at") and document["expires_at"] <= later(0):
            self._table.delete(key)
            return None
        repositories = document.get("repositories")
        scopes = document.get("scopes")
        return Principal(
            kind=Kind(document["kind"]),
            login=document["login"],
            permissions=document.get("permissions"),
            repositories=None if repositories is None else frozenset(repositories),
            scopes=None if scopes is None else frozenset(scopes),
            app_id=document.get("app_id"),
            installation_id=document.get("installation_id"),
            owner=document.get("owner"),
            purpose=document.get("purpose") or "",
        )

    def _issue(self, prefix: str, seconds: float, document: Document) -> tuple[str, str]:
        self._forget_expired()
        token = prefix + "".join(secrets.choice(ALPHABET) for _ in range(36))
        document["expires_at"] = later(seconds)
        self._table.put(digest(token), document)
        return token, document["expires_at"]

    def _forget_expired(self) -> None:
        present = later(0)
        for key in self._table.keys():  # noqa: SIM118 - a method, not a mapping's
            document = self._table.get(key)
            if document and document.get("expires_at") and document["expires_at"] <= present:
                self._table.delete(key)


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
