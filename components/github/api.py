"""A small client of GitHub's REST API: it waits where GitHub says so, and gives up only at a definite answer."""

import copy
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx

from components.github.credentials import Credentials
from components.github.errors import GitHubError

JsonObject = dict[str, Any]

_BUSY = frozenset({429, 500, 502, 503, 504})
_LONGEST_PAUSE_SECONDS = 60.0


class GitHubApi:
    """One GitHub, as one account."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        deadline_seconds: float = 300.0,
    ) -> None:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "slipway",
        }
        # Redirects are what a renamed repository answers with; writing to the new one would hide the rename.
        self._client: httpx.Client = httpx.Client(base_url=url, headers=headers, timeout=60, transport=transport)
        self._credentials: Credentials = credentials
        self._sleep: Callable[[float], None] = sleep
        self._clock: Callable[[], float] = clock
        self._deadline_seconds: float = deadline_seconds

    def acting_as(self, credentials: Credentials) -> "GitHubApi":
        """The same GitHub, as another account."""
        other = copy.copy(self)
        other._credentials = credentials  # noqa: SLF001 - it is of this class
        return other

    def get(self, path: str) -> Any:
        """Reads something."""
        return self.request("GET", path)

    def find(self, path: str) -> Any | None:
        """Reads something that may not be there."""
        try:
            return self.request("GET", path)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, body: JsonObject) -> Any:
        """Makes something."""
        return self.request("POST", path, body)

    def patch(self, path: str, body: JsonObject) -> Any:
        """Changes something."""
        return self.request("PATCH", path, body)

    def put(self, path: str, body: JsonObject) -> Any:
        """Sets something."""
        return self.request("PUT", path, body)

    def request(self, method: str, path: str, body: JsonObject | None = None) -> Any:
        """Asks until GitHub gives a definite answer.

        Raises:
            GitHubError: the answer is a refusal, or there was none within some minutes.
        """
        return self.response(method, path, body).json_or_none

    def response(self, method: str, path: str, body: JsonObject | None = None) -> "Answer":
        """As `request`, with the headers."""
        deadline = self._clock() + self._deadline_seconds
        for attempt in self._attempts():
            try:
                token = self._credentials.token(self._client)
                response = self._client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
            except httpx.HTTPError as error:
                pause, reason, status = _backoff(attempt), _silence(error, self._client.base_url), 0
            else:
                if response.is_success:
                    return Answer(response)
                pause, reason, status = _pause(response, attempt), _message(response), response.status_code
            if pause is None or self._clock() + pause > deadline:
                raise GitHubError(method, path, status, reason)
            self._sleep(pause)
        raise AssertionError

    def pause(self, attempt: int) -> None:
        """Waits before something is tried anew, longer each time."""
        self._sleep(_backoff(attempt))

    def pages(self, path: str) -> Iterator[Any]:
        """All items of a list, page by page."""
        joint = "&" if "?" in path else "?"
        next_path: str | None = f"{path}{joint}per_page=100"
        while next_path:
            answer = self.response("GET", next_path)
            yield from cast(list[Any], answer.json_or_none or [])
            next_path = answer.next_url

    def _attempts(self) -> Iterator[int]:
        attempt = 0
        while True:
            yield attempt
            attempt += 1


class Answer:
    """A successful answer."""

    def __init__(self, response: httpx.Response) -> None:
        self._response: httpx.Response = response

    @property
    def json_or_none(self) -> Any:
        """The decoded body; None for an empty one."""
        if not self._response.content:
            return None
        try:
            return self._response.json()
        except ValueError:
            asked = self._response.request
            raise GitHubError(
                asked.method, asked.url.path, 0, f"{asked.url.host} answers with no JSON; is `github.baseUrl` a GitHub?"
            ) from None

    @property
    def next_url(self) -> str | None:
        """Where the list goes on."""
        return self._response.links.get("next", {}).get("url")

    def header(self, name: str) -> str:
        """A header, empty if it is not there."""
        return self._response.headers.get(name, "")


def _pause(response: httpx.Response, attempt: int) -> float | None:
    """How long to wait before asking again; None where the answer is definite."""
    after = response.headers.get("retry-after", "")
    limited = response.status_code == 429 or (
        response.status_code == 403
        and (after or response.headers.get("x-ratelimit-remaining") == "0" or "rate limit" in response.text)
    )
    if limited and after.isdigit():
        return float(after) + random.random()  # noqa: S311 - jitter, not a secret
    if limited and response.headers.get("x-ratelimit-remaining") == "0":
        reset = response.headers.get("x-ratelimit-reset", "")
        return max(1.0, float(reset) - time.time()) if reset.isdigit() else _LONGEST_PAUSE_SECONDS
    if limited:
        # GitHub's rule for secondary limits that name no time: a minute at least.
        return _LONGEST_PAUSE_SECONDS
    return _backoff(attempt) if response.status_code in _BUSY else None


def _backoff(attempt: int) -> float:
    return min(_LONGEST_PAUSE_SECONDS, 0.5 * 2**attempt) * (0.5 + random.random())  # noqa: S311 - jitter, not a secret


def _silence(error: httpx.HTTPError, url: httpx.URL) -> str:
    place = f"{url.host}:{url.port}" if url.port else url.host
    reason = f"no answer from {place} ({type(error).__name__}: {error})"
    return f"{reason}; check `github.baseUrl`, and whether this machine reaches it"


def _message(response: httpx.Response) -> str:
    try:
        body = cast(JsonObject, response.json())
    except ValueError:
        return response.reason_phrase
    details = [_detail(error) for error in cast(list[object], body.get("errors") or [])]
    return "; ".join([str(body.get("message", response.reason_phrase)), *filter(None, details)])


def _detail(error: object) -> str:
    if isinstance(error, str):
        return error
    fields = cast(JsonObject, error) if isinstance(error, dict) else {}
    return str(fields.get("message") or fields.get("code") or "")
