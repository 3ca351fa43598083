"""Actions settings of repositories: what is kept, and what holds where nothing was set."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.errors import GitHubError
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document, Store

DEFAULTS: dict[str, dict[str, Any]] = {
    "permissions": {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False},
    "selected-actions": {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": []},
    "access": {"access_level": "none"},
    "workflow": {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
    "oidc": {"use_default": True},
    "fork-pr-contributor-approval": {"approval_policy": "first_time_contributors"},
    "fork-pr-workflows-private-repos": {
        "run_workflows_from_fork_pull_requests": False,
        "send_write_tokens_to_workflows": False,
        "send_secrets_and_variables": False,
        "require_approval_for_fork_pr_workflows": False,
    },
}


@dataclass(frozen=True)
class ActionsSettings:
    """What a repository allows Actions to do."""

    enabled: bool = True
    allowed_actions: str = "all"
    """`all`, `local_only` or `selected`."""
    sha_pinning_required: bool = False
    selected_actions: dict[str, Any] = field(default_factory=dict[str, Any])
    access_level: str = "none"
    """Who else may use workflows and actions of this private repository: `none`, `user` or `organization`."""
    default_workflow_permissions: str = "read"
    can_approve_pull_request_reviews: bool = False


def read(store: Store, repository_id: int, section: str) -> dict[str, Any]:
    """One section of the settings, with defaults."""
    return DEFAULTS[section] | (store.table("actions_settings").get(f"{repository_id}/{section}") or {})


def write(store: Store, repository_id: int, section: str, values: dict[str, Any]) -> None:
    """Changes fields of one section."""
    kept = store.table("actions_settings").get(f"{repository_id}/{section}") or {}
    store.table("actions_settings").put(f"{repository_id}/{section}", kept | values)


POLICY_DEFAULTS: dict[str, dict[str, Any]] = {
    "permissions": {"enabled_repositories": "all", "allowed_actions": "all", "sha_pinning_required": False},
    "selected-actions": DEFAULTS["selected-actions"],
    "workflow": DEFAULTS["workflow"],
    "repositories": {"selected_repository_ids": []},
    "fork-pr-contributor-approval": DEFAULTS["fork-pr-contributor-approval"],
    "fork-pr-workflows-private-repos": DEFAULTS["fork-pr-workflows-private-repos"],
}
"""What an organisation says of Actions until somebody changes it."""


def policy(forge: Forge, organization: Document, section: str) -> dict[str, Any]:
    """One section of an organisation's policy for Actions."""
    kept = forge.store.table("actions_policies").get(f"{organization['id']}/{section}")
    return POLICY_DEFAULTS[section] | (kept or {})


def write_policy(forge: Forge, organization: Document, section: str, given: dict[str, Any]) -> None:
    """Changes fields of one section of the policy."""
    known = {name: given[name] for name in POLICY_DEFAULTS[section] if name in given}
    changed = policy(forge, organization, section) | known
    forge.store.table("actions_policies").put(f"{organization['id']}/{section}", changed)


def conflict(forge: Forge, owner: str, section: str, given: dict[str, Any]) -> bool:
    """Whether a repository asks for more than the policy of its organisation leaves to it."""
    organization = accounts.find_organization(forge, owner)
    if organization is None:
        return False
    above = policy(forge, organization, "permissions")
    if section == "selected-actions":
        return above["allowed_actions"] != "all"
    if section == "permissions":
        restricts = above["allowed_actions"] != "all"
        return (
            (restricts and given.get("allowed_actions", above["allowed_actions"]) != above["allowed_actions"])
            or (above["enabled_repositories"] == "none" and bool(given.get("enabled")))
            or (above["sha_pinning_required"] and given.get("sha_pinning_required") is False)
        )
    if section == "fork-pr-workflows-private-repos":
        allows = policy(forge, organization, section)
        return any(
            given.get(name) and not allows[name] for name in given if name != "require_approval_for_fork_pr_workflows"
        )
    workflow = policy(forge, organization, "workflow")
    approves = bool(given.get("can_approve_pull_request_reviews"))
    return section == "workflow" and approves and not workflow["can_approve_pull_request_reviews"]


def check_selected(section: str, allowed_actions: str) -> None:
    """Which actions are selected is a question only where some are.

    Raises:
        GitHubError: 409, it is asked where all are allowed, or only one's own.
    """
    if section == "selected-actions" and allowed_actions != "selected":
        raise GitHubError(409, "Conflict")


def of(forge: Forge, repository: str) -> ActionsSettings:
    """What holds in a repository, given by its full name: its own settings within the policy of its organisation."""
    store, repository_id = forge.store, forge.existing_id(repository)
    permissions = read(store, repository_id, "permissions")
    workflow = read(store, repository_id, "workflow")
    selected = read(store, repository_id, "selected-actions")
    enabled = bool(permissions["enabled"])
    organization = accounts.find_organization(forge, repository.partition("/")[0])
    if organization is not None:
        above = policy(forge, organization, "permissions")
        if above["allowed_actions"] != "all":
            selected = policy(forge, organization, "selected-actions")
            permissions["allowed_actions"] = above["allowed_actions"]
        permissions["sha_pinning_required"] |= above["sha_pinning_required"]
        chosen: list[int] = policy(forge, organization, "repositories")["selected_repository_ids"]
        everywhere = {"all": True, "none": False, "selected": repository_id in chosen}
        enabled = enabled and everywhere[above["enabled_repositories"]]
    return ActionsSettings(
        enabled=enabled,
        allowed_actions=permissions["allowed_actions"],
        sha_pinning_required=bool(permissions["sha_pinning_required"]),
        selected_actions=selected,
        access_level=read(store, repository_id, "access")["access_level"],
        default_workflow_permissions=workflow["default_workflow_permissions"],
        can_approve_pull_request_reviews=bool(workflow["can_approve_pull_request_reviews"]),
    )


OF_NOBODY, OF_READERS = "nobody", "readers"
"""Whose runs of forks wait for a maintainer, beside GitHub's values of `approval_policy`."""


@dataclass(frozen=True)
class ForkPolicy:
    """What pull requests of forks may start in a repository, and what their runs get."""

    runs: bool = False
    passes: bool = False
    """Secrets and variables are passed to them."""
    writes: bool = False
    """Their token may do what the workflow asks for."""
    approval: str = OF_NOBODY


def section_of(forge: Forge, repository: Document, section: str) -> dict[str, Any]:
    """A section about forks: the repository's, with its organisation's values where it says nothing."""
    organization = accounts.find_organization(forge, repository["owner"]["login"])
    above = policy(forge, organization, section) if organization else DEFAULTS[section]
    return above | (forge.store.table("actions_settings").get(f"{repository['id']}/{section}") or {})


def fork_policy(forge: Forge, full_name: str) -> ForkPolicy:
    """What holds for forks of a repository: of a public one they run, and never get more than the right to read."""
    repository = forge.store.table("repositories").get(forge.existing_id(full_name))
    if repository is None:
        return ForkPolicy()
    if repository["visibility"] == "public":
        return ForkPolicy(
            runs=True, approval=section_of(forge, repository, "fork-pr-contributor-approval")["approval_policy"]
        )
    private = section_of(forge, repository, "fork-pr-workflows-private-repos")
    return ForkPolicy(
        runs=private["run_workflows_from_fork_pull_requests"],
        passes=private["send_secrets_and_variables"],
        writes=private["send_write_tokens_to_workflows"],
        approval=OF_READERS if private["require_approval_for_fork_pr_workflows"] else OF_NOBODY,
    )
