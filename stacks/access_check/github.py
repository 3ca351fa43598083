"""What GitHub says about rights: teams, people, keys, reviewers, what reaches secrets, bypass lists, code owners."""

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.credentials import Token
from components.github.errors import GitHubError
from manifests.access import repository_permission
from manifests.code_owners import PATH, code_owners
from manifests.model import AUTOMATION, Settings, Team
from manifests.repository_files import tracked_branches
from manifests.rules import Actor, ActorKind, environment_rules, service_rules
from slipway_release.tags import tag_patterns

MEND = "`pulumi up --refresh` puts it back"
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
    """What GitHub is compared in: each team's people, its right on each repository, each ruleset and environment.

    Of each repository also its deploy keys, and whether its workflows approve.
    """
    repositories, teams = 1 + len(settings.services), len(settings.teams)
    rulesets = len(environment_rules(settings)) + sum(len(service_rules(settings, one)) for one in settings.services)
    environments = repositories + len(settings.environments)
    return teams + (teams + 2) * repositories + rulesets + environments + 1


def _differences(settings: Settings, api: GitHubApi) -> Iterator[str]:
    for team in settings.teams:
        yield from _members(settings, api, team)
    environments = settings.github.environment_repository
    wanted = {team.name: repository_permission(settings, team) for team in settings.teams}
    yield from _repository(settings, api, environments, wanted, environment_rules(settings))
    for service in settings.services:
        rules = service_rules(settings, service)
        yield from _repository(settings, api, service.repository_name, {service.team: "push"}, rules)
    for name, reviewers in [(AUTOMATION, ()), *((one.name, one.reviewers) for one in settings.environments)]:
        yield from _environment(settings, api, environments, name, set(reviewers), ["main"])
    for service in settings.services:
        tags = tag_patterns(settings.environments_of(service))
        branches = tracked_branches(settings, service)
        yield from _environment(settings, api, service.repository_name, AUTOMATION, set(), branches, tags)
    yield from _code_owners(settings, api)


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


def _repository(
    settings: Settings, api: GitHubApi, name: str, teams: Mapping[str, str], rules: Mapping[str, tuple[Actor, ...]]
) -> Iterator[str]:
    full_name = f"{settings.github.owner}/{name}"
    path = f"/repos/{settings.github.owner}/{quote(name)}"
    if api.find(path) is None:
        yield f"GitHub: {full_name}: it is not there; {MEND}"
        return
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
    yield from _rules(settings, api, name, rules)


def _permission(listed: Mapping[str, Any]) -> str | None:
    """What a team or a person may do in a repository; None for a role of the organisation's own."""
    permissions: Mapping[str, bool] = listed.get("permissions") or {}
    return next((one for one in _ORDER if permissions.get(one)), None)


def _rules(settings: Settings, api: GitHubApi, name: str, rules: Mapping[str, tuple[Actor, ...]]) -> Iterator[str]:
    owner = settings.github.owner
    path = f"/repos/{owner}/{quote(name)}/rulesets"
    found = {str(one["name"]): int(one["id"]) for one in api.pages(path)}
    numbers: dict[str, str] = {}
    for title, actors in rules.items():
        where = f"GitHub: ruleset {title!r} of {owner}/{name}"
        if title not in found:
            yield f"{where}: it is not there; {MEND}, where the plan of GitHub has rulesets"
            continue
        ruleset: dict[str, Any] = api.get(f"{path}/{found[title]}")
        if ruleset["enforcement"] != "active":
            yield f"{where}: it is {ruleset['enforcement']}, declared is active; {MEND}"
        left_out: list[str] = ruleset["conditions"]["ref_name"]["exclude"]
        if left_out:
            yield f"{where}: it leaves out {', '.join(left_out)}, declared is nothing; {MEND}"
        declared = {_known(actor, owner, api, numbers): str(actor) for actor in actors}
        shown: list[dict[str, Any]] = ruleset["bypass_actors"] or []
        given = {(str(one["actor_type"]), str(one.get("actor_id") or "")) for one in shown}
        # The owners have no id of their own; GitHub shows none, or 1.
        present = {(kind, "" if kind == ActorKind.OWNERS else number) for kind, number in given}
        for kind, number in sorted(present - set(declared)):
            yield f"{where}: {kind} {number or 'every owner'} is not bound by it and not declared; {MEND}"
        for actor in sorted(set(declared) - present):
            yield f"{where}: it binds {declared[actor]}, declared is that it does not; {MEND}"


def _known(actor: Actor, owner: str, api: GitHubApi, numbers: dict[str, str]) -> tuple[str, str]:
    """An actor as GitHub names it: kind and number."""
    if actor.kind is not ActorKind.TEAM:
        return actor.kind.value, actor.name
    if actor.name not in numbers:
        team: dict[str, Any] = api.find(f"/orgs/{owner}/teams/{actor.name}") or {}
        numbers[actor.name] = str(team.get("id", "missing"))
    return actor.kind.value, numbers[actor.name]


def _environment(
    settings: Settings,
    api: GitHubApi,
    repository: str,
    name: str,
    declared: set[str],
    branches: Sequence[str],
    tags: Sequence[str] = (),
) -> Iterator[str]:
    full_name = f"{settings.github.owner}/{repository}"
    path = f"/repos/{settings.github.owner}/{quote(repository)}/environments/{quote(name, safe='')}"
    shown: Any = api.find(path)
    where = f"GitHub: environment {name} of {full_name}"
    if shown is None:
        yield f"{where}: it is not there; {MEND}"
        return
    rules = {rule["type"]: rule for rule in shown["protection_rules"]}
    asked = rules.get("required_reviewers", {}).get("reviewers", [])
    reviewers = {str(one["reviewer"].get("slug") or one["reviewer"].get("login")) for one in asked}
    if reviewers != declared:
        named, meant = ", ".join(sorted(reviewers)) or "no team", ", ".join(sorted(declared)) or "no team"
        yield f"{where}: approved by {named}, declared is {meant}; {MEND}, where the plan of GitHub has reviewers"
    policies: Any = api.find(f"{path}/deployment-branch-policies") or {"branch_policies": []}
    found = [_shown(str(one["name"]), is_tag=one.get("type") == "tag") for one in policies["branch_policies"]]
    wanted = [*branches, *(_shown(tag, is_tag=True) for tag in tags)]
    if set(found) != set(wanted):
        reached, meant = ", ".join(found) or "every branch", ", ".join(wanted) or "none"
        yield f"{where}: its keys are given to workflows of {reached}, declared is {meant}; {MEND}"


def _shown(pattern: str, *, is_tag: bool) -> str:
    """What reaches an environment, for people. A tag may have a branch's name."""
    return f"tag {pattern}" if is_tag else pattern


def _code_owners(settings: Settings, api: GitHubApi) -> Iterator[str]:
    github = settings.github
    where = f"GitHub: {PATH} of {github.owner}/{github.environment_repository}"
    found: Any = api.find(f"/repos/{github.owner}/{github.environment_repository}/contents/{PATH}")
    if found is None:
        yield f"{where}: it is not there; {MEND}"
        return
    present = base64.b64decode(found["content"]).decode(errors="replace").splitlines()
    declared = code_owners(settings).splitlines()
    changed = [(f"the line {line!r} is not declared", line) for line in present if line not in declared]
    changed += [(f"the line {line!r} is missing", line) for line in declared if line not in present]
    if not changed and present != declared:
        changed = [("its lines are in another order, and the last one that fits a path decides", "")]
    for what, _ in changed:
        yield f"{where}: {what}; {MEND}"
