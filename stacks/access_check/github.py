"""What GitHub says about rights: teams, people beside them, what workflows may do, code owners, and all that guards."""

import base64
import os
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.errors import GitHubError
from components.github.workflow_settings import environment_variables, service_variables
from manifests.access import repository_permission
from manifests.code_owners import PATH, code_owners
from manifests.model import AUTOMATION, ActionsPolicy, MemberRole, Settings, Team
from manifests.repository_files import tracked_branches
from manifests.rules import environment_rules, service_rules
from slipway_release.tags import tag_patterns
from stacks.access_check import keys
from stacks.access_check.keys import Environment
from stacks.access_check.rulesets import MEND, Rulesets

_ORDER = ("admin", "maintain", "push", "triage", "pull")


def differences(settings: Settings) -> Iterator[str]:
    """What GitHub allows otherwise than declared."""
    token = os.environ.get("GITHUB_TOKEN")
    if not token:
        yield "GitHub: not asked; set GITHUB_TOKEN to a token that administers the environment repository"
        return
    try:
        yield from _differences(settings, GitHubApi(settings.github.api_url, Token(token)))
    except GitHubError as error:
        yield f"GitHub: it cannot be asked: {error}"


def cases(settings: Settings) -> int:
    """What GitHub is compared in: the organisation, each team, each repository with its parts, and the code owners.

    Of a team who is in it and who leads it; of a repository the right of each team, the people and keys beside them,
    who sees it, what its workflows may do, its rulesets, its environments, and what its workflows are told.
    """
    repositories, teams = 1 + len(settings.services), len(settings.teams)
    rulesets = len(environment_rules(settings)) + sum(len(service_rules(settings, one)) for one in settings.services)
    environments = repositories + len(settings.environments)
    return 3 + 2 * teams + (teams + 6) * repositories + rulesets + environments


def _differences(settings: Settings, api: GitHubApi) -> Iterator[str]:
    owner, rulesets = settings.github.owner, Rulesets(settings.github.owner, api)
    yield from _organisation(settings, api)
    for team in settings.teams:
        yield from _members(settings, api, team)
    environments = settings.github.environment_repository
    wanted = {team.name: repository_permission(settings, team) for team in settings.teams}
    if (yield from _repository(settings, api, environments, wanted)):
        yield from _actions(settings, api, environments)
        yield from rulesets.differences(environments, environment_rules(settings))
        places = [AUTOMATION, *(one.name for one in settings.environments)]
        yield from keys.variables(api, owner, environments, environment_variables(settings), places)
    for service in settings.services:
        if (yield from _repository(settings, api, service.repository_name, {service.team: "push"})):
            yield from rulesets.differences(service.repository_name, service_rules(settings, service))
            yield from keys.variables(api, owner, service.repository_name, service_variables(settings), [AUTOMATION])
    for name, reviewers in [(AUTOMATION, ()), *((one.name, one.reviewers) for one in settings.environments)]:
        declared = Environment(name, ["main"], reviewers=frozenset(reviewers))
        yield from keys.differences(api, owner, environments, declared)
    for service in settings.services:
        tags = tag_patterns(settings.environments_of(service))
        declared = Environment(AUTOMATION, tracked_branches(settings, service), tags)
        yield from keys.differences(api, owner, service.repository_name, declared)
    yield from _code_owners(settings, api)


def _organisation(settings: Settings, api: GitHubApi) -> Iterator[str]:
    """What every member of the organisation may do in every repository, as its owners see it."""
    owner = settings.github.owner
    shown: dict[str, Any] = api.find(f"/orgs/{owner}") or {}
    given = shown.get("default_repository_permission")
    if given not in {None, "none", "read"}:
        command = f"gh api --method PATCH orgs/{owner} --field default_repository_permission=read"
        yield f"GitHub: every member of {owner} has {given} on every repository, declared is read; `{command}`"


def _members(settings: Settings, api: GitHubApi, team: Team) -> Iterator[str]:
    if team.existing:
        return
    path = f"/orgs/{settings.github.owner}/teams/{team.name}"
    if api.find(path) is None:
        yield f"GitHub: team {team.name}: it is not there; {MEND}"
        return
    invited = {str(one["login"]).lower() for one in api.pages(f"{path}/invitations")}
    found = {str(one["login"]).lower() for one in api.pages(f"{path}/members")} | invited
    declared = {member.login.lower() for member in team.members}
    for login in sorted(found - declared):
        yield f"GitHub: team {team.name}: {login} is in it and not declared; {MEND}"
    for login in sorted(declared - found):
        yield f"GitHub: team {team.name}: {login} is declared and not in it; {MEND}"
    yield from _maintainers(settings, api, team, path)


def _maintainers(settings: Settings, api: GitHubApi, team: Team, path: str) -> Iterator[str]:
    """Who may take others into a team; GitHub lets the owners of the organisation do so in any case."""
    leading = {str(one["login"]).lower() for one in api.pages(f"{path}/members?role=maintainer")}
    declared = {member.login.lower(): member.role for member in team.members}
    if surplus := {login for login in leading if declared.get(login) is MemberRole.MEMBER}:
        owners = {str(one["login"]).lower() for one in api.pages(f"/orgs/{settings.github.owner}/members?role=admin")}
        for login in sorted(surplus - owners):
            yield f"GitHub: team {team.name}: {login} may take others into it, declared is member; {MEND}"


def _repository(settings: Settings, api: GitHubApi, name: str, teams: Mapping[str, str]) -> Generator[str, None, bool]:
    """What is otherwise of a repository; whether it is there."""
    full_name = f"{settings.github.owner}/{name}"
    path = f"/repos/{settings.github.owner}/{quote(name)}"
    shown: Any = api.find(path)
    if shown is None:
        yield f"GitHub: {full_name}: it is not there; {MEND}"
        return False
    if (now := str(shown["full_name"])).lower() != full_name.lower():
        yield f"GitHub: {full_name} is {now} now, which its App and its rules do not know; transfer or rename it back"
        return False
    if (seen := str(shown["visibility"])) != settings.github.visibility.value:
        yield f"GitHub: {full_name} is {seen}, declared is {settings.github.visibility}; {MEND}"
    listed = {str(one["slug"]): one for one in api.pages(f"{path}/teams")}
    for team, wanted in teams.items():
        found = _permission(listed[team]) if team in listed else None
        if found != wanted:
            yield f"GitHub: team {team} has {found or 'nothing'} on {full_name}, declared is {wanted}; {MEND}"
    for team in sorted(set(listed) - set(teams)):
        command = f"gh api --method DELETE orgs/{settings.github.owner}/teams/{team}/repos/{full_name}"
        yield f"GitHub: team {team} has {_permission(listed[team])} on {full_name}, declared is nothing; `{command}`"
    for person in api.pages(f"{path}/collaborators?affiliation=direct"):
        login, may = str(person["login"]), _permission(person)
        command = f"gh api --method DELETE repos/{full_name}/collaborators/{login}"
        yield f"GitHub: {login} has {may or 'a role'} on {full_name} beside the teams; `{command}`"
    for key in api.pages(f"{path}/keys"):
        if not key["read_only"]:
            command = f"gh api --method DELETE repos/{full_name}/keys/{key['id']}"
            yield f"GitHub: deploy key {key['title']!r} writes {full_name}, declared is none; `{command}`"
    allowed: Any = api.find(f"{path}/actions/permissions/workflow") or {}
    if allowed.get("can_approve_pull_request_reviews"):
        yield f"GitHub: workflows of {full_name} may make and approve pull requests, declared is not; {MEND}"
    if allowed.get("default_workflow_permissions", "read") != "read":
        yield f"GitHub: workflows of {full_name} may write unless they say otherwise, declared is read; {MEND}"
    yield from keys.beside(api, settings.github.owner, name)
    return True


def _actions(settings: Settings, api: GitHubApi, name: str) -> Iterator[str]:
    """Which actions run beside the promoter's key."""
    if settings.github.actions_policy is not ActionsPolicy.REPOSITORY:
        return
    owner = settings.github.owner
    path = f"/repos/{owner}/{quote(name)}/actions/permissions"
    allowed: str = api.get(path).get("allowed_actions", "none")
    if allowed == "selected":
        chosen = api.get(f"{path}/selected-actions")
        more = set(chosen.get("patterns_allowed") or []) - {f"{owner}/*"}
        allowed = ", ".join(
            [*sorted(more), *(["those of verified creators"] if chosen.get("verified_allowed") else [])]
        )
    if allowed not in {"", "none", "local_only"}:
        what = f"actions that run in {owner}/{name}: {allowed}, declared are GitHub's and its owner's"
        yield f"GitHub: {what}; {MEND}"


def _permission(listed: Mapping[str, Any]) -> str | None:
    """What a team or a person may do in a repository; None for a role of the organisation's own."""
    permissions: Mapping[str, bool] = listed.get("permissions") or {}
    return next((one for one in _ORDER if permissions.get(one)), None)


def _code_owners(settings: Settings, api: GitHubApi) -> Iterator[str]:
    github = settings.github
    where = f"GitHub: {PATH} of {github.owner}/{github.environment_repository}"
    found: Any = api.find(f"/repos/{github.owner}/{github.environment_repository}/contents/{PATH}")
    if found is None:
        yield f"{where}: it is not there; {MEND}"
        return
    if api.find(f"/repos/{github.owner}/{github.environment_repository}/contents/.github/{PATH}") is not None:
        yield f"{where}: GitHub follows .github/{PATH} and not this one; remove that file"
    present = base64.b64decode(found["content"]).decode(errors="replace").splitlines()
    declared = code_owners(settings).splitlines()
    changed = [(f"the line {line!r} is not declared", line) for line in present if line not in declared]
    changed += [(f"the line {line!r} is missing", line) for line in declared if line not in present]
    if not changed and present != declared:
        changed = [("its lines are in another order, and the last one that fits a path decides", "")]
    for what, _ in changed:
        yield f"{where}: {what}; {MEND}"
