"""GitHub's REST API, as far as releases need it. Plain calls; the meaning is in the modules that use it."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slipway_release import fields
from slipway_release.errors import ApiError
from slipway_release.fields import Document
from slipway_release.transport import Response, Transport

_PAGE = 100


@dataclass
class GitHub:
    """One credential's view of GitHub."""

    api_url: str
    token: str = field(repr=False)
    transport: Transport = field(default_factory=Transport)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer, whatever its status; see `Transport` for what is tried again."""
        url = self.api_url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "slipway-release",
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body).encode()
        return self.transport.send(method, url, headers, payload)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Document:
        """An object that must exist."""
        return fields.document(self._final("GET", path, self.call("GET", path, query=query)), path)

    def read(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """Whatever is at an address that must exist."""
        return self._final("GET", path, self.call("GET", path, query=query))

    def find(self, path: str, query: Mapping[str, str] | None = None) -> Document | None:
        """An object, or None where there is none."""
        response = self.call("GET", path, query=query)
        if response.status == 404:
            return None
        return fields.document(self._final("GET", path, response), path)

    def pages(self, path: str, query: Mapping[str, str] | None = None) -> Iterator[Document]:
        """All objects of a list, fetched as they are wanted."""
        page = 1
        while True:
            parameters = {**(query or {}), "per_page": str(_PAGE), "page": str(page)}
            found = fields.documents(self._final("GET", path, self.call("GET", path, query=parameters)), path)
            yield from found
            if len(found) < _PAGE:
                return
            page += 1

    def post(self, path: str, body: Mapping[str, object]) -> Document:
        """Create something; an answer without content is an empty object."""
        return fields.document(self._final("POST", path, self.call("POST", path, body)) or {}, path)

    def patch(self, path: str, body: Mapping[str, object]) -> Document:
        """Change something."""
        return fields.document(self._final("PATCH", path, self.call("PATCH", path, body)), path)

    def graphql(self, query: str, variables: Mapping[str, object]) -> Document:
        """The data of a GraphQL answer; its errors are an `ApiError`."""
        base = self.api_url.removesuffix("/v3")
        response = GitHub(base, self.token, self.transport).call(
            "POST", "/graphql", {"query": query, "variables": variables}
        )
        answer = fields.document(self._final("POST", "/graphql", response), "/graphql")
        errors = answer.get("errors")
        if errors:
            messages = [str(error.get("message")) for error in fields.documents(errors, "/graphql errors")]
            raise ApiError(response.status, "; ".join(messages), "POST", "/graphql")
        return fields.child(answer, "data", "/graphql")

    @staticmethod
    def _final(method: str, path: str, response: Response) -> object:
        if not response.ok:
            raise ApiError(response.status, response.message, method, path)
        return response.json()


def quoted(part: str, *, slashes: bool = False) -> str:
    """A text as part of a path. Tags and branches are attacker-controlled, so nothing passes unquoted."""
    return urllib.parse.quote(part, safe="/" if slashes else "")
