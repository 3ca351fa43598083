"""What runs are given that somebody from outside has started: from a fork, or as Dependabot.

https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
"""

from sandbox.github.access.authorization import ROLES, repository_role
from sandbox.github.actions.permissions import Permissions
from sandbox.github.actions.shapes import mapping
from sandbox.github.core.events import Event
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document
from sandbox.github.pulls import contributors
from sandbox.github.repositories import settings, vault
from sandbox.github.repositories.settings import ForkPolicy

DEPENDABOT = "dependabot[bot]"
FROM_OUTSIDE = frozenset(
    {
        "create", "deployment", "deployment_status", "pull_request", "pull_request_review",
        "pull_request_review_comment", "push",
    }
)  # fmt: skip
"""Events of Dependabot whose runs are like those of a fork:
https://docs.github.com/en/code-security/dependabot/troubleshooting-dependabot/troubleshooting-dependabot-on-github-actions"""

OF_FORKS = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
"""Events whose runs are given little where the pull request is a fork's; `pull_request_target` is not one."""

HELD = "action_required"
"""Conclusion of a run that waits until a maintainer has looked at what it would run."""


def is_of_dependabot(actor: str, event: str) -> bool:
    """Whether Dependabot's event started a run: it gets Dependabot's secrets, of which there are none here.

    Its token reads, unless the workflow's `permissions` ask for more.
    """
    return actor == DEPENDABOT and event in FROM_OUTSIDE


def is_of_fork(event: str, payload: Document, repository_id: int) -> bool:
    """Whether a run would be of what a fork proposes; of a fork that is gone too."""
    if event not in OF_FORKS:
        return False
    head = mapping(mapping(mapping(payload.get("pull_request")).get("head")).get("repo"))
    return head.get("id") != repository_id


def runs_at_all(forge: Forge, repository: Document, event: Event) -> bool:
    """Whether an event starts anything: those of forks of private repositories do not until somebody allows it."""
    if not is_of_fork(event.name, event.payload, repository["id"]):
        return True
    return settings.fork_policy(forge, repository["full_name"]).runs


def has_to_be_approved(forge: Forge, repository: Document, event: Event) -> bool:
    """Whether a maintainer has to look at a run first, because of who opened the pull request or who pushed to it."""
    if not is_of_fork(event.name, event.payload, repository["id"]):
        return False
    author = str(event.payload["pull_request"]["user"]["login"])
    approval = settings.fork_policy(forge, repository["full_name"]).approval
    return any(_is_held(forge, approval, repository, login) for login in {author, event.actor})


def _is_held(forge: Forge, approval: str, repository: Document, login: str) -> bool:
    if approval == settings.OF_READERS:
        return ROLES.index(repository_role(forge, login, repository)) < ROLES.index("write")
    if approval == settings.OF_NOBODY:
        return False
    association = contributors.association(forge, repository, login)
    if approval == "all_external_contributors":
        return association in contributors.EXTERNAL
    # How long somebody has been on GitHub is not modelled: everybody is new here.
    return association == contributors.FIRST_TIME


class Trust:
    """What the runs of a forge may have."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def _policy(self, run: Document) -> ForkPolicy:
        # Who opened it does not matter: a maintainer's own fork is one too.
        if is_of_fork(run["event"], run["payload"], run["repository_id"]):
            return settings.fork_policy(self._forge, run["repository"])
        return ForkPolicy(runs=True, passes=True, writes=True)

    def reads_by_default(self, run: Document) -> bool:
        """Whether a workflow that says nothing of permissions gets a token that reads."""
        return is_of_dependabot(run["actor"], run["event"])

    def permissions(self, run: Document, wanted: Permissions) -> Permissions:
        """What a job's token may do: of what it asks for, a fork's reads and is given no ID token."""
        if self._policy(run).writes:
            return wanted
        return {name: "read" for name in wanted if name != "id-token"}

    def variables(self, run: Document, environment: str | None = None) -> dict[str, str]:
        """Configuration variables; like secrets, they are not passed to a fork's runs."""
        return vault.variables(self._forge, run["repository"], environment) if self._policy(run).passes else {}

    def secrets(self, run: Document, environment: str | None = None) -> dict[str, str]:
        """Secrets of the repository, or of one of its environments."""
        return vault.secrets(self._forge, run["repository"], environment) if self._has_secrets(run) else {}

    def environment_of(self, run: Document, environment: str | None) -> str | None:
        """The environment whose part of this machine a job sees: as good as a secret, and for the same runs."""
        return environment if self._has_secrets(run) else None

    def _has_secrets(self, run: Document) -> bool:
        return self._policy(run).passes and not is_of_dependabot(run["actor"], run["event"])
