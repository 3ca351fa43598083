"""What GitHub answers when it does not do what was asked."""

import pulumi

from slipway_release.contents import refused_by_rule
from slipway_release.errors import ApiError, ReleaseError


class GitHubError(pulumi.RunError):
    """A definite answer that is not the wanted one; printed without a traceback."""

    def __init__(self, text: str, status: int = 0, message: str = "") -> None:
        """Says what was asked and what came of it.

        Args:
            text: for a person.
            status: of the answer; 0 where there was none.
            message: GitHub's own words.
        """
        super().__init__(f"GitHub: {text}")
        self.status: int = status
        self.message: str = message

    @property
    def is_rule(self) -> bool:
        """Whether a rule of the branch or repository refuses a write."""
        return self.status in {403, 409, 422} and refused_by_rule(self.message)


class ConflictError(GitHubError):
    """Another writer was faster, or GitHub is still busy with making the repository: read again and try again."""


def github_error(error: ReleaseError) -> GitHubError:
    """The same as an error that Pulumi prints as it is."""
    if not isinstance(error, ApiError):
        return GitHubError(str(error))
    found = GitHubError(str(error), error.status, error.message)
    behind = error.status == 422 and "fast forward" in error.message.lower()
    passes = (behind or error.status == 409) and not found.is_rule
    return ConflictError(str(error), error.status, error.message) if passes else found
