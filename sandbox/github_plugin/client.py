"""Requests to GitHub as the real plugin makes them: one after the other, with a pause after a write, some repeated."""

import json
import threading
import time
from typing import Any, cast
from urllib.parse import quote

import httpx

from sandbox.github_plugin.settings import Settings
from sandbox.github_plugin.wire import Json, fields, items

LONGEST_WAIT = 600
"""Seconds for which a rate limit is waited for."""

_REPEATED_AFTER_RESET = frozenset({"GET", "HEAD"})
"""What Go's client sends once more when the server closed the connection (net/http, `Request.isReplayable`)."""


class PluginError(Exception):
    """What went wrong, in a sentence for a person."""


class GitHubError(PluginError):
    """GitHub refused, in its own words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status: int = status


class GitHub:
    """One owner of one GitHub."""

    def __init__(self, settings: Settings) -> None:
        """Logs in and looks the owner up, as the real plugin does before anything else."""
        self._settings = settings
        self._client = httpx.Client(
            base_url=settings.rest,
            headers={"Accept": "application/vnd.github+json", "Content-Type": "application/json"},
            timeout=httpx.Timeout(60, connect=10),
            verify=not settings.insecure,
            trust_env=False,  # the sandbox's GitHub is on this machine, and no proxy reaches it
            follow_redirects=True,
        )
        self._turn = threading.Lock()
        self._cancelled = threading.Event()
        self._next_request = 0.0
        if token := self._token():
            self._client.headers["Authorization"] = f"Bearer {token}"
        self.owner: str = settings.owner or str(self.require("/user")["login"])
        found = self.find(f"/orgs/{self.owner}")
        self.organization_id: int | None = found["id"] if found else None

    def cancel(self) -> None:
        """Starts no request any more; those that are under way end."""
        self._cancelled.set()

    def close(self) -> None:
        self._client.close()

    @property
    def team_path(self) -> str:
        """What numeric ids of teams lie under."""
        if self.organization_id is None:
            raise PluginError(f"{self.owner} is not an organization, and only organizations have teams")
        return f"/organizations/{self.organization_id}/team"

    def repository_path(self, repository: str) -> str:
        return f"/repos/{self.owner}/{quote(repository, safe='')}"

    def find(self, path: str, *, accept: str = "", **query: str) -> Json | None:
        """The document at a path; None if there is none. `_etag` is the answer's ETag."""
        try:
            answer = self._send("GET", path, query=query, accept=accept)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise
        return _document(answer) | {"_etag": answer.headers.get("ETag", "")}

    def require(self, path: str, **query: str) -> Json:
        """The document at a path, which has to be there."""
        return _document(self._send("GET", path, query=query))

    def list(self, path: str, **query: str) -> list[Json]:
        """All items of a collection, page by page."""
        found: list[Json] = []
        page = 1
        while True:
            answer = self._send("GET", path, query={"per_page": "100", "page": str(page), **query})
            found += cast("list[Json]", answer.json())
            if 'rel="next"' not in answer.headers.get("Link", ""):
                return found
            page += 1

    def write(self, method: str, path: str, content: object = None) -> Json:
        """POST, PUT, PATCH or DELETE; the answer's document, empty where there is none."""
        return _document(self._send(method, path, content))

    def remove(self, path: str) -> None:
        """Deletes what is at a path, or finds it gone."""
        try:
            self._send("DELETE", path)
        except GitHubError as error:
            # A ref that is not there is refused with 422.
            if error.status != 404 and "does not exist" not in str(error):
                raise

    def graphql(self, query: str, variables: Json) -> Json:
        """The `data` of a GraphQL query."""
        answer = _document(self._send("POST", self._settings.graphql, {"query": query, "variables": variables}))
        if problems := items(answer, "errors"):
            raise PluginError("; ".join(str(problem.get("message")) for problem in problems))
        return fields(answer, "data")

    def _token(self) -> str:
        settings = self._settings
        if settings.token or settings.app is None:
            return settings.token
        import jwt  # noqa: PLC0415  # with `cryptography`, and only an App needs it

        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": settings.app.id}
        try:
            signed = jwt.encode(claims, settings.app.key, algorithm="RS256")
        except (ValueError, jwt.PyJWTError):
            raise PluginError("appAuth.pemFile: this is not a private key in PEM form; give the App's key") from None
        self._client.headers["Authorization"] = f"Bearer {signed}"
        # Made once, as in the real plugin: an `up` of more than an hour ends with 401.
        return str(self.write("POST", f"/app/installations/{settings.app.installation}/access_tokens")["token"])

    def _send(
        self, method: str, path: str, content: object = None, query: dict[str, str] | None = None, accept: str = ""
    ) -> httpx.Response:
        sent = self._client.build_request(
            method,
            path,
            params=query or None,
            content=None if content is None else json.dumps(content),
            headers={"Accept": accept} if accept else None,
        )
        attempts = self._settings.retries
        while True:
            answer = self._paced(sent)
            wait = _rate_limited(answer)
            if wait is None and answer.status_code in self._settings.retried and attempts > 0:
                attempts -= 1
                wait = self._settings.retry_delay
            if wait is None:
                return _accepted(answer)
            self._cancelled.wait(wait)

    def _paced(self, sent: httpx.Request) -> httpx.Response:
        if self._settings.parallel:
            return self._request(sent)
        with self._turn:
            self._cancelled.wait(max(0.0, self._next_request - time.monotonic()))
            answer = self._request(sent)
            delay = self._settings.read_delay if sent.method == "GET" else self._settings.write_delay
            self._next_request = time.monotonic() + delay
            return answer

    def _request(self, sent: httpx.Request) -> httpx.Response:
        if self._cancelled.is_set():
            raise PluginError("cancelled; run the command again to go on")
        try:
            try:
                return self._client.send(sent)
            except (httpx.ReadError, httpx.RemoteProtocolError):
                if sent.method not in _REPEATED_AFTER_RESET:
                    raise
                return self._client.send(sent)
        except httpx.HTTPError as error:
            cause = str(error) or type(error).__name__
            raise PluginError(f"GitHub at {self._settings.rest} cannot be reached: {cause}") from None


def _rate_limited(answer: httpx.Response) -> float | None:
    """Seconds to wait for a rate limit that this answer reports; None if it reports none."""
    if answer.status_code not in {403, 429}:
        return None
    if (after := answer.headers.get("Retry-After", "")).isdigit():
        wait = float(after)
    elif answer.headers.get("X-RateLimit-Remaining") == "0":
        wait = float(answer.headers.get("X-RateLimit-Reset", "0")) - time.time() + 1
    else:
        return None
    return max(wait, 1.0) if wait <= LONGEST_WAIT else None


def _accepted(answer: httpx.Response) -> httpx.Response:
    if not answer.is_error:
        return answer
    document = _document(answer)
    details = cast("list[Any]", document.get("errors") or [])
    more = "; ".join(_detail(detail) for detail in details)
    said = f"{document.get('message') or answer.reason_phrase}{f' [{more}]' if more else ''}"
    request = answer.request
    raise GitHubError(answer.status_code, f"{request.method} {request.url.path}: {answer.status_code} {said}")


def _detail(detail: object) -> str:
    given = fields(detail)
    named = " ".join(str(given[key]) for key in ("resource", "field", "code") if given.get(key))
    return str(given.get("message") or named or detail)


def _document(answer: httpx.Response) -> Json:
    try:
        return fields(answer.json())
    except ValueError:
        return {}
