"""What GitHub answers when it does not do what was asked."""

import pulumi

_HINTS = {
    401: "the credential is wrong or has expired",
    403: "the credential is not allowed to do this",
    404: "it does not exist, or the credential may not see it (files under .github/workflows need `workflows: write`)",
}


class GitHubError(pulumi.RunError):
    """A definite answer that is not the wanted one; printed without a traceback."""

    def __init__(self, method: str, path: str, status: int, message: str) -> None:
        where = f"GitHub: {method} {path}: " if path else "GitHub: "
        answer = f"{status} {message}" if status else message
        hint = f"; {_HINTS[status]}" if status in _HINTS else ""
        super().__init__(f"{where}{answer}{hint}")
        self.status: int = status
        self.message: str = message
