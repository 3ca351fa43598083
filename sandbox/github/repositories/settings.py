"""Actions settings of repositories: what is kept, and what holds where nothing was set."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Store

DEFAULTS: dict[str, dict[str, Any]] = {
    "permissions": {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False},
    "selected-actions": {"github_owned_allowed": True, "verified_allowed": False, "patterns_allowed": []},
    "access": {"access_level": "none"},
    "workflow": {"default_workflow_permissions": "read", "can_approve_pull_request_reviews": False},
    "oidc": {"use_default": True},
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


def of(forge: Forge, repository: str) -> ActionsSettings:
    """All sections of a repository, given by its full name."""
    store, repository_id = forge.store, forge.existing_id(repository)
    permissions = read(store, repository_id, "permissions")
    workflow = read(store, repository_id, "workflow")
    return ActionsSettings(
        enabled=bool(permissions["enabled"]),
        allowed_actions=permissions["allowed_actions"],
        sha_pinning_required=bool(permissions["sha_pinning_required"]),
        selected_actions=read(store, repository_id, "selected-actions"),
        access_level=read(store, repository_id, "access")["access_level"],
        default_workflow_permissions=workflow["default_workflow_permissions"],
        can_approve_pull_request_reviews=bool(workflow["can_approve_pull_request_reviews"]),
    )
