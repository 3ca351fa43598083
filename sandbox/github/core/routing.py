"""The table of routes: method, path, permission and handler.

A path is written as in GitHub's documentation, below `/api/v3`. `{name}` takes one segment, `{name:path}` takes slashes
too. Segments are matched as sent and decoded afterwards, so that `environments/dev%2Fguestbook` names one environment.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.github.core.requests import Answer, Request

Handler = Callable[[Request], Answer] | Callable[[Request], Awaitable[Answer]]

API = "/api/v3"

_PARAMETER = re.compile(r"\{(\w+)(:path)?\}")


@dataclass(frozen=True)
class Route:
    """One line of the table."""

    method: str
    path: str
    permission: str
    handler: Handler
    scope: str | None
    """Scope that a classic token needs beyond what the permission implies."""
    pattern: re.Pattern[str]

    @property
    def precedence(self) -> tuple[int, int]:
        """Routes are tried in this order: the more literal first."""
        free = len(_PARAMETER.findall(self.path))
        slashed = self.path.count(":path}")
        return (slashed, free - len(_PARAMETER.sub("", self.path)) * 100)


ROUTES: list[Route] = []


def route(
    method: str, path: str, *, permission: str = "metadata:read", scope: str | None = None, root: bool = False
) -> Callable[[Handler], Handler]:
    """Registers a handler.

    Args:
        method: HTTP method.
        path: Path below `/api/v3`. `{owner}` and `{repo}`, or `{org}`, are looked up before the handler runs.
        permission: What the caller must hold there: `<permission>:<read|write|admin>` as in GitHub's documentation of
            App permissions, alternatives separated by `|`; or one of `public`, `authenticated`, `user`, `app`,
            `site_admin`.
        scope: Scope that a classic token needs beyond what the permission implies.
        root: The path starts at the server's root instead of `/api/v3`.
    """

    def register(handler: Handler) -> Handler:
        full = path if root else API + path
        ROUTES.append(Route(method, full, permission, handler, scope, _compile(full)))
        return handler

    return register


def _compile(path: str) -> re.Pattern[str]:
    pattern = ""
    position = 0
    for match in _PARAMETER.finditer(path):
        pattern += re.escape(path[position : match.start()])
        pattern += f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})"
        position = match.end()
    return re.compile(pattern + re.escape(path[position:]))


class Router:
    """Finds the route of a request."""

    def __init__(self, routes: list[Route]) -> None:
        self._by_method: dict[str, list[Route]] = {}
        for entry in sorted(routes, key=lambda entry: entry.precedence):
            self._by_method.setdefault(entry.method, []).append(entry)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the decoded parts of the path, or None."""
        reserved = path.startswith(("/api/", "/_"))
        for entry in self._by_method.get("GET" if method == "HEAD" else method, []):
            if reserved and entry.path.startswith("/{"):
                # No account is called `api`: what is unknown there is unknown, and no page of a repository.
                continue
            if match := entry.pattern.fullmatch(path):
                return entry, {name: unquote(value) for name, value in match.groupdict().items()}
        return None
