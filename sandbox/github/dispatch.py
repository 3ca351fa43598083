"""One request from socket to answer: faults, credentials, route, permission, handler, paging, ETag, logs."""

import hashlib
import inspect
import json
import logging
import time
import uuid
from collections.abc import Awaitable
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from sandbox.github.access import authentication
from sandbox.github.access.authorization import authorise
from sandbox.github.core import aliases, faults
from sandbox.github.core.errors import GitHubError, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import ANONYMOUS, Principal
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import API, Router
from sandbox.github.git.transport import Call

GHES_VERSION = "3.19.1"
GRAPHQL = "/api/graphql"
PER_PAGE = 30
MOST_PER_PAGE = 100

unknown_routes = logging.getLogger("sandbox.github.unknown")
requests_log = logging.getLogger("sandbox.github.requests")
logger = logging.getLogger(__name__)


class Dispatcher:
    """Answers everything except git's own protocol."""

    def __init__(self, forge: Forge, router: Router, call: Call = run_in_threadpool) -> None:
        """Prepares to answer.

        Args:
            forge: The server.
            router: All routes.
            call: How what blocks is called.
        """
        self._forge = forge
        self._call = call
        self._router = router

    async def __call__(self, http: HttpRequest) -> Response:
        """The answer to one HTTP request."""
        started = time.monotonic()
        raw_path = cast("bytes", http.scope["raw_path"]).decode("latin-1")
        body = await http.body()
        principal, resource = ANONYMOUS, "graphql" if raw_path == GRAPHQL else "core"
        counted = raw_path.startswith("/api/") and raw_path != f"{API}/rate_limit"
        try:
            if fault := faults.strike(self._forge, http.method, raw_path):
                response = fault
            else:
                principal = await self._call(
                    authentication.authenticate, self._forge, http.headers.get("authorization")
                )
                if counted:
                    self._forge.budgets.spend(principal, resource)
                response = await self._answer(http, raw_path, body, principal)
                if counted and response.status_code == 304:
                    self._forge.budgets.give_back(principal, resource)
        except GitHubError as error:
            response = _json(error.status, error.body())
            response.headers.update(error.headers)
        except Exception:
            logger.exception("%s %s failed", http.method, raw_path)
            response = _json(500, {"message": "Server Error"})
        _add_headers(response, principal, self._forge.budgets.window(principal, resource).headers(resource))
        elapsed = (time.monotonic() - started) * 1000
        who = principal.login or principal.kind
        query = f"?{http.url.query}" if http.url.query else ""
        requests_log.info("%s %s%s %d %s %.0fms", http.method, raw_path, query, response.status_code, who, elapsed)
        return response

    async def _answer(self, http: HttpRequest, raw_path: str, body: bytes, principal: Principal) -> Response:
        path = await self._call(aliases.canonical, self._forge, raw_path)
        found = self._router.find(http.method, path)
        if found is None:
            unknown_routes.info("%s %s", http.method, raw_path)
            raise not_found()
        route, params = found
        request = Request(
            forge=self._forge,
            principal=principal,
            method=http.method,
            path=raw_path,
            params=params,
            query=dict(http.query_params),
            pairs=http.query_params.multi_items(),
            headers={name.lower(): value for name, value in http.headers.items()},
            body=body,
        )
        if inspect.iscoroutinefunction(route.handler):
            await self._call(authorise, request, route)
            answer = await cast("Awaitable[Answer]", route.handler(request))
        else:
            answer = await self._call(_authorise_and_handle, request, route)
        return _render(http, answer)


def _authorise_and_handle(request: Request, route: Any) -> Answer:
    authorise(request, route)
    return route.handler(request)


def _render(http: HttpRequest, answer: Answer) -> Response:
    if isinstance(answer, Response):
        return answer
    if answer is None:
        return Response(status_code=204)
    status, content = answer if isinstance(answer, tuple) else (200, answer)
    links = ""
    if isinstance(content, Page):
        items, links = _cut(http, content.items)
        content = {"total_count": len(content.items), content.key: items}
    elif isinstance(content, list):
        content, links = _cut(http, cast("list[Any]", content))
    if status in (204, 304) or content is None:
        return Response(status_code=status)
    response = _json(status, content)
    if links:
        response.headers["Link"] = links
    if http.method in ("GET", "HEAD") and status == 200:
        tag = f'W/"{hashlib.sha256(bytes(response.body)).hexdigest()}"'
        if tag in [candidate.strip() for candidate in http.headers.get("if-none-match", "").split(",")]:
            response = Response(status_code=304)
        response.headers["ETag"] = tag
        response.headers["Cache-Control"] = "private, max-age=60, s-maxage=60"
    return response


def _cut(http: HttpRequest, items: list[Any]) -> tuple[list[Any], str]:
    """One page of a list, and the Link header that leads to the others."""
    size = min(max(_number(http.query_params.get("per_page"), PER_PAGE), 1), MOST_PER_PAGE)
    page = max(_number(http.query_params.get("page"), 1), 1)
    last = max((len(items) + size - 1) // size, 1)
    targets: dict[str, int] = {}
    if page > 1:
        targets |= {"prev": page - 1}
    if page < last:
        targets |= {"next": page + 1, "last": last}
    if page > 1:
        targets |= {"first": 1}
    others = [(key, value) for key, value in parse_qsl(http.url.query, keep_blank_values=True) if key != "page"]
    base = str(http.url).partition("?")[0]
    links = [f'<{base}?{urlencode([*others, ("page", number)])}>; rel="{name}"' for name, number in targets.items()]
    return items[(page - 1) * size : page * size], ", ".join(links)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default


def _json(status: int, content: Any) -> Response:
    return Response(json.dumps(content).encode(), status_code=status, media_type="application/json; charset=utf-8")


def _add_headers(response: Response, principal: Principal, budget: dict[str, str]) -> None:
    response.headers["X-GitHub-Enterprise-Version"] = GHES_VERSION
    response.headers["X-GitHub-Request-Id"] = uuid.uuid4().hex[:16].upper()
    response.headers.setdefault("X-GitHub-Media-Type", "github.v3; format=json")
    for name, value in budget.items():
        response.headers.setdefault(name, value)
    if principal.scopes is not None:
        response.headers["X-OAuth-Scopes"] = ", ".join(sorted(principal.scopes))
