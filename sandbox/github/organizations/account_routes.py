"""REST of users, organisations and who belongs to them."""

from typing import Any

from sandbox.github.access import accounts, plans
from sandbox.github.core.errors import forbidden, invalid_field, not_found, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.repositories import forks


def user_view(forge: Forge, user: Document) -> dict[str, Any]:
    """A user's own page."""
    return accounts.simple(forge, user["login"]) | {
        "name": user["name"],
        "email": user["email"],
        "company": None,
        "bio": None,
        "blog": "",
        "followers": 0,
        "following": 0,
        "hireable": None,
        "location": None,
        "public_gists": 0,
        "public_repos": 0,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
    }


def organization_view(forge: Forge, organization: Document) -> dict[str, Any]:
    """An organisation's own page."""
    return accounts.organization_simple(forge, organization) | {
        "name": organization["name"],
        "archived_at": None,
        "followers": 0,
        "following": 0,
        "public_gists": 0,
        "default_repository_permission": organization["default_repository_permission"],
        "members_can_create_repositories": False,
        "members_can_fork_private_repositories": forks.allows_private(organization),
        "two_factor_requirement_enabled": False,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": 0,
        "created_at": organization["created_at"],
        "updated_at": organization["created_at"],
    }


@route("GET", "/user", permission="authenticated")
def read_self(request: Request) -> Answer:
    """The caller itself; an installation of an App has no user."""
    user = accounts.find_user(request.forge, request.principal.login)
    if user is None:
        raise forbidden("Resource not accessible by integration")
    return user_view(request.forge, user)


@route("GET", "/users/{login}", permission="public")
def read_user(request: Request) -> Answer:
    """A user, an organisation, or the bot of an App."""
    forge, login = request.forge, request.params["login"]
    if user := accounts.find_user(forge, login):
        return user_view(forge, user)
    if organization := accounts.find_organization(forge, login):
        return accounts.simple(forge, organization["login"]) | {"name": organization["name"]}
    slug = login.removesuffix("[bot]")
    known = slug == "github-actions" or any(app["slug"] == slug for app in forge.store.table("apps"))
    if login.endswith("[bot]") and known:
        return accounts.simple(forge, login) | {"name": None}
    raise not_found()


@route("GET", "/users/{login}/keys", permission="public")
@route("GET", "/users/{login}/gpg_keys", permission="public")
def list_user_keys(request: Request) -> Answer:
    """Keys of a user; there are none, since neither SSH nor signatures of people are modelled."""
    if accounts.find_user(request.forge, request.params["login"]) is None:
        raise not_found()
    return []


@route("GET", "/user/{account_id}", permission="public")
def read_user_by_id(request: Request) -> Answer:
    """A user by number."""
    number = request.number("account_id")
    user = next((user for user in request.forge.store.table("users") if user["id"] == number), None)
    if user is None:
        raise not_found()
    return user_view(request.forge, user)


def _organizations_of(forge: Forge, login: str) -> list[Document]:
    organizations = forge.store.table("organizations")
    return [organization for organization in organizations if accounts.membership(forge, organization, login)]


@route("GET", "/user/orgs", permission="user")
def list_own_organizations(request: Request) -> Answer:
    """Organisations of the caller."""
    found = _organizations_of(request.forge, request.principal.login)
    return [accounts.organization_simple(request.forge, organization) for organization in found]


@route("GET", "/users/{login}/orgs", permission="public")
def list_organizations(request: Request) -> Answer:
    """Organisations of a user."""
    found = _organizations_of(request.forge, request.params["login"])
    return [accounts.organization_simple(request.forge, organization) for organization in found]


@route("GET", "/orgs/{org}", permission="public")
def read_organization(request: Request) -> Answer:
    """An organisation; a user of that name is not found here."""
    organization = request.organization
    shown = organization_view(request.forge, organization)
    if plans.is_visible(request.forge, organization, request.principal):
        name = plans.of(request.forge, organization["login"])
        shown["plan"] = {"name": name, "space": 0, "private_repos": 9999, "seats": 100, "filled_seats": 1}
    return shown


@route("PUT", "/_sandbox/organizations/{org}/plan", permission="site_admin", root=True)
def change_plan(request: Request) -> Answer:
    """Has an organisation pay for another plan: `plan` is one of free, team, enterprise."""
    try:
        plan = plans.Plan(request.required("plan"))
    except ValueError as error:
        raise unprocessable(f"plan: one of {', '.join(plans.Plan)}") from error
    plans.change(request.forge, request.organization, plan)
    return None


@route("PATCH", "/orgs/{org}", permission="organization_administration:write")
def change_organization(request: Request) -> Answer:
    """Changes an organisation."""
    given = request.data()
    fields = ("name", "description", "default_repository_permission", "members_can_fork_private_repositories")
    changes = {name: given[name] for name in fields if name in given}
    if changes.get("default_repository_permission", "read") not in ("none", "read", "write", "admin"):
        raise invalid_field("Organization", "default_repository_permission")
    changed = request.forge.store.table("organizations").update(
        request.organization["login"].lower(), lambda document: document.update(changes)
    )
    return organization_view(request.forge, changed)


def _members(request: Request) -> list[Document]:
    entries = request.forge.store.table("organization_members").all(f"{request.organization['id']}/")
    return [entry for entry in entries if not entry.get("pending")]


@route("GET", "/orgs/{org}/members", permission="members:read")
def list_members(request: Request) -> Answer:
    """Members of an organisation; of one role with `role`."""
    wanted = request.query.get("role", "all")
    chosen = [member for member in _members(request) if wanted in ("all", member["role"])]
    return [accounts.simple(request.forge, member["login"]) for member in chosen]


@route("GET", "/orgs/{org}/members/{login}", permission="members:read")
def check_member(request: Request) -> Answer:
    """204 for members, 404 for others."""
    if accounts.membership(request.forge, request.organization, request.params["login"]) is None:
        raise not_found()
    return None


def _membership_view(request: Request, login: str) -> dict[str, Any]:
    entry = accounts.invitation_or_membership(request.forge, request.organization, login)
    if entry is None:
        raise not_found()
    organization = accounts.organization_simple(request.forge, request.organization)
    return {
        "url": f"{request.forge.api_url}/orgs/{organization['login']}/memberships/{login}",
        "state": "pending" if entry.get("pending") else "active",
        "role": entry["role"],
        "organization_url": f"{request.forge.api_url}/orgs/{organization['login']}",
        "organization": organization,
        "user": accounts.simple(request.forge, login),
    }


@route("GET", "/orgs/{org}/memberships/{login}", permission="members:read")
def read_membership(request: Request) -> Answer:
    """A member's role."""
    return _membership_view(request, request.params["login"])


@route("GET", "/user/memberships/orgs/{org}", permission="user")
def read_own_membership(request: Request) -> Answer:
    """The caller's role in an organisation."""
    return _membership_view(request, request.principal.login)


@route("PUT", "/orgs/{org}/memberships/{login}", permission="members:write")
def set_membership(request: Request) -> Answer:
    """Changes the role of a member, or invites a user, who has to accept."""
    user = accounts.find_user(request.forge, request.params["login"])
    if user is None:
        raise not_found()
    role = request.data().get("role", "member")
    if role not in ("admin", "member"):
        raise invalid_field("Membership", "role")
    outside = accounts.membership(request.forge, request.organization, user["login"]) is None
    accounts.set_membership(request.forge, request.organization, user["login"], role, pending=outside)
    return _membership_view(request, user["login"])


@route("PATCH", "/user/memberships/orgs/{org}", permission="user")
def accept_membership(request: Request) -> Answer:
    """Accepts the invitation of an organisation, and with it those of its teams."""
    if request.required("state") != "active":
        raise invalid_field("Membership", "state")
    login = request.principal.login
    entry = accounts.invitation_or_membership(request.forge, request.organization, login)
    if entry is None:
        raise not_found()
    accounts.set_membership(request.forge, request.organization, entry["login"], entry["role"])
    return _membership_view(request, login)


@route("GET", "/orgs/{org}/invitations", permission="members:read")
def list_invitations(request: Request) -> Answer:
    """People who were invited and have not accepted yet."""
    entries = request.forge.store.table("organization_members").all(f"{request.organization['id']}/")
    return [
        accounts.simple(request.forge, entry["login"]) | {"role": "direct_member", "email": None}
        for entry in entries
        if entry.get("pending")
    ]


@route("DELETE", "/orgs/{org}/memberships/{login}", permission="members:write")
def remove_membership(request: Request) -> Answer:
    """Removes a member, from the organisation's teams too."""
    forge, login = request.forge, request.params["login"].lower()
    if not forge.store.table("organization_members").delete(f"{request.organization['id']}/{login}"):
        raise not_found()
    for team in forge.store.table("teams"):
        if team["organization"] == request.organization["login"]:
            forge.store.table("team_members").delete(f"{team['id']}/{login}")
    return None
