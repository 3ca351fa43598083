"""GitHub as `pulumi up` asks it: the release program's client, with credentials that renew themselves.

JSON comes as it is, and errors are Pulumi's. What is tried again, followed and waited for is `Transport`'s.
"""

import copy
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from components.github.credentials import Credentials
from components.github.errors import github_error
from slipway_release.errors import ApiError, ReleaseError
from slipway_release.exchange import Exchange, Response, exchange
from slipway_release.github import GitHub, content_of
from slipway_release.transport import Transport

T = TypeVar("T")
JsonObject = dict[str, Any]

_REMEDY = "check that this machine reaches `github.baseUrl`, then run it again"


class GitHubApi:
    """One GitHub, as one account."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        deadline_seconds: float = 300.0,
        exchange: Exchange = exchange,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes whom to ask.

        Args:
            url: of the API.
            credentials: what requests are signed with.
            deadline_seconds: how long one request may take, pauses included.
            exchange: sends one request.
            sleep: pauses between attempts.
        """
        transport = Transport(deadline_seconds, sleep, log=_silently, exchange=exchange, remedy=_REMEDY)
        self._anonymous: GitHub = GitHub(url.rstrip("/"), "", transport)
        self._credentials: Credentials = credentials

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
        with _pulumi_errors():
            try:
                return content_of(self._signed().answer("GET", path), "GET", path)
            except ApiError as error:
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
            GitHubError: the answer is a refusal, or there was none until the deadline.
        """
        return self.response(method, path, body)[0]

    def response(self, method: str, path: str, body: JsonObject | None = None) -> tuple[Any, Response]:
        """As `request`, with the whole answer."""
        with _pulumi_errors():
            answer = self._signed().answer(method, path, body)
            return content_of(answer, method, path), answer

    def pages(self, path: str, key: str = "") -> Iterator[Any]:
        """All items of a list, page by page; `key` is where the list is in an answer that is an object."""
        with _pulumi_errors():
            yield from self._signed().pages(path, key=key)

    def repeat(self, action: Callable[[], T], *passing: type[Exception], attempts: int) -> T:
        """What an action returns, done again after errors that pass; the last one is raised."""
        with _pulumi_errors():
            return self._anonymous.transport.repeat(action, *passing, attempts=attempts)

    def _signed(self) -> GitHub:
        return GitHub(self._anonymous.api_url, self._credentials.token(self._anonymous), self._anonymous.transport)


@contextmanager
def _pulumi_errors() -> Generator[None]:
    try:
        yield
    except ReleaseError as error:
        raise github_error(error) from None


def _silently(_text: str) -> None:
    """Pulumi's display has a place for what fails, and none for what is tried again."""
