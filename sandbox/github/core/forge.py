"""The Forge: one GitHub, its documents, git repositories, events and tokens, which every other part is given."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from sandbox.github.core import clock
from sandbox.github.core.budgets import Budgets
from sandbox.github.core.events import EventBus
from sandbox.github.core.git_store import GitStore
from sandbox.github.core.store import Document, Store
from sandbox.github.core.tokens import Tokens
from sandbox.github.core.uses import Uses


class Forge:
    """One GitHub: its documents, git repositories, events and tokens."""

    def __init__(self, directory: Path, url: str) -> None:
        """Opens the state below `directory`, or starts with none.

        Args:
            directory: Folder that holds everything.
            url: How the outside reaches the server, such as `http://127.0.0.1:3000/`.
        """
        self.directory = directory
        self.url = url.rstrip("/")
        """Server URL as in GITHUB_SERVER_URL: no slash at the end."""
        self.api_url = f"{self.url}/api/v3"
        self.store = Store(directory / "github.db")
        clock.move((self.store.table("clock").get("ahead") or {}).get("seconds", 0))
        self.budgets = Budgets()
        self.uses = Uses()
        self.events = EventBus()
        self.tokens = Tokens(self.store)
        self.git = GitStore(directory / "git")
        self._at_close: list[Callable[[], None]] = []
        self.closed = False
        """Set, under the store's lock, before the store is closed: late threads must leave it alone."""

    def repository(self, full_name: str) -> Document | None:
        """The document of a repository, by its present or a former full name."""
        found = self._repository_id(full_name)
        return None if found is None else self.store.table("repositories").get(found)

    def issue_token(
        self,
        *,
        login: str = "github-actions[bot]",
        repository: str,
        permissions: dict[str, str],
        lifetime_seconds: float,
        purpose: str = "",
    ) -> str:
        """A GITHUB_TOKEN for a workflow run: good for one repository; its events start no workflow."""
        token = self.tokens.issue_workflow_token(login, repository, permissions, lifetime_seconds, purpose=purpose)
        self.note_issued(token)
        return token

    def note_issued(self, token: str) -> None:
        """Counts what a new token holds, whether it is used or not."""
        principal = self.tokens.principal(token)
        if principal is not None:
            self.uses.issued(principal)

    def revoke_token(self, token: str) -> None:
        """Ends a token at once."""
        self.tokens.revoke(token)

    def existing_id(self, full_name: str) -> int:
        """The id of a repository.

        Raises:
            LookupError: there is none of that name.
        """
        found = self._repository_id(full_name)
        if found is None:
            raise LookupError(f"repository {full_name} not found")
        return found

    def at_close(self, action: Callable[[], None]) -> None:
        """Has `action` called when the server stops, before the store is closed."""
        self._at_close.append(action)

    def close(self) -> None:
        """Stops what was started with this Forge and closes its files."""
        for action in reversed(self._at_close):
            with contextlib.suppress(Exception):
                action()
        with self.store.lock:
            self.closed = True
            self.store.close()

    def _repository_id(self, full_name: str) -> int | None:
        entry = self.store.table("repository_names").get(full_name.lower())
        return None if entry is None else int(entry["id"])
