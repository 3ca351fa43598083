"""The answers GitHub gives when it refuses: status, message and list of errors."""

from collections.abc import Mapping
from typing import Any

DOCUMENTATION = "https://docs.github.com/rest"


class GitHubError(Exception):
    """A refusal that becomes the response of the request."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status: int = status
        self.message: str = message
        self.errors: list[Any] | None = errors
        self.headers: Mapping[str, str] = headers or {}
        self.more: Mapping[str, Any] = body or {}

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        body: dict[str, Any] = {"message": self.message, **self.more}
        if self.errors is not None:
            body["errors"] = self.errors
        return body | {"documentation_url": DOCUMENTATION, "status": str(self.status)}


def not_found() -> GitHubError:
    """What is absent, and what the caller may not know of."""
    return GitHubError(404, "Not Found")


def bad_credentials() -> GitHubError:
    return GitHubError(401, "Bad credentials")


def requires_authentication() -> GitHubError:
    return GitHubError(401, "Requires authentication")


def invalid_field(resource: str, field: str, code: str = "invalid", message: str | None = None) -> GitHubError:
    """422 naming one field; `code` is one of GitHub's: missing_field, invalid, already_exists, custom."""
    error: dict[str, Any] = {"resource": resource, "field": field, "code": code}
    if message:
        error["message"] = message
    return GitHubError(422, "Validation Failed", [error])


def check_length(resource: str, field: str, text: object, most: int) -> None:
    """Refuses a text that is longer than GitHub keeps.

    Raises:
        GitHubError: 422.
    """
    if len(str(text or "")) > most:
        raise invalid_field(resource, field, "custom", f"{field} is too long (maximum is {most} characters)")


LONGEST_TITLE, LONGEST_BODY = 256, 65_536


def check_texts(resource: str, given: Mapping[str, Any]) -> None:
    """Refuses a title or a text of an issue, a pull request or a comment that is too long.

    Raises:
        GitHubError: 422.
    """
    check_length(resource, "title", given.get("title"), LONGEST_TITLE)
    check_length(resource, "body", given.get("body"), LONGEST_BODY)


def missing_field(field: str) -> GitHubError:
    """422 of the schema check, for a body without a field that must be there."""
    return GitHubError(422, f'Invalid request.\n\n"{field}" wasn\'t supplied.')


def unprocessable(message: str) -> GitHubError:
    return GitHubError(422, message)


def conflict(message: str) -> GitHubError:
    return GitHubError(409, message)


def forbidden(message: str) -> GitHubError:
    return GitHubError(403, message)
