"""What a handler is given and what it may answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from sandbox.github.core.errors import GitHubError, missing_field, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import GitRepository
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document


@dataclass(frozen=True)
class Page:
    """A list answered as `{"total_count": …, "<key>": […]}`, cut to the page that was asked for."""

    items: list[Any]
    key: str


Answer = Response | Page | tuple[int, Any] | dict[str, Any] | list[Any] | None
"""A Starlette response as it is; (status, body); a body with 200; a list, cut to a page; None for 204."""


@dataclass
class Request:
    """One authorised request."""

    forge: Forge
    principal: Principal
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    """Parts of the path that the route names, decoded."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    pairs: Sequence[tuple[str, str]] = ()
    """The same with every repeated name."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Lower-case names."""
    body: bytes = b""
    found_repository: Document | None = None
    found_organization: Document | None = None

    @property
    def repository(self) -> Document:
        """The repository that the path names; the caller is known to be allowed to see it."""
        if self.found_repository is None:
            raise not_found()
        return self.found_repository

    @property
    def git(self) -> GitRepository:
        """The bare repository of `repository`."""
        return self.forge.git.by_id(self.repository["id"])

    @property
    def organization(self) -> Document:
        """The organisation that the path names."""
        if self.found_organization is None:
            raise not_found()
        return self.found_organization

    @property
    def repository_url(self) -> str:
        """REST URL of `repository`."""
        return f"{self.forge.api_url}/repos/{self.repository['full_name']}"

    def data(self) -> Document:
        """The JSON object in the body; empty if there is no body.

        Raises:
            GitHubError: 400, it is not JSON or not an object.
        """
        if not self.body.strip():
            return {}
        try:
            parsed: Any = json.loads(self.body)
        except ValueError as error:
            raise GitHubError(400, "Problems parsing JSON") from error
        if parsed is None:
            # What Argo CD's GitHub library sends when it has no options.
            return {}
        if not isinstance(parsed, dict):
            raise GitHubError(400, "Body should be a JSON object")
        return parsed  # pyright: ignore[reportUnknownVariableType]

    def required(self, name: str) -> Any:
        """A field that the body must have.

        Raises:
            GitHubError: 422, it is absent or null.
        """
        value = self.data().get(name)
        if value is None:
            raise missing_field(name)
        return value

    def number(self, name: str) -> int:
        """A part of the path that must be a number; anything else is not found."""
        text = self.params[name]
        if not text.isascii() or not text.isdigit():
            raise not_found()
        return int(text)
