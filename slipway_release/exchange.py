"""One HTTP request and its answer, over the standard library: nothing is tried again or followed here."""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cache, cached_property
from typing import IO, TypeAlias, cast

from slipway_release.errors import RefusedError

_TIMEOUT = 60.0


@dataclass(frozen=True)
class Response:
    """What a server answers."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """By lower-case name."""
    body: bytes = b""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @cached_property
    def _content(self) -> object:
        return json.loads(self.body) if self.body else None

    def json(self) -> object:
        """The body as JSON; None when there is none."""
        return self._content

    @property
    def is_cut_off(self) -> bool:
        """Whether it is JSON that ends too early: a proxy may end what it does not get."""
        if not self.ok or self.body[:1] not in {b"{", b"["}:
            return False
        try:
            self.json()
        except ValueError:
            return True
        return False

    @property
    def message(self) -> str:
        """What the server says is wrong, as one short line."""
        try:
            content = self.json()
        except ValueError:
            content = None
        if isinstance(content, dict):
            found = cast("dict[str, object]", content)
            errors = found.get("errors")
            details = map(_detail, cast("list[object]", errors) if isinstance(errors, list) else [])
            said = [text for text in (found.get("message"), *details) if isinstance(text, str) and text]
            if said:
                return "; ".join(dict.fromkeys(said))
        return self.body[:200].decode("utf-8", "replace").strip() or http.client.responses.get(self.status, "")


Exchange: TypeAlias = Callable[[str, str, Mapping[str, str], bytes | None], Response]
"""Sends a method, a URL, headers and a body. Connections that break raise OSError or HTTPException."""


def exchange(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
    """The answer to one request, a redirect too.

    Raises:
        RefusedError: the server's certificate or a header cannot be accepted; the header is not quoted.
        ValueError: the URL is none, and may be quoted.
        OSError: the connection failed.
        http.client.HTTPException: the answer broke off.
    """
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - URLs come from the platform's own settings
    try:
        with _opener().open(request, timeout=_TIMEOUT) as answer:
            return Response(answer.status, _lowered(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Response(error.code, _lowered(error.headers), _remaining(error))
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            reason = error.reason.verify_message
            raise RefusedError(f"{shown(url)}: its certificate is not trusted: {reason}") from None
        raise error.reason if isinstance(error.reason, OSError) else OSError(error.reason) from None
    except ValueError:
        # Python's words quote the header, and the credential with it.
        raise RefusedError(
            f"{shown(url)}: the credential has a line break or a non-ASCII character in it; set it again"
        ) from None


def shown(url: str) -> str:
    """The URL without its query, which may carry more than a log should."""
    return url.split("?", 1)[0]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Leaves redirects to the transport, which knows where credentials may go."""

    def redirect_request(  # as it is given
        self,
        req: urllib.request.Request,  # noqa: ARG002
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: http.client.HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        return None


@cache
def _opener() -> urllib.request.OpenerDirector:
    # Without a context of ours, each connection would read the machine's certificates again.
    return urllib.request.build_opener(
        _NoRedirects(), urllib.request.HTTPSHandler(context=ssl.create_default_context())
    )


def _detail(error: object) -> object:
    if not isinstance(error, dict):
        return error
    fields = cast("dict[str, object]", error)
    return fields.get("message") or fields.get("code")


def _lowered(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _remaining(error: urllib.error.HTTPError) -> bytes:
    try:
        return error.read()
    except (OSError, http.client.HTTPException):
        return b""
