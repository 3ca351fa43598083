"""Who may see and sync what in Argo CD: the policy that follows from teams, services and environments.

Groups are `<owner>:<team>`, as Dex's GitHub connector gives them, unless the settings name the group. Only the
platform's team changes Applications, and no person goes around Git: there is no `override`, `delete`, `update` or
`exec` for a team.
"""

import csv
from collections.abc import Iterator

from manifests.access import Action, Right, Role, rights
from manifests.argocd import sign_on
from manifests.model import Settings, placement_name

INFRASTRUCTURE_PROJECT = "infrastructure"
BUILT_IN = "policy.built-in.csv"
"""The key of the rules about Argo CD's own administrator: breaking glass takes them away."""
ADMINISTRATORS = ("admin", "role:admin")
"""Argo CD's own: it takes an account or a group of such a name for its administrator."""
_GRANT, _MEMBERSHIP = 6, 3
"""How many fields a rule has that starts with `p`, and one that starts with `g`."""
_RIGHTS = {
    Action.VIEW: ("applications", "get"),
    Action.LOGS: ("logs", "get"),
    Action.SYNC: ("applications", "sync"),
}
"""What an action is in Argo CD: resource and verb. The others are not done there, or by administrators alone."""


def rbac_values(settings: Settings) -> dict[str, str]:
    """The values of `configs.rbac`: a person whom the policy does not name sees nothing."""
    return {
        "policy.default": "",
        "policy.csv": policy(settings),
        "scopes": sign_on.scopes(settings),
        "policy.matchMode": "glob",
        **({BUILT_IN: _denied()} if denies_built_in(settings) else {}),
    }


def denies_built_in(settings: Settings) -> bool:
    """Whether Argo CD's own administrator has no rights: it cannot log in, but a group may have its name."""
    return settings.argocd.sso is not None and not settings.argocd.sso.admin


def _denied() -> str:
    """Each of somebody's groups is asked for by itself, so who is in one of these keeps the rights of the others."""
    return "".join(f"p, {name}, *, *, *, deny\n" for name in ADMINISTRATORS)


def policy(settings: Settings) -> str:
    """The rules, one role for each team and one line for each thing it may do."""
    rules: list[tuple[str, ...]] = []
    for team in settings.teams:
        role = f"role:team-{team.name}"
        rules += [("g", group, role) for group in sign_on.groups(settings, team)]
        if team.name == settings.github.platform_team:
            # Not by `role:admin`: who has that is denied with it.
            rules.append(("p", role, "*", "*", "*", "allow"))
        rules.append(("p", role, "applications", "get", f"{INFRASTRUCTURE_PROJECT}/*", "allow"))
        rules += [("p", role, "projects", "get", environment.name, "allow") for environment in settings.environments]
    for service in settings.services:
        if (place := settings.pull_request_place(service)) is not None:
            project, role = placement_name(service, place), f"role:team-{service.team}"
            rules.append(("p", role, "projects", "get", project, "allow"))
            rules += [("p", role, resource, verb, f"{project}/*", "allow") for resource, verb in _RIGHTS.values()]
    for right in rights(settings):
        # The platform's team has the role of an administrator.
        if Role.PLATFORM not in right.roles:
            rules += _right_rules(right)
    # Two roads may lead to one right: a team that owns a service and approves for its environment.
    return "".join(f"{', '.join(map(_field, rule))}\n" for rule in dict.fromkeys(rules))


def _field(text: str) -> str:
    """A field of the policy, which is CSV: directories have commas and quotes in the names of groups."""
    quoted = text.replace('"', '""')
    return f'"{quoted}"' if set(text) & set(',"') else text


def broken_rules(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a policy that are no rules, by their number: with one of them Argo CD loads none of the policy."""
    for number, rule, fields in _read(text):
        is_grant = len(fields) == _GRANT and fields[0] == "p" and fields[-1] in {"allow", "deny"}
        if not is_grant and not _is_membership(fields):
            yield number, rule


def denied_memberships(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a policy that give somebody a role of Argo CD's own administrator, by their number."""
    for number, rule, fields in _read(text):
        if _is_membership(fields) and fields[-1] in ADMINISTRATORS:
            yield number, rule


def _read(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """The rules of a policy: number, line and fields; no fields where it cannot be read."""
    for number, line in enumerate(text.splitlines(), 1):
        rule = line.strip()
        if not rule or rule.startswith("#"):
            continue
        try:
            (fields,) = csv.reader([rule], skipinitialspace=True, strict=True)
        except csv.Error:
            fields = list[str]()
        yield number, rule, fields


def _is_membership(fields: list[str]) -> bool:
    return len(fields) == _MEMBERSHIP and fields[0] == "g"


def _right_rules(right: Right) -> list[tuple[str, ...]]:
    application = f"{right.environment.name}/{placement_name(right.service, right.environment)}"
    return [
        ("p", f"role:team-{right.team}", resource, verb, application, "allow")
        for action, (resource, verb) in _RIGHTS.items()
        if action in right.actions
    ]
