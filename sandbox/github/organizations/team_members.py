"""REST of the members of a team, and of those who are invited into it."""

from sandbox.github.access import accounts
from sandbox.github.core.errors import invalid_field, not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.organizations.teams import TEAM, add_member, team_of


@route("GET", TEAM + "/members", permission="members:read")
def list_team_members(request: Request) -> Answer:
    """Members of a team; of one role with `role`."""
    wanted = request.query.get("role", "all")
    members = accounts.team_members(request.forge, team_of(request))
    return [accounts.simple(request.forge, member["login"]) for member in members if wanted in ("all", member["role"])]


@route("GET", TEAM + "/invitations", permission="members:read")
def list_team_invitations(request: Request) -> Answer:
    """People who were put into the team and have not accepted yet."""
    team, forge = team_of(request), request.forge
    waiting = [
        entry
        for entry in forge.store.table("team_members").all(f"{team['id']}/")
        if not accounts.is_team_member(forge, team["id"], entry["login"])
    ]
    return [accounts.simple(forge, entry["login"]) | {"role": "direct_member"} for entry in waiting]


def _membership(request: Request) -> Answer:
    team, login = team_of(request), request.params["login"]
    entry = request.forge.store.table("team_members").get(f"{team['id']}/{login.lower()}")
    if entry is None:
        raise not_found()
    organization = request.organization
    owner = accounts.membership(request.forge, organization, login) == "admin"
    url = f"{request.forge.api_url}/organizations/{organization['id']}/team/{team['id']}/memberships/{entry['login']}"
    # Owners of the organisation are maintainers of every team they are in.
    active = accounts.is_team_member(request.forge, team["id"], login)
    return {
        "url": url,
        "role": "maintainer" if owner else entry["role"],
        "state": "active" if active else "pending",
    }


@route("GET", TEAM + "/memberships/{login}", permission="members:read")
def read_team_membership(request: Request) -> Answer:
    """A member's role in a team."""
    return _membership(request)


@route("PUT", TEAM + "/memberships/{login}", permission="members:write")
def set_team_membership(request: Request) -> Answer:
    """Puts a user into a team, or changes its role there."""
    role = request.data().get("role", "member")
    if role not in ("member", "maintainer"):
        raise invalid_field("TeamMembership", "role")
    add_member(request.forge, team_of(request), request.params["login"], role)
    return _membership(request)


@route("DELETE", TEAM + "/memberships/{login}", permission="members:write")
def remove_team_membership(request: Request) -> Answer:
    """Takes a user out of a team."""
    if not request.forge.store.table("team_members").delete(
        f"{team_of(request)['id']}/{request.params['login'].lower()}"
    ):
        raise not_found()
    return None
