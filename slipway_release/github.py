"""GitHub's API, for releases and for `pulumi up`. Plain calls; the meaning is in the modules that use it."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from slipway_release import fields
from slipway_release.errors import ApiError, RefusedError
from slipway_release.exchange import Response
from slipway_release.fields import Document
from slipway_release.git import Copy, Git
from slipway_release.transport import Transport

T = TypeVar("T")
_PAGE = 100
_LOOKS = 6
"""How often something is asked for that is there and not seen yet: for about 15 seconds."""
_NOT_SEEN = re.compile(r"does not exist|no (ref|commit) found|; invalid$", re.IGNORECASE)
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next\b')


class _NotSeenError(Exception):
    """GitHub does not show yet what it has just made."""


@dataclass
class GitHub:
    """One credential's view of GitHub."""

    api_url: str
    token: str = field(repr=False)
    transport: Transport = field(default_factory=Transport)
    git: Git | None = field(default=None, repr=False)
    """What is asked of Git where it can be; all is asked of the API without it."""
    _made: set[str] = field(default_factory=set[str], repr=False)
    """What this client has made: addresses, commits and references."""

    def copy(self, repository: str) -> Copy | None:
        """What Git tells of a repository with this credential."""
        return self.git.copy(repository) if self.git is not None else None

    def forget(self) -> None:
        """Forget where branches and tags pointed: what follows is decided on what is there then."""
        if self.git is not None:
            self.git.forget()

    def decided(self, action: Callable[[], T], lost: type[Exception], what: str) -> T:
        """What an action returns that decides on what is there and writes; done again where another writer was first.

        Args:
            action: decides and writes; raises `lost` where what it has read is not there any more.
            lost: the error of a lost race.
            what: names the thing in the log.
        """

        def again() -> T:
            self.forget()
            return action()

        return self.transport.repeat(again, lost, what=what)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        """The answer, whatever its status; see `Transport` for what is tried again."""
        url = self.api_url + path
        if query:
            url += ("&" if "?" in path else "?") + urllib.parse.urlencode(query)
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "slipway",
        }
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        payload = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            payload = json.dumps(body).encode()
        try:
            return self.transport.send(method, url, headers, payload)
        finally:
            if method != "GET":
                self.forget()

    def answer(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Response:
        """An answer that grants what was asked.

        Raises:
            ApiError: it does not.
        """
        unseen: list[Response] = []

        def once() -> Response:
            response = self.call(method, path, body, query)
            if self._is_unseen(response, path, body):
                unseen[:] = [response]
                raise _NotSeenError(f"HTTP {response.status}: {response.message}")
            return response

        try:
            response = self.transport.repeat(once, _NotSeenError, what=f"{method} {path}", attempts=_LOOKS)
        except _NotSeenError:
            (response,) = unseen
        if not response.ok:
            raise ApiError(response.status, response.message, method, path)
        if method == "POST":
            self._note_made(response, path, body or {})
        return response

    def _is_unseen(self, response: Response, path: str, body: Mapping[str, object] | None) -> bool:
        """Whether an answer may be that of a server of GitHub's that has not seen what this client has just made."""
        if response.status == 404:
            return any(path == made or path.startswith(f"{made}/") for made in self._made)
        is_named = any(isinstance(value, str) and value in self._made for value in (body or {}).values())
        return response.status == 422 and is_named and _NOT_SEEN.search(response.message) is not None

    def _note_made(self, response: Response, path: str, body: Mapping[str, object]) -> None:
        try:
            answer = response.json()
        except ValueError:
            return
        made = cast("dict[str, object]", answer) if isinstance(answer, dict) else {}
        number = made.get("number", made.get("id"))
        if isinstance(number, int):
            self._made.add(f"{path}/{number}")
        if isinstance(sha := made.get("sha"), str):
            self._made |= {sha, f"{path}/{sha}"}
        if path.endswith("/git/refs") and isinstance(name := body.get("ref"), str):
            self._made.add(name.removeprefix("refs/heads/"))

    def read(self, path: str, query: Mapping[str, str] | None = None) -> object:
        """What is at an address that must exist; None for nothing."""
        return content_of(self.answer("GET", path, query=query), "GET", path)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Document:
        """An object that must exist."""
        return fields.document(self.read(path, query), path)

    def find(self, path: str, query: Mapping[str, str] | None = None) -> Document | None:
        """An object, or None where there is none."""
        try:
            return self.get(path, query)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def pages(self, path: str, query: Mapping[str, str] | None = None, key: str = "") -> Iterator[Document]:
        """All objects of a list, fetched as they are wanted, each once: a list may grow between two pages.

        Args:
            path: of the list.
            query: what narrows it.
            key: where the list is in the answer, if that is an object.
        """
        parameters = {**(query or {}), "per_page": str(_PAGE)}
        seen: set[object] = set()
        while True:
            response = self.answer("GET", path, query=parameters)
            content = content_of(response, "GET", path)
            found = fields.document(content, path).get(key) if key else content
            for item in fields.documents(found, path):
                if (number := item.get("id")) is None or number not in seen:
                    yield item
                seen.add(number)
            following = _NEXT.search(response.headers.get("link", ""))
            if following is None:
                return
            # Only what it asks for: the address that the server knows itself by may be another one than ours.
            parameters |= dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(following[1]).query))

    def post(self, path: str, body: Mapping[str, object]) -> Document:
        """Create something; an answer without content is an empty object."""
        return fields.document(self._json("POST", path, body) or {}, path)

    def start_workflow(self, repository: str, name: str, inputs: Mapping[str, str] | None = None) -> None:
        """Start a workflow of a repository's main; `name` is its file's."""
        body = {"ref": "main", **({"inputs": inputs} if inputs else {})}
        self.post(f"/repos/{repository}/actions/workflows/{name}/dispatches", body)

    def patch(self, path: str, body: Mapping[str, object]) -> Document:
        """Change something."""
        return fields.document(self._json("PATCH", path, body), path)

    def graphql(self, query: str, variables: Mapping[str, object]) -> Document:
        """The data of a GraphQL answer; its errors are an `ApiError`."""
        base = self.api_url.removesuffix("/v3")
        github = GitHub(base, self.token, self.transport)
        answer = github.post("/graphql", {"query": query, "variables": variables})
        errors = answer.get("errors")
        if errors:
            messages = [str(error.get("message")) for error in fields.documents(errors, "/graphql errors")]
            raise ApiError(200, "; ".join(messages), "POST", "/graphql")
        return fields.child(answer, "data", "/graphql")

    def _json(self, method: str, path: str, body: Mapping[str, object]) -> object:
        return content_of(self.answer(method, path, body), method, path)


def content_of(response: Response, method: str, path: str) -> object:
    """The content of an answer, which is JSON wherever a GitHub answers; None for nothing."""
    try:
        return response.json()
    except ValueError:
        raise RefusedError(
            f"{method} {path}: the answer is not JSON; check that `github.baseUrl` is a GitHub"
        ) from None


def quoted(part: str, *, slashes: bool = False) -> str:
    """A text as part of a path. Tags and branches are attacker-controlled, so nothing passes unquoted."""
    return urllib.parse.quote(part, safe="/" if slashes else "")
