"""REST of what an organisation allows Actions to do in its repositories."""

from typing import Any

from sandbox.github.core.errors import unprocessable
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.repositories import repositories, settings
from sandbox.github.repositories.repository_settings import APPROVALS

POLICY = "/orgs/{org}/actions/permissions"
READ, WRITE = "organization_administration:read", "organization_administration:write"

ALLOWED: dict[str, tuple[str, ...]] = {
    "enabled_repositories": ("all", "none", "selected"),
    "allowed_actions": ("all", "local_only", "selected"),
    "default_workflow_permissions": ("read", "write"),
    "approval_policy": APPROVALS,
}


def _section(request: Request) -> str:
    return request.path.rsplit("/", 1)[1]


@route("GET", POLICY, permission=READ)
@route("GET", POLICY + "/selected-actions", permission=READ)
@route("GET", POLICY + "/workflow", permission=READ)
@route("GET", POLICY + "/fork-pr-contributor-approval", permission=READ)
@route("GET", POLICY + "/fork-pr-workflows-private-repos", permission=READ)
def read_policy(request: Request) -> Answer:
    """One section of the policy."""
    section, url = (
        _section(request),
        f"{request.forge.api_url}/orgs/{request.organization['login']}/actions/permissions",
    )
    policy = settings.policy(request.forge, request.organization, "permissions")
    settings.check_selected(section, policy["allowed_actions"])
    if section != "permissions":
        return settings.policy(request.forge, request.organization, section)
    if policy["enabled_repositories"] == "selected":
        policy["selected_repositories_url"] = f"{url}/repositories"
    if policy["allowed_actions"] == "selected":
        policy["selected_actions_url"] = f"{url}/selected-actions"
    if policy["enabled_repositories"] == "none":
        del policy["allowed_actions"]
    return policy


@route("PUT", POLICY, permission=WRITE)
@route("PUT", POLICY + "/selected-actions", permission=WRITE)
@route("PUT", POLICY + "/workflow", permission=WRITE)
@route("PUT", POLICY + "/fork-pr-contributor-approval", permission=WRITE)
@route("PUT", POLICY + "/fork-pr-workflows-private-repos", permission=WRITE)
def write_policy(request: Request) -> Answer:
    """Changes one section of the policy; every repository follows at once."""
    section, given = _section(request), request.data()
    for name, allowed in ALLOWED.items():
        if name in given and given[name] not in allowed:
            raise unprocessable(f"{name} must be one of {', '.join(allowed)}")
    chosen = settings.policy(request.forge, request.organization, "permissions")["allowed_actions"]
    settings.check_selected(section, chosen)
    settings.write_policy(request.forge, request.organization, section, given)
    return None


@route("GET", POLICY + "/repositories", permission=READ)
def list_enabled(request: Request) -> Answer:
    """Repositories in which Actions are enabled, where the policy says `selected`."""
    chosen = settings.policy(request.forge, request.organization, "repositories")["selected_repository_ids"]
    table = request.forge.store.table("repositories")
    found: list[dict[str, Any]] = [
        repositories.view(request.forge, one) for number in chosen if (one := table.get(number)) is not None
    ]
    return Page(found, "repositories")


@route("PUT", POLICY + "/repositories", permission=WRITE)
def replace_enabled(request: Request) -> Answer:
    """Chooses the repositories in which Actions are enabled."""
    chosen = {"selected_repository_ids": list(request.required("selected_repository_ids"))}
    settings.write_policy(request.forge, request.organization, "repositories", chosen)
    return None
