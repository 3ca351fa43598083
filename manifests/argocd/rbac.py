"""Who may see and sync what in Argo CD: the policy that follows from teams, services and environments.

Groups are `<owner>:<team>`, as Dex's GitHub connector gives them. Nobody but the platform's team changes Applications,
and nobody at all goes around Git: there is no `override`, `delete`, `update` or `exec` for a team.
"""

from manifests.model import Environment, Service, Settings, placement_name

INFRASTRUCTURE_PROJECT = "infrastructure"


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
    for service, environment in settings.placements():
        rules += _placement_rules(service, environment)
    if settings.github.platform_team:
        rules.append(("g", f"{settings.github.owner}:{settings.github.platform_team}", "role:admin"))
    # Two roads may lead to one right: a team that owns a service and approves for its environment.
    return "".join(f"{', '.join(rule)}\n" for rule in dict.fromkeys(rules))


def _placement_rules(service: Service, environment: Environment) -> list[tuple[str, ...]]:
    application = f"{environment.name}/{placement_name(service, environment)}"
    # Without approvers the gate is that a person starts the sync, and that person is of the team that owns the service.
    syncing = environment.approvers or (service.team,)
    seeing = dict.fromkeys((service.team, *syncing))
    return [
        *(("p", f"role:team-{team}", "applications", "get", application, "allow") for team in seeing),
        *(("p", f"role:team-{team}", "logs", "get", application, "allow") for team in seeing),
        *(("p", f"role:team-{team}", "applications", "sync", application, "allow") for team in syncing),
    ]
