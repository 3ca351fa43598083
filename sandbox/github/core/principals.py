"""Who is asking: a user, an App, an installation of an App, a workflow run, or an anonymous client."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What sort of credential a request carried."""

    ANONYMOUS = "anonymous"
    USER = "user"
    APP = "app"
    """A JWT signed with an App's key: it may ask about itself and make installation tokens."""
    INSTALLATION = "installation"
    WORKFLOW = "workflow"
    """The GITHUB_TOKEN of a workflow run."""


ACTIONS_APP_ID = 15368
"""Id of the App `github-actions` on github.com; rulesets name it as a bypass actor by this number."""

ACTIONS_LOGIN = "github-actions[bot]"


@dataclass(frozen=True)
class Principal:
    """The holder of a credential and the limits that the credential itself sets."""

    kind: Kind
    login: str = ""
    permissions: dict[str, str] | None = None
    """Permission → read, write or admin. None: no limit of its own."""
    repositories: frozenset[str] | None = None
    """Lower-case full names. None: no limit of its own."""
    scopes: frozenset[str] | None = None
    """Scopes of a classic token. None: not a classic token."""
    app_id: int | None = None
    installation_id: int | None = None
    owner: str | None = None
    """Account on which the App is installed."""
    purpose: str = ""
    """Workflow and job that have had the token made, `promote/plan`; empty for tokens of no job."""

    @property
    def is_integration(self) -> bool:
        """An App at work, the one of GitHub Actions included."""
        return self.kind in (Kind.INSTALLATION, Kind.WORKFLOW)

    @property
    def from_workflow(self) -> bool:
        return self.kind is Kind.WORKFLOW


ANONYMOUS = Principal(Kind.ANONYMOUS)


def to_document(principal: Principal) -> dict[str, Any]:
    """A principal as JSON can hold it, for what is to be done later in its name."""
    document = asdict(principal)
    for name in ("repositories", "scopes"):
        document[name] = None if document[name] is None else sorted(document[name])
    return document


def from_document(document: dict[str, Any]) -> Principal:
    """The principal that `to_document` was given."""
    fields = dict(document)
    for name in ("repositories", "scopes"):
        fields[name] = None if fields[name] is None else frozenset(fields[name])
    fields["kind"] = Kind(fields["kind"])
    return Principal(**fields)
