"""HTTP that does not give up at the first failure; the only retry policy of the platform.

Owns the difference between "not now" and "no": 5xx, 429, rate limits and broken connections are
tried again with growing, jittered pauses (or as long as the server asks) until a deadline; every
other answer is returned as it is. A request may therefore reach the server twice: callers make
their writes repeatable. Redirects are followed as GitHub asks of clients, since that is how it
answers for a repository that was renamed; a credential never goes to another host.
"""

from __future__ import annotations

import email.utils
import http.client
import itertools
import random
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from slipway_release.errors import UnavailableError
from slipway_release.exchange import Exchange, Response, exchange, shown

T = TypeVar("T")

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_LIMITED_PAUSE = 60.0
"""GitHub's rule for limits that name no time: a minute at least."""
_READS = frozenset({"GET", "HEAD"})
_REDIRECTS = {301: _READS, 302: _READS, 303: _READS, 307: None, 308: None}
"""Redirects and the methods that follow them; None is all methods."""
_MOST_REDIRECTS = 5


class _NotNowError(Exception):
    """The same request may well succeed a little later."""

    def __init__(self, problem: str, asked: float | None = None) -> None:
        super().__init__(problem)
        self.asked = asked
        """How many seconds the server asks to wait."""


@dataclass
class Transport:
    """Sends requests until they are answered or the deadline has passed."""

    deadline_seconds: float = 900.0
    """How long one request, or one thing that is repeated, may take."""
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random
    log: Callable[[str], None] = print
    exchange: Exchange = exchange
    remedy: str = "nothing is lost: re-run this run to resume"
    """What a person does once the deadline has passed."""

    def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Response:
        """The server's final answer, whatever its status.

        Raises:
            UnavailableError: there was none until the deadline.
        """
        return self.repeat(lambda: self._once(method, url, headers or {}, body), _NotNowError)

    def repeat(self, action: Callable[[], T], *passing: type[Exception], what: str = "", attempts: int = 0) -> T:
        """What an action returns. It is done again after errors that pass, with growing pauses.

        Args:
            action: judges again each time.
            passing: the errors that pass.
            what: names the thing in the log.
            attempts: how often it is tried at most; 0 leaves that to the deadline.

        Raises:
            UnavailableError: the deadline is before the next attempt.
            Exception: the error of the last of all attempts, or one that does not pass.
        """
        end = self.clock() + self.deadline_seconds
        for attempt in itertools.count(1):
            try:
                return action()
            except passing as error:
                if attempt == attempts:
                    raise
                problem = f"{what}: {error}" if what else str(error)
                seconds = self._pause(attempt, error.asked if isinstance(error, _NotNowError) else None)
            if self.clock() + seconds > end:
                tries = f"{attempt} attempt{'s' if attempt > 1 else ''}"
                raise UnavailableError(f"{problem}; gave up after {tries}; {self.remedy}")
            self.log(f"{problem}; trying again in {seconds:.1f} s")
            self.sleep(seconds)
        raise AssertionError

    def _pause(self, attempt: int, asked: float | None) -> float:
        if asked is not None:
            # Those who were sent away together do not come back together.
            return asked + self.jitter()
        return min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE) * (0.5 + self.jitter() / 2)

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        problem = f"{method} {shown(url)}"
        try:
            response = self._followed(method, url, headers, body)
        except (OSError, http.client.HTTPException) as error:
            raise _NotNowError(f"{problem}: no answer ({error or type(error).__name__})") from None
        if response.is_cut_off:
            raise _NotNowError(f"{problem}: the answer broke off after {len(response.body)} bytes")
        if is_transient(response):
            raise _NotNowError(f"{problem}: HTTP {response.status}: {response.message}", _asked_pause(response))
        return response

    def _followed(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        response = self.exchange(method, url, headers, body)
        for _ in range(_MOST_REDIRECTS):
            target = _target(method, url, response)
            if target is None:
                break
            if not _same_place(url, target):
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            url = target
            response = self.exchange(method, url, headers, body)
        return response


def is_transient(response: Response) -> bool:
    """Whether the same request may well succeed a little later."""
    # GitHub's primary and secondary rate limits answer 403 like a refusal does.
    return response.status in _TRANSIENT or (response.status == 403 and _is_limited(response))


def _is_limited(response: Response) -> bool:
    return (
        "retry-after" in response.headers
        or response.headers.get("x-ratelimit-remaining") == "0"
        or any(words in response.message.lower() for words in ("rate limit", "abuse detection"))
    )


def _asked_pause(response: Response) -> float | None:
    after = response.headers.get("retry-after", "")
    if after.isdecimal():
        return float(after)
    until = _moment(after)
    if until is not None:
        return max(1.0, until - _server_time(response))
    if response.status not in {403, 429} or not _is_limited(response):
        return None
    reset = response.headers.get("x-ratelimit-reset", "")
    if response.headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(1.0, float(reset) - _server_time(response))
    return _LIMITED_PAUSE


def _server_time(response: Response) -> float:
    """What the server's clock says: this machine's may be hours off."""
    said = _moment(response.headers.get("date", ""))
    return time.time() if said is None else said


def _moment(text: str) -> float | None:
    """A date of HTTP as seconds since 1970; None for something else."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None


def _target(method: str, url: str, response: Response) -> str | None:
    """Where a redirect leads, if this method follows it."""
    location = response.headers.get("location")
    methods = _REDIRECTS.get(response.status, frozenset[str]())
    if not location or (methods is not None and method not in methods):
        return None
    target = urllib.parse.urljoin(url, location)
    if urllib.parse.urlsplit(target).scheme not in {"http", "https"}:
        return None
    # What is written is meant for this host alone.
    return target if method in _READS or _same_place(url, target) else None


def _same_place(url: str, target: str) -> bool:
    """Whether a credential may go from one URL to another: the same host, or that by TLS."""
    old, new = urllib.parse.urlsplit(url), urllib.parse.urlsplit(target)
    encrypted = (old.scheme, new.scheme) == ("http", "https") and old.port is new.port is None
    return old.netloc.lower() == new.netloc.lower() and (old.scheme == new.scheme or encrypted)
