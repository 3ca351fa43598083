"""REST of teams: the teams of an organisation, and the repositories they reach."""

import re
from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, invalid_field, missing_field, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Kind
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, items
from sandbox.github.organizations.account_routes import organization_view
from sandbox.github.repositories import repositories

ROLE_NAMES = {"pull": "read", "push": "write"}
"""Team permissions whose role is named otherwise; the rest are the same words."""

PERMISSIONS = ("pull", "triage", "push", "maintain", "admin")

TEAM = "/orgs/{org}/teams/{team_slug}"


def role_of(permission: str) -> str:
    """The role that a team permission or a collaborator's permission stands for.

    Raises:
        GitHubError: 422, there is no such permission.
    """
    role = ROLE_NAMES.get(permission, permission)
    if role not in ("read", "triage", "write", "maintain", "admin"):
        raise invalid_field("Repository", "permission")
    return role


def permission_of(role: str) -> str:
    """The team permission of a role."""
    return {role: permission for permission, role in ROLE_NAMES.items()}.get(role, role)


def find(forge: Forge, organization: str, slug: str) -> Document | None:
    """A team by its slug."""
    for team in forge.store.table("teams"):
        if team["organization"].lower() == organization.lower() and team["slug"] == slug.lower():
            return team
    return None


def team_of(request: Request) -> Document:
    """The team that the path names."""
    team = find(request.forge, request.organization["login"], request.params["team_slug"])
    if team is None:
        raise not_found()
    return team


def brief(forge: Forge, team: Document) -> dict[str, Any]:
    """A team as it appears inside other objects."""
    url = f"{forge.api_url}/organizations/{team['organization_id']}/team/{team['id']}"
    return {
        "id": team["id"],
        "node_id": f"T_{team['id']}",
        "name": team["name"],
        "slug": team["slug"],
        "description": team["description"],
        "privacy": team["privacy"],
        "notification_setting": team["notification_setting"],
        "permission": "pull",
        "type": "organization",
        "url": url,
        "html_url": f"{forge.url}/orgs/{team['organization']}/teams/{team['slug']}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
    }


def parent_of(forge: Forge, team: Document) -> dict[str, Any] | None:
    """The parent of a team, if it has one."""
    parent = forge.store.table("teams").get(team["parent_id"]) if team["parent_id"] else None
    return brief(forge, parent) if parent else None


def view(forge: Forge, team: Document) -> dict[str, Any]:
    """A team's own page."""
    organization = accounts.find_organization(forge, team["organization"]) or {}
    return brief(forge, team) | {
        "parent": parent_of(forge, team),
        "members_count": len(accounts.team_members(forge, team)),
        "repos_count": len(forge.store.table("team_repositories").keys(f"{team['id']}/")),
        "created_at": team["created_at"],
        "updated_at": team["created_at"],
        "organization": organization_view(forge, organization),
    }


def _may_be_above(forge: Forge, team: Document, parent: Document | None) -> bool:
    """Whether one team can be the parent of another: a visible one of the same organisation, and not below it."""
    above = parent
    while above is not None and above["id"] != team["id"]:
        above = forge.store.table("teams").get(above["parent_id"]) if above["parent_id"] else None
    is_ours = parent is not None and parent["organization"] == team["organization"] and parent["privacy"] != "secret"
    return is_ours and above is None


def _has_children(forge: Forge, team: Document) -> bool:
    return any(other["parent_id"] == team["id"] for other in forge.store.table("teams"))


def _apply(forge: Forge, team: Document, given: dict[str, Any]) -> None:
    for name in ("name", "description", "privacy", "notification_setting"):
        if given.get(name) is not None:
            team[name] = given[name]
    if team["privacy"] not in ("secret", "closed"):
        raise invalid_field("Team", "privacy")
    team["slug"] = re.sub(r"[^a-z0-9_]+", "-", str(team["name"]).lower()).strip("-")
    holder = find(forge, team["organization"], team["slug"])
    if holder is not None and holder["id"] != team["id"]:
        raise invalid_field("Team", "name", "already_exists", "Name must be unique for this org")
    if "parent_team_id" in given:
        parent = given["parent_team_id"]
        if parent and not _may_be_above(forge, team, forge.store.table("teams").get(parent)):
            raise invalid_field("Team", "parent_team_id")
        team["parent_id"] = parent
    if team["privacy"] == "secret" and (team["parent_id"] or _has_children(forge, team)):
        # https://docs.github.com/rest/teams/teams: a secret team cannot be nested, above or below.
        raise invalid_field("Team", "privacy", "custom", "Secret teams cannot be nested; make the team visible")


@route("GET", "/orgs/{org}/teams", permission="members:read")
def list_teams(request: Request) -> Answer:
    """All teams."""
    login = request.organization["login"]
    return [view(request.forge, team) for team in request.forge.store.table("teams") if team["organization"] == login]


@route("POST", "/orgs/{org}/teams", permission="members:write")
def create_team(request: Request) -> Answer:
    """Creates a team; the person who does becomes its maintainer."""
    given, forge = request.data(), request.forge
    if not given.get("name"):
        raise missing_field("name")
    table = forge.store.table("teams")
    with forge.store.lock:
        team: Document = {
            "id": table.next_id(),
            "name": "",
            "slug": "",
            "description": "",
            "privacy": "closed" if given.get("parent_team_id") else "secret",
            "notification_setting": "notifications_enabled",
            "parent_id": None,
            "organization": request.organization["login"],
            "organization_id": request.organization["id"],
            "created_at": now(),
        }
        _apply(forge, team, given)
        table.put(team["id"], team)
    maintainers = [str(login) for login in items(given, "maintainers")]
    # An owner who creates a team is not made its member on GitHub Enterprise Server; other people are.
    is_owner = accounts.membership(forge, request.organization, request.principal.login) == "admin"
    if not maintainers and request.principal.kind is Kind.USER and not is_owner:
        maintainers = [request.principal.login]
    for login in maintainers:
        add_member(forge, team, login, "maintainer")
    return 201, view(forge, team)


@route("GET", TEAM, permission="members:read")
def read_team(request: Request) -> Answer:
    """One team."""
    return view(request.forge, team_of(request))


@route("PATCH", TEAM, permission="members:write")
def change_team(request: Request) -> Answer:
    """Changes a team; a new name is a new slug."""
    team, forge = team_of(request), request.forge
    with forge.store.lock:
        _apply(forge, team, request.data())
        forge.store.table("teams").put(team["id"], team)
    return view(forge, team)


@route("DELETE", TEAM, permission="members:write")
def delete_team(request: Request) -> Answer:
    """Deletes a team and the access it gave."""
    team, store = team_of(request), request.forge.store
    with store.lock:
        store.table("team_members").delete_all(f"{team['id']}/")
        store.table("team_repositories").delete_all(f"{team['id']}/")
        store.table("teams").delete(team["id"])
    return None


def add_member(forge: Forge, team: Document, login: str, role: str) -> None:
    """Puts a user into a team, or changes its role there."""
    user = accounts.find_user(forge, login)
    if user is None:
        raise not_found()
    organization = accounts.find_organization(forge, team["organization"])
    if organization is not None and accounts.invitation_or_membership(forge, organization, login) is None:
        # The invitation to the team is one to the organisation too, and both wait until it is accepted.
        accounts.set_membership(forge, organization, user["login"], "member", pending=True)
    entry = {"login": user["login"], "role": role}
    forge.store.table("team_members").put(f"{team['id']}/{user['login'].lower()}", entry)


def _target(request: Request) -> Document:
    found = request.forge.repository(f"{request.params['repository_owner']}/{request.params['repository_name']}")
    if found is None or found["owner"]["login"] != request.organization["login"]:
        raise not_found()
    return found


def _access_view(forge: Forge, repository: Document, role: str) -> dict[str, Any]:
    return repositories.view(forge, repository) | {"role_name": role, "permissions": repositories.role_flags(role)}


@route("GET", TEAM + "/repos", permission="members:read")
def list_team_repositories(request: Request) -> Answer:
    """Repositories that a team reaches, with its role in each."""
    team, store = team_of(request), request.forge.store
    shown: list[dict[str, Any]] = []
    for entry in store.table("team_repositories").all(f"{team['id']}/"):
        repository = store.table("repositories").get(entry["repository_id"])
        if repository is not None:
            shown.append(_access_view(request.forge, repository, entry["role"]))
    return shown


@route("GET", TEAM + "/repos/{repository_owner}/{repository_name}", permission="members:read")
def read_team_repository(request: Request) -> Answer:
    """The team's role in a repository: 204 alone, or the repository where the Accept header asks for it."""
    team, repository = team_of(request), _target(request)
    entry = request.forge.store.table("team_repositories").get(f"{team['id']}/{repository['id']}")
    if entry is None:
        raise GitHubError(404, "Not Found")
    if "repository+json" not in request.headers.get("accept", ""):
        return None
    return _access_view(request.forge, repository, entry["role"])


@route("PUT", TEAM + "/repos/{repository_owner}/{repository_name}", permission="members:write")
def set_team_repository(request: Request) -> Answer:
    """Gives a team a role in a repository."""
    team, repository = team_of(request), _target(request)
    role = role_of(str(request.data().get("permission") or "push"))
    entry = {"repository_id": repository["id"], "role": role}
    request.forge.store.table("team_repositories").put(f"{team['id']}/{repository['id']}", entry)
    return None


@route("DELETE", TEAM + "/repos/{repository_owner}/{repository_name}", permission="members:write")
def remove_team_repository(request: Request) -> Answer:
    """Takes a repository away from a team."""
    team, repository = team_of(request), _target(request)
    request.forge.store.table("team_repositories").delete(f"{team['id']}/{repository['id']}")
    return None
