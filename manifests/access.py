"""Who may do what: one model, from which GitHub, Argo CD and Kubernetes are told.

A team has a role for each service in each environment. What a role may do is here, and nowhere else; the policy of Argo
CD, role bindings, reviewers, code owners and the printed matrix are read from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from manifests.model import Environment, Service, Settings


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
    CHANGE = "change"
    """Change objects in the namespace by hand, open a shell in a pod included."""
    OVERRIDE = "override"
    """Sync another revision, roll back in Argo CD, change the Application."""
    MAINTAIN = "maintain"
    """Review what the settings keep, freeze an environment, administer Argo CD."""


class Role(StrEnum):
    """What a team is to a service in an environment."""

    DEVELOPER = "developer"
    """Owns the service, where somebody else lets releases in."""
    OPERATOR = "operator"
    """Owns the service and lets its releases in."""
    APPROVER = "approver"
    """Lets releases of others in."""
    PLATFORM = "platform"
    """Runs the platform."""


_DEVELOPER = frozenset({Action.VIEW, Action.LOGS, Action.PROPOSE, Action.HOLD})
_APPROVER = frozenset({Action.VIEW, Action.LOGS, Action.SYNC, Action.APPROVE})
GRANTS: dict[Role, frozenset[Action]] = {
    Role.DEVELOPER: _DEVELOPER,
    Role.OPERATOR: _DEVELOPER | {Action.SYNC},
    Role.APPROVER: _APPROVER,
    Role.PLATFORM: frozenset(Action) - {Action.APPROVE, Action.CHANGE},
}
"""What each role may do. Nobody approves by rank: approvers are named."""


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
    for service, environment in settings.placements():
        yield from rights_in(settings, service, environment)


def rights_in(settings: Settings, service: Service, environment: Environment) -> list[Right]:
    """The right of each team to a service in an environment, the owner first."""
    found: dict[str, list[Role]] = {
        service.team: [Role.DEVELOPER if environment.approvers else Role.OPERATOR],
    }
    for team in environment.approvers:
        found.setdefault(team, []).append(Role.APPROVER)
    if settings.github.platform_team:
        found.setdefault(settings.github.platform_team, []).append(Role.PLATFORM)
    return [
        Right(team, service, environment, tuple(roles), _actions(service, environment, team, roles))
        for team, roles in found.items()
    ]


def _actions(service: Service, environment: Environment, team: str, roles: list[Role]) -> frozenset[Action]:
    actions = frozenset[Action]().union(*(GRANTS[role] for role in roles))
    # Production is changed through Git alone; elsewhere the owner may try things out.
    if team == service.team and not environment.is_production_like:
        actions |= {Action.CHANGE}
    return actions
