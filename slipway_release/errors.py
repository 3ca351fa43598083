"""What can go wrong, sorted by what a person does next. The text of each is one sentence for them."""


class ReleaseError(Exception):
    """A problem that ends the command without a traceback."""

    exit_code = 1


class RefusedError(ReleaseError):
    """A definite no: asking again with the same facts gives the same answer."""


class UnavailableError(ReleaseError):
    """Something did not answer until the deadline; a re-run of the run resumes."""

    exit_code = 75


class ApiError(RefusedError):
    """GitHub answered with a final error."""

    def __init__(self, status: int, message: str, method: str, path: str) -> None:
        self.status = status
        self.message = message
        self.path = path
        super().__init__(f"{method} {path}: {_explained(status, message)}")


def _explained(status: int, message: str) -> str:
    match status:
        case 301 | 302 | 303 | 307 | 308:
            hint = "it is at another address now; use that one, or its new name"
        case 401:
            hint = "the credential is wrong, expired or revoked; renew it"
        case 403:
            hint = "the credential may not do this; check its permissions and repositories"
        case 404:
            hint = "it does not exist, or the credential may not see it; files of workflows need `workflows: write`"
        case _:
            hint = ""
    return f"HTTP {status}: {message}" + (f" ({hint})" if hint else "")
