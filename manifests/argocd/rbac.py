"""Who may see and sync what in Argo CD: the policy that follows from teams, services and environments.

Groups are `<owner>:<team>`, as Dex's GitHub connector gives them. Nobody but the platform's team changes Applications,
and nobody at all goes around Git: there is no `override`, `delete`, `update` or `exec` for a team.
"""

from manifests.access import Action, Right, Role, rights
from manifests.model import Settings, placement_name

INFRASTRUCTURE_PROJECT = "infrastructure"
_RIGHTS = {
    Action.VIEW: ("applications", "get"),
    Action.LOGS: ("logs", "get"),
    Action.SYNC: ("applications", "sync"),
}
"""What an action is in Argo CD: resource and verb. The others are not done there, or by administrators alone."""


def rbac_values(settings: Settings) -> dict[str, str]:
    """The values of `configs.rbac`: whoever the policy does not name sees nothing."""
    return {"policy.default": "", "policy.csv": policy(settings), "scopes": "[groups]", "policy.matchMode": "glob"}


def policy(settings: Settings) -> str:
    """The rules, one role for each team and one line for each thing it may do."""
    rules: list[tuple[str, ...]] = []
    for team in settings.teams:
        role = f"role:team-{team.name}"
        rules.append(("g", f"{settings.github.owner}:{team.name}", role))
        rules.append(("p", role, "applications", "get", f"{INFRASTRUCTURE_PROJECT}/*", "allow"))
        rules += [("p", role, "projects", "get", environment.name, "allow") for environment in settings.environments]
    for right in rights(settings):
        # The platform's team has the role of an administrator, below.
        if Role.PLATFORM not in right.roles:
            rules += _right_rules(right)
    if settings.github.platform_team:
        rules.append(("g", f"{settings.github.owner}:{settings.github.platform_team}", "role:admin"))
    # Two roads may lead to one right: a team that owns a service and approves for its environment.
    return "".join(f"{', '.join(rule)}\n" for rule in dict.fromkeys(rules))


def _right_rules(right: Right) -> list[tuple[str, ...]]:
    application = f"{right.environment.name}/{placement_name(right.service, right.environment)}"
    return [
        ("p", f"role:team-{right.team}", resource, verb, application, "allow")
        for action, (resource, verb) in _RIGHTS.items()
        if action in right.actions
    ]
