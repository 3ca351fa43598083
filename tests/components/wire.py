"""A client whose requests are answered in the same process."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from components.github.api import GitHubApi
from components.github.credentials import Credentials, Token
from slipway_release.exchange import Exchange, Response


def answered(answer: Callable[[httpx.Request], httpx.Response]) -> Exchange:
    """Sends each request to a function."""

    def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        found = answer(httpx.Request(method, url, headers=dict(headers), content=body))
        return Response(found.status_code, dict(found.headers), found.content)

    return exchange


def api(
    answer: Callable[[httpx.Request], httpx.Response],
    credentials: Credentials | None = None,
    url: str = "https://github.test/api/v3",
    **options: Any,
) -> GitHubApi:
    """A client of a GitHub that is a function."""
    return GitHubApi(url, credentials or Token("ghs_token"), exchange=answered(answer), **options)
