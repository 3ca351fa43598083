"""HTTP that does not give up at the first hiccup.

Owns the difference between "not now" and "no": 5xx, 429, rate limits and broken connections are
tried again with growing, jittered pauses (or as long as the server asks) until a deadline; every
other answer is returned as it is. A request may therefore reach the server twice: callers make
their writes repeatable.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import cast

from slipway_release import fields
from slipway_release.errors import RefusedError, UnavailableError

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Response:
    """A final answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> object:
        """The body as JSON; None when there is none."""
        return json.loads(self.body) if self.body else None

    @property
    def message(self) -> str:
        """What the server says is wrong, as one short line."""
        try:
            content = self.json()
        except ValueError:
            content = None
        if isinstance(content, dict):
            message = fields.optional_text(fields.document(cast("object", content), "answer"), "message")
            if message:
                return message
        return self.body[:200].decode("utf-8", "replace").strip() or http.client.responses.get(self.status, "")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never carries a credential to another host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if request is not None and _origin(newurl) != _origin(req.full_url):
            request.remove_header("Authorization")
        return request


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


@dataclass
class Transport:
    """Sends requests until they are answered or the deadline has passed."""

    deadline_seconds: float = 900.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    log: Callable[[str], None] = print
    _opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(_SafeRedirects()), init=False
    )
    _end: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.deadline_seconds

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """The server's final answer, whatever its status."""
        attempt = 0
        while True:
            response, problem = self._once(method, url, headers or {}, body)
            if response is not None and not is_transient(response):
                return response
            if response is not None:
                problem = f"HTTP {response.status}: {response.message}"
            self.pause(attempt, f"{method} {_shown(url)}: {problem}", _asked_pause(response))
            attempt += 1

    def pause(self, attempt: int, problem: str, asked: float | None = None) -> None:
        """Wait before the next attempt, or end with `UnavailableError` if the deadline is before it."""
        longest = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE)
        seconds = asked if asked is not None else longest * (0.5 + self.jitter() / 2)
        if self.clock() + seconds > self._end:
            raise UnavailableError(
                f"{problem}; gave up after {attempt + 1} attempts, nothing is lost: re-run this run to resume"
            )
        self.log(f"{problem}; trying again in {seconds:.1f} s")
        self.sleep(seconds)

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[Response | None, str]:
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - URLs come from the platform's own file
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as answer:
                return Response(answer.status, _lowered(answer.headers), answer.read()), ""
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, _lowered(error.headers), _remaining(error)), ""
        except ssl.SSLCertVerificationError as error:
            raise UnavailableError(f"{_shown(url)}: its certificate is not trusted: {error.verify_message}") from None
        except urllib.error.URLError as error:
            return None, str(error.reason)
        except ValueError:
            # Python's words quote the header, and the credential with it.
            raise RefusedError(
                f"{_shown(url)}: the credential has a line break or a non-ASCII character in it; set it again"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            return None, f"{type(error).__name__}: {error}"


def is_transient(response: Response) -> bool:
    """Whether the same request may well succeed a little later."""
    if response.status in _TRANSIENT:
        return True
    if response.status != 403:
        return False
    # GitHub's primary and secondary rate limits answer 403 like a refusal does.
    return (
        "retry-after" in response.headers
        or response.headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in response.message.lower()
    )


def _asked_pause(response: Response | None) -> float | None:
    if response is None:
        return None
    after = response.headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) - time.time())
    return None


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _remaining(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read()
    except (OSError, http.client.HTTPException):
        return b""


def _shown(url: str) -> str:
    """The URL without its query, which may carry more than a log should."""
    return url.split("?", 1)[0]
