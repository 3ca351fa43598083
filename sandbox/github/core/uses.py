"""What calls of Apps and workflows need: what a token holds and no call of it needs, it can do without."""

import threading

from sandbox.github.core.principals import Principal

LEVELS = ("none", "read", "write", "admin")


class Uses:
    """The permissions that were held and those that were needed, by the account that called."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, str]] = {}
        self._needed: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def note(self, principal: Principal, permission: str) -> None:
        """A call was let in by a permission, `contents:write` for example."""
        if not principal.is_integration:
            return
        name, _, level = permission.partition(":")
        with self._lock:
            _raise(self._held.setdefault(principal.login, {}), principal.permissions or {})
            _raise(self._needed.setdefault(principal.login, {}), {name: level or "read"})

    def table(self) -> dict[str, dict[str, dict[str, str]]]:
        """By account: `held` by any of its tokens, `needed` by a call, and `unused`."""
        with self._lock:
            return {
                login: {
                    "held": dict(held),
                    "needed": dict(self._needed[login]),
                    "unused": {
                        name: level
                        for name, level in held.items()
                        if name != "metadata"
                        and LEVELS.index(self._needed[login].get(name, "none")) < LEVELS.index(level)
                    },
                }
                for login, held in self._held.items()
            }


def _raise(found: dict[str, str], permissions: dict[str, str]) -> None:
    for name, level in permissions.items():
        found[name] = max(found.get(name, "none"), level, key=LEVELS.index)
