"""The GitHub Apps of a platform: which there are, what each may do, and where it is installed.

`docs/github-apps.md` shows the same to people, and a test compares the two.
"""

from dataclasses import dataclass

from manifests.model import App, GitHub

READS_THE_PROGRAM = {"contents": "read"}
"""What the App that services ask with needs besides, where they check the release program out."""

READS_PULL_REQUESTS = {"pull_requests": "read"}
"""What Argo CD's App needs besides, and in the repository of the service, where it runs pull requests."""


@dataclass(frozen=True)
class AppRole:
    """One task that an App has."""

    name: str
    """What the settings under `github` call it."""
    secret: str
    """The setting that holds its private key."""
    permissions: dict[str, str]
    """What it always needs: the name that GitHub's API gives a permission, and `read` or `write`."""
    everywhere: bool = False
    """Whether it is installed on all repositories, or on the environment repository only."""
    shared: bool = False
    """Whether repositories of services hold its key, so that it must not be able to do more."""

    @property
    def setting(self) -> str:
        """The path of its settings."""
        return f"github.{self.name}"

    def needs(self, settings: GitHub) -> dict[str, str]:
        """What it needs with these settings."""
        return self.permissions | (READS_THE_PROGRAM if self.shared and settings.pinned_actions else {})

    def of(self, settings: GitHub) -> App | None:
        """Its ids; None where the stack does without it."""
        return getattr(settings, self.name)


OPERATOR = AppRole(
    "app",
    "githubAppPrivateKey",
    {
        "actions": "write",
        "actions_variables": "write",
        "administration": "write",
        "contents": "write",
        "environments": "write",
        "issues": "write",
        "members": "write",
        "organization_administration": "read",
        "organization_plan": "read",
        "pull_requests": "write",
        "repository_hooks": "write",
        "secrets": "write",
        "workflows": "write",
    },
    everywhere=True,
)
"""What `pulumi up` acts as, where that is not a token."""
PROMOTER = AppRole(
    "promoter",
    "promoterPrivateKey",
    {
        "actions": "read",
        "contents": "write",
        "deployments": "write",
        "members": "read",
        "pull_requests": "write",
        "statuses": "write",
    },
    everywhere=True,
)
REQUESTER = AppRole("requester", "requesterPrivateKey", {"statuses": "write"}, shared=True)
ARGOCD = AppRole("argocd", "argocdPrivateKey", {"contents": "read", "deployments": "write"})
ROLES = (PROMOTER, REQUESTER, ARGOCD)
"""The Apps that every platform has."""


def lacks(wanted: dict[str, str], given: dict[str, str]) -> list[str]:
    """The permissions that are not given, such as `contents: write`."""
    return [
        f"{name}: {level}"
        for name, level in wanted.items()
        if given.get(name) not in ({"write", "admin"} if level == "write" else {"read", "write", "admin"})
    ]
