"""REST of who reaches one repository: collaborators, teams, invitations."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.access.authorization import repository_role
from sandbox.github.core.errors import not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.organizations import teams
from sandbox.github.repositories.repositories import role_flags


def _view(request: Request, login: str, role: str) -> dict[str, Any]:
    return accounts.simple(request.forge, login) | {"role_name": role, "permissions": role_flags(role)}


@route("GET", "/repos/{owner}/{repo}/collaborators")
def list_collaborators(request: Request) -> Answer:
    """People added to the repository itself; with affiliation `all` also those who reach it by organisation or team."""
    forge, repository = request.forge, request.repository
    direct = forge.store.table("collaborators").all(f"{repository['id']}/")
    organization = accounts.find_organization(forge, repository["owner"]["login"])
    affiliation = request.query.get("affiliation", "all")
    if affiliation == "outside":
        direct = [
            one for one in direct if not organization or not accounts.membership(forge, organization, one["login"])
        ]
    if affiliation != "all":
        return [_view(request, one["login"], one["role"]) for one in direct]
    everyone = [
        (user["login"], repository_role(forge, user["login"], repository)) for user in forge.store.table("users")
    ]
    if repository["visibility"] != "private":
        # Reading what everyone may read makes nobody a collaborator.
        everyone = [(login, role) for login, role in everyone if role != "read"]
    return [_view(request, login, role) for login, role in everyone if role != "none"]


@route("GET", "/repos/{owner}/{repo}/collaborators/{login}")
def check_collaborator(request: Request) -> Answer:
    """204 for collaborators, 404 for others."""
    role = repository_role(request.forge, request.params["login"], request.repository)
    if role == "none" or (role == "read" and request.repository["visibility"] != "private"):
        raise not_found()
    return None


@route("GET", "/repos/{owner}/{repo}/collaborators/{login}/permission")
def read_permission(request: Request) -> Answer:
    """What a person may do here, by whichever way."""
    login = request.params["login"]
    if accounts.find_user(request.forge, login) is None:
        raise not_found()
    role = repository_role(request.forge, login, request.repository)
    permission = {"triage": "read", "maintain": "write"}.get(role, role)
    return {"permission": permission, "role_name": role, "user": _view(request, login, role)}


@route("PUT", "/repos/{owner}/{repo}/collaborators/{login}", permission="administration:write")
def add_collaborator(request: Request) -> Answer:
    """Adds a person to the repository; invitations are accepted at once."""
    user = accounts.find_user(request.forge, request.params["login"])
    if user is None:
        raise not_found()
    entry = {"login": user["login"], "role": teams.role_of(str(request.data().get("permission") or "push"))}
    request.forge.store.table("collaborators").put(f"{request.repository['id']}/{user['login'].lower()}", entry)
    return None


@route("DELETE", "/repos/{owner}/{repo}/collaborators/{login}", permission="administration:write")
def remove_collaborator(request: Request) -> Answer:
    """Removes a person from the repository."""
    key = f"{request.repository['id']}/{request.params['login'].lower()}"
    request.forge.store.table("collaborators").delete(key)
    return None


@route("GET", "/repos/{owner}/{repo}/invitations", permission="administration:read")
def list_invitations(request: Request) -> Answer:
    """There are never open invitations."""
    del request
    return []


@route("GET", "/repos/{owner}/{repo}/teams", permission="administration:read")
def list_repository_teams(request: Request) -> Answer:
    """Teams that reach the repository."""
    forge, repository = request.forge, request.repository
    shown: list[dict[str, Any]] = []
    for team in forge.store.table("teams"):
        entry = forge.store.table("team_repositories").get(f"{team['id']}/{repository['id']}")
        if entry is not None:
            role = entry["role"]
            shown.append(
                teams.brief(forge, team)
                | {
                    "parent": teams.parent_of(forge, team),
                    "permission": teams.permission_of(role),
                    "permissions": role_flags(role),
                }
            )
    return shown
