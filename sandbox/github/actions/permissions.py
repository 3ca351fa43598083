"""What a job's GITHUB_TOKEN may do."""

from typing import Any

from sandbox.github.actions.shapes import is_mapping
from sandbox.github.actions.workflow import WorkflowError

LEVELS = ("none", "read", "write")

NAMES = (
    "actions", "attestations", "checks", "contents", "deployments", "discussions", "id-token", "issues", "models",
    "packages", "pages", "pull-requests", "repository-projects", "security-events", "statuses",
)  # fmt: skip

Permissions = dict[str, str]

READ_ALL: Permissions = {name: "read" for name in NAMES if name != "id-token"}
WRITE_ALL: Permissions = {name: "read" if name == "models" else "write" for name in NAMES}

DEFAULTS: dict[str, Permissions] = {
    "read": {"contents": "read", "packages": "read"},
    "write": {name: level for name, level in WRITE_ALL.items() if name not in ("id-token", "models")},
}
"""By the repository's setting `default_workflow_permissions`."""


def declared(value: Any, where: str) -> Permissions | None:
    """What a `permissions` key says; None if it is not there.

    Raises:
        WorkflowError: it names a permission or a level that does not exist.
    """
    if value is None:
        return None
    if value == "read-all":
        return dict(READ_ALL)
    if value == "write-all":
        return dict(WRITE_ALL)
    if not is_mapping(value):
        raise WorkflowError(f"{where}Unexpected value '{value}'; give read-all, write-all or a mapping")
    for name, level in value.items():
        if name not in NAMES:
            raise WorkflowError(f"{where}Unexpected value '{name}'")
        if level not in LEVELS:
            raise WorkflowError(f"{where}{name}: Unexpected value '{level}'")
    return {name: level for name, level in value.items() if level != "none"}


def effective(maximum: Permissions, workflow: Any, job: Any, *, name: str, nested: bool) -> Permissions:
    """What a job gets.

    Args:
        maximum: What it has if nothing is said; for a nested job also the most that it may ask for.
        workflow: `permissions` of the workflow.
        job: `permissions` of the job.
        name: The job, for the message.
        nested: The job is one of a called workflow.

    Raises:
        WorkflowError: a nested job asks for more than its caller has.
    """
    wanted = declared(job, f"jobs.{name}.permissions: ")
    if wanted is None:
        wanted = declared(workflow, "permissions: ")
    if wanted is None:
        return dict(maximum)
    if nested:
        excess = [f"{key}: {level}" for key, level in wanted.items() if _rank(level) > _rank(maximum.get(key, "none"))]
        if excess:
            allowed = ", ".join(f"{key.split(':')[0]}: {maximum.get(key.split(':')[0], 'none')}" for key in excess)
            raise WorkflowError(
                f"The nested job '{name}' is requesting '{', '.join(excess)}', but is only allowed '{allowed}'."
            )
    return wanted


def _rank(level: str) -> int:
    return LEVELS.index(level)


def for_token(permissions: Permissions) -> Permissions:
    """The same as the API's tokens name them."""
    return {name.replace("-", "_"): level for name, level in permissions.items() if name != "id-token"}
