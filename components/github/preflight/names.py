"""Names that the stack wants on GitHub: what exists already and is not ours, and people who have to be there."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.preflight.findings import Advice
from manifests.model import MemberRole, Settings, Team

_MOVED = frozenset({301, 302, 307, 308})

Repository = dict[str, Any]


def find_repository(settings: Settings, api: GitHubApi, name: str) -> Repository | GitHubError | None:
    """A repository as GitHub shows it, None where it does not exist, or why that cannot be said."""
    try:
        return api.find(f"/repos/{settings.github.owner}/{quote(name)}")
    except GitHubError as error:
        return error


def repository_problems(settings: Settings, name: str, found: Repository | GitHubError | None) -> Iterator[str]:
    """What is wrong with a repository that exists."""
    full_name = f"{settings.github.owner}/{name}"
    if isinstance(found, GitHubError):
        moved = f"repository {full_name}: it was renamed or moved; use its new name in the settings, or another one"
        yield moved if found.status in _MOVED else str(found)
        return
    if found is None:
        return
    if found.get("archived"):
        yield f"repository {full_name}: it is archived; unarchive it on its settings page, or choose another name"
    if f"[{settings.mark}]" not in (found.get("description") or ""):
        yield (
            f"repository {full_name}: it exists and is not this stack's; choose another name, or adopt it:"
            f" end its description with [{settings.mark}] and run `pulumi import github:index/repository:Repository"
            f" {name}-repository {name}`"
        )


def team_problems(settings: Settings, api: GitHubApi, team: Team) -> Iterator[str]:
    """What is wrong with a team, or with its absence."""
    found = api.find(f"/orgs/{settings.github.owner}/teams/{team.name}")
    path = f"teams[{team.name}]"
    if team.existing and found is None:
        yield f"{path}: {settings.github.owner} has no such team; create it, or leave `existing` out"
    if found is None:
        return
    if not team.existing and f"[{settings.mark}]" not in (found.get("description") or ""):
        yield f"{path}: the team exists and is not this stack's; set `existing: true`, or choose another name"
    if found.get("privacy") == "secret":
        page = f"{settings.github.base_url}orgs/{settings.github.owner}/teams/{team.name}/edit"
        yield f"{path}: it is a secret team, and rules and CODEOWNERS take visible ones only; make it visible: {page}"


def member_problems(settings: Settings, api: GitHubApi, login: str) -> Iterator[str]:
    """What keeps a person from being a member of its teams as the settings say."""
    owner = settings.github.owner
    membership = api.find(f"/orgs/{owner}/memberships/{quote(login)}")
    if membership is None:
        if api.find(f"/users/{quote(login)}") is None:
            yield f"teams: there is no account {login}; correct the login, or take it out"
        else:
            yield Advice(
                f"teams: {login} is not a member of {owner}; GitHub sends an invitation, and previews show a change"
                " until it is accepted"
            )
        return
    if membership.get("state") == "pending":
        yield Advice(f"teams: {login} has not accepted the invitation to {owner}; until then previews show a change")
    if membership.get("role") == "admin":
        for team in settings.teams:
            if any(one.login == login and one.role is MemberRole.MEMBER for one in team.members):
                yield (
                    f"teams[{team.name}].members: {login} owns {owner}, and GitHub makes owners maintainers of their"
                    " teams; set `role: maintainer`"
                )
