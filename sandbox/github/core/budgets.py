"""How many requests a credential has an hour, and what GitHub answers when they are used up.

A GITHUB_TOKEN has 1,000 an hour for all runs of its repository together, an installation of an App 5,000. People are
not counted here: the tests and the demo watch the sandbox through their tokens.
"""

import threading
from dataclasses import dataclass

from sandbox.github.core import clock
from sandbox.github.core.errors import GitHubError
from sandbox.github.core.principals import Kind, Principal

HOUR = 3600
UNCOUNTED = 15000
"""What is told to those who are not counted."""

LIMITS: dict[str, int] = {Kind.WORKFLOW: 1000, Kind.INSTALLATION: 5000}


@dataclass
class Window:
    """What one credential has used of its hour."""

    limit: int
    ends: int
    used: int = 0

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    def headers(self, resource: str) -> dict[str, str]:
        """The headers that GitHub adds to every answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.ends),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Resource": resource,
        }


class Budgets:
    """The windows of all credentials; a restarted server starts them again."""

    def __init__(self) -> None:
        self.limits = dict(LIMITS)
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()

    def window(self, principal: Principal, resource: str) -> Window:
        """The present window of a credential."""
        moment = int(clock.present().timestamp())
        limit = self.limits.get(principal.kind)
        if limit is None:
            return Window(UNCOUNTED, moment + HOUR)
        with self._lock:
            key = f"{_holder(principal)} {resource}"
            window = self._windows.get(key)
            if window is None or window.ends <= moment:
                window = self._windows[key] = Window(limit, moment + HOUR)
            window.limit = limit
            return window

    def spend(self, principal: Principal, resource: str) -> None:
        """Takes one request from a credential's hour.

        Raises:
            GitHubError: 403, there is none left.
        """
        window = self.window(principal, resource)
        if window.remaining == 0:
            raise GitHubError(403, f"API rate limit exceeded for {_holder(principal)}.")
        with self._lock:
            window.used += 1

    def give_back(self, principal: Principal, resource: str) -> None:
        """Undoes `spend` for an answer that costs nothing: 304."""
        window = self.window(principal, resource)
        with self._lock:
            window.used = max(window.used - 1, 0)


def _holder(principal: Principal) -> str:
    if principal.kind is Kind.WORKFLOW:
        return f"the GITHUB_TOKEN of {', '.join(sorted(principal.repositories or []))}"
    return f"installation ID {principal.installation_id}"
