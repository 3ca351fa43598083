"""Who may do what: one model, from which GitHub, Argo CD and Kubernetes are told.

A team has a role for each service in each environment. What a role may do is here, and nowhere else; rights of teams on
repositories, reviewers, code owners, the policy of Argo CD, role bindings, what the release program lets people do, and
the printed matrix are read from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from manifests.model import Environment, Service, Settings, Team


class Action(StrEnum):
    """Something that people do, in the order in which the matrix shows it."""

    VIEW = "view"
    """See the Application, its resources and events."""
    LOGS = "logs"
    """Read the logs of its pods."""
    PROPOSE = "propose"
    """Push a branch with values or a chart; a pull request brings it in."""
    HOLD = "hold"
    """Hold a version, and release it from hold."""
    SYNC = "sync"
    """Apply the revision that the environment follows."""
    APPROVE = "approve"
    """Let a release through to an environment that has approvers; not one's own."""
    FREEZE = "freeze"
    """Freeze the environment for all of its services, and end that."""
    CHANGE = "change"
    """Change objects in the namespace by hand."""
    EXEC = "exec"
    """Open a shell in a pod."""
    OVERRIDE = "override"
    """Sync another revision, roll back in Argo CD, change the Application."""
    MAINTAIN = "maintain"
    """Review what the settings keep, administer Argo CD."""


class Role(StrEnum):
    """What a team is to a service in an environment."""

    VIEWER = "viewer"
    """Looks at it."""
    DEVELOPER = "developer"
    """Owns the service, where somebody else lets releases in."""
    OPERATOR = "operator"
    """Runs it: owns the service where no other team approves, or runs the environment."""
    APPROVER = "approver"
    """Lets releases of others in."""
    PLATFORM = "platform"
    """Runs the platform."""


_VIEWER = frozenset({Action.VIEW, Action.LOGS})
_DEVELOPER = _VIEWER | {Action.PROPOSE, Action.HOLD}
GRANTS: dict[Role, frozenset[Action]] = {
    Role.VIEWER: _VIEWER,
    Role.DEVELOPER: _DEVELOPER,
    Role.OPERATOR: _DEVELOPER | {Action.SYNC},
    Role.APPROVER: _VIEWER | {Action.HOLD, Action.SYNC, Action.APPROVE},
    Role.PLATFORM: frozenset(Action) - {Action.APPROVE, Action.CHANGE, Action.EXEC},
}
"""What each role may do. Rank alone approves nothing: approvers are named."""


@dataclass(frozen=True)
class Right:
    """What a team is to a service in an environment, and may do there."""

    team: str
    service: Service
    environment: Environment
    roles: tuple[Role, ...]
    actions: frozenset[Action]


def rights(settings: Settings) -> Iterator[Right]:
    """The right of every team in every place that it has one in."""
    for found in rights_by_place(settings).values():
        yield from found


def rights_by_place(settings: Settings) -> dict[tuple[str, str], list[Right]]:
    """The rights in every place, by the names of its service and environment; of each the owner's first.

    Who freezes an environment depends on all of its services, so it is asked once here and not for each place.
    """
    freezers = {environment.name: teams_that_freeze(settings, environment) for environment in settings.environments}
    return {
        (service.name, environment.name): [
            Right(
                team,
                service,
                environment,
                tuple(roles),
                _actions(service, environment, team, roles, freezers[environment.name]),
            )
            for team, roles in _roles(settings, service, environment).items()
        ]
        for service, environment in settings.placements()
    }


def teams_that_freeze(settings: Settings, environment: Environment) -> tuple[str, ...]:
    """The teams that may sync every service of an environment: a freeze stops all of them."""
    everywhere: dict[str, int] = {}
    services = settings.services_of(environment)
    for service in services:
        for team, roles in _roles(settings, service, environment).items():
            if any(Action.SYNC in GRANTS[role] for role in roles):
                everywhere[team] = everywhere.get(team, 0) + 1
    platform = settings.github.platform_team
    found = [team for team, count in everywhere.items() if count == len(services)]
    return tuple(dict.fromkeys([*found, *([platform] if platform else [])]))


def repository_permission(settings: Settings, team: Team) -> str:
    """What a team may do in the environment repository: GitHub's word for it.

    Who only looks cannot push; GitHub counts a code owner's review, and starts a workflow, for those alone who can.
    """
    if team.name == settings.github.platform_team:
        return "maintain"
    found = [_roles(settings, *place).get(team.name, ()) for place in settings.placements()]
    roles = {role for roles in found for role in roles}
    return "pull" if roles and all(GRANTS[role] <= _VIEWER for role in roles) else "push"


def _roles(settings: Settings, service: Service, environment: Environment) -> dict[str, list[Role]]:
    found: dict[str, list[Role]] = {
        service.team: [Role.DEVELOPER if environment.approvers else Role.OPERATOR],
    }
    for role, teams in (
        (Role.APPROVER, environment.approvers),
        (Role.OPERATOR, environment.operators),
        (Role.VIEWER, environment.viewers),
    ):
        for team in teams:
            mine = found.setdefault(team, [])
            if role not in mine:
                mine.append(role)
    if settings.github.platform_team:
        found.setdefault(settings.github.platform_team, []).append(Role.PLATFORM)
    return found


def _actions(
    service: Service, environment: Environment, team: str, roles: list[Role], freezers: tuple[str, ...]
) -> frozenset[Action]:
    actions = frozenset[Action]().union(*(GRANTS[role] for role in roles))
    if team in freezers:
        actions |= {Action.FREEZE}
    # Production is changed through Git alone; elsewhere the owner may try things out.
    if team == service.team and not environment.is_production_like:
        actions |= {Action.CHANGE, Action.EXEC}
    return actions
