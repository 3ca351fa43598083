"""What calls of Apps and workflows need: what a token holds and no call of it needs, it can do without."""

import threading
from dataclasses import dataclass, field
from typing import Any

from sandbox.github.core.principals import Principal

LEVELS = ("none", "read", "write", "admin")


@dataclass
class _Use:
    """What some tokens have held, and the calls that needed each permission."""

    held: dict[str, str] = field(default_factory=dict[str, str])
    needed: dict[str, str] = field(default_factory=dict[str, str])
    calls: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def view(self) -> dict[str, Any]:
        """All of it, with what was held and not needed; every token has `metadata`."""
        unused = {
            name: level
            for name, level in self.held.items()
            if name != "metadata" and LEVELS.index(self.needed.get(name, "none")) < LEVELS.index(level)
        }
        calls = {permission: sorted(found) for permission, found in sorted(self.calls.items())}
        return {"held": dict(self.held), "needed": dict(self.needed), "unused": unused, "calls": calls}


class Uses:
    """The permissions that were held and those that were needed, by account and by what a token was made for."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Use] = {}
        self._tokens: dict[str, _Use] = {}
        self._lock = threading.Lock()

    def issued(self, principal: Principal) -> None:
        """A token was made; it may never be used."""
        if principal.purpose:
            with self._lock:
                _raise(self._of_token(principal).held, principal.permissions or {})

    def note(self, principal: Principal, permission: str, call: str) -> None:
        """A call was let in by a permission, `contents:write` for example."""
        if not principal.is_integration:
            return
        name, _, level = permission.partition(":")
        with self._lock:
            uses = [self._accounts.setdefault(principal.login, _Use())]
            if principal.purpose:
                uses.append(self._of_token(principal))
            for use in uses:
                _raise(use.held, principal.permissions or {})
                _raise(use.needed, {name: level or "read"})
                use.calls.setdefault(f"{name}:{level or 'read'}", set()).add(call)

    def table(self) -> dict[str, dict[str, Any]]:
        """By account: `held` by any of its tokens, `needed` by a call, `unused`, and the `calls` of each permission."""
        with self._lock:
            return {login: use.view() for login, use in self._accounts.items()}

    def tokens(self) -> dict[str, dict[str, Any]]:
        """The same by workflow, job, account and repositories: `promote/plan promoter[bot] environments`."""
        with self._lock:
            return {name: use.view() for name, use in sorted(self._tokens.items())}

    def _of_token(self, principal: Principal) -> _Use:
        names = ",".join(sorted(name.rpartition("/")[2] for name in principal.repositories or ["*"]))
        return self._tokens.setdefault(f"{principal.purpose} {principal.login} {names}", _Use())


def _raise(found: dict[str, str], permissions: dict[str, str]) -> None:
    for name, level in permissions.items():
        found[name] = max(found.get(name, "none"), level, key=LEVELS.index)
