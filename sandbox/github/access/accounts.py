"""Users and organisations, who belongs to which organisation, and which teams reach a repository."""

from typing import Any

from sandbox.github.core.clock import now
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document

LINKS = {
    "events_url": "events{/privacy}",
    "followers_url": "followers",
    "following_url": "following{/other_user}",
    "gists_url": "gists{/gist_id}",
    "organizations_url": "orgs",
    "received_events_url": "received_events",
    "repos_url": "repos",
    "starred_url": "starred{/owner}{/repo}",
    "subscriptions_url": "subscriptions",
}
"""Links that GitHub puts beside every account."""


def find_user(forge: Forge, login: str) -> Document | None:
    """A user's document, whatever the case of the login."""
    return forge.store.table("users").get(login.lower())


def find_organization(forge: Forge, login: str) -> Document | None:
    """An organisation's document, whatever the case of the login."""
    return forge.store.table("organizations").get(login.lower())


def find_account(forge: Forge, login: str) -> Document | None:
    """The user or organisation of a login."""
    return find_user(forge, login) or find_organization(forge, login)


def is_site_admin(forge: Forge, login: str) -> bool:
    """True for the administrators of the server itself."""
    return bool((find_user(forge, login) or {}).get("site_admin"))


def add_user(
    forge: Forge, login: str, *, name: str | None = None, email: str | None = None, admin: bool = False
) -> Document:
    """Creates a user, or brings an existing one up to date."""
    users = forge.store.table("users")
    with forge.store.lock:
        user = users.get(login.lower()) or {"id": users.next_id(), "login": login, "created_at": now()}
        user |= {
            "name": name or user.get("name") or login,
            "email": email or user.get("email") or f"{login}@users.noreply.github.localhost",
            "site_admin": admin,
        }
        users.put(login.lower(), user)
    return user


def add_organization(forge: Forge, login: str, *, name: str | None = None) -> Document:
    """Creates an organisation, or returns the one that is there."""
    organizations = forge.store.table("organizations")
    with forge.store.lock:
        organization = organizations.get(login.lower())
        if organization is None:
            organization = {
                "id": organizations.next_id(),
                "login": login,
                "name": name or login,
                "created_at": now(),
                "default_repository_permission": "read",
            }
            organizations.put(login.lower(), organization)
    return organization


def membership(forge: Forge, organization: Document, login: str) -> str | None:
    """`admin`, `member`, or None for outsiders and for people who have not accepted their invitation."""
    entry = invitation_or_membership(forge, organization, login)
    return entry["role"] if entry and not entry.get("pending") else None


def invitation_or_membership(forge: Forge, organization: Document, login: str) -> Document | None:
    """The role of a member, or the one that an invitation offers (`pending`)."""
    return forge.store.table("organization_members").get(f"{organization['id']}/{login.lower()}")


def set_membership(forge: Forge, organization: Document, login: str, role: str, *, pending: bool = False) -> None:
    """Makes a user `admin` or `member` of an organisation, or invites it."""
    entry = {"login": login, "role": role, "pending": pending}
    forge.store.table("organization_members").put(f"{organization['id']}/{login.lower()}", entry)


def is_team_member(forge: Forge, team_id: int, login: str) -> bool:
    """True for members of a team; an invitation that was not accepted makes none."""
    team = forge.store.table("teams").get(team_id)
    if team is None or forge.store.table("team_members").get(f"{team_id}/{login.lower()}") is None:
        return False
    organization = find_organization(forge, team["organization"])
    return organization is not None and membership(forge, organization, login) is not None


def team_members(forge: Forge, team: Document) -> list[Document]:
    """The members of a team, each with `login` and `role`; owners of the organisation are its maintainers."""
    entries = forge.store.table("team_members").all(f"{team['id']}/")
    organization = find_organization(forge, team["organization"])
    return [
        entry
        | (
            {"role": "maintainer"}
            if organization and membership(forge, organization, entry["login"]) == "admin"
            else {}
        )
        for entry in entries
        if is_team_member(forge, team["id"], entry["login"])
    ]


def teams_of(forge: Forge, login: str, repository: Document) -> list[tuple[Document, str]]:
    """Teams through which a person reaches a repository, each with the role it gives."""
    teams = {team["id"]: team for team in forge.store.table("teams").all()}
    access = forge.store.table("team_repositories")
    found: list[tuple[Document, str]] = []
    for team in teams.values():
        if not is_team_member(forge, team["id"], login):
            continue
        # A child team has what its parents have.
        ancestor: Document | None = team
        while ancestor is not None:
            entry = access.get(f"{ancestor['id']}/{repository['id']}")
            if entry is not None:
                found.append((team, entry["role"]))
            ancestor = teams.get(ancestor.get("parent_id") or 0)
    return found


def simple(forge: Forge, login: str) -> dict[str, Any]:
    """A user, organisation or bot in the short form in which it appears inside other objects."""
    user, organization = find_user(forge, login), find_organization(forge, login)
    account = user or organization or {"login": login, "id": _bot_id(forge, login)}
    kind = "User" if user else "Organization" if organization else "Bot"
    prefix = {"User": "U", "Organization": "O", "Bot": "BOT"}[kind]
    url = f"{forge.api_url}/users/{account['login']}"
    return {
        "login": account["login"],
        "id": account["id"],
        "node_id": f"{prefix}_{account['id']}",
        "avatar_url": "",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{forge.url}/{account['login']}",
        **{name: f"{url}/{rest}" for name, rest in LINKS.items()},
        "type": kind,
        "site_admin": bool(account.get("site_admin")),
    }


def organization_simple(forge: Forge, organization: Document) -> dict[str, Any]:
    """An organisation in the short form that is made for organisations."""
    url = f"{forge.api_url}/orgs/{organization['login']}"
    return simple(forge, organization["login"]) | {
        "description": organization.get("description"),
        "url": url,
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "repos_url": f"{url}/repos",
    }


def _bot_id(forge: Forge, login: str) -> int:
    bots = forge.store.table("bots")
    with forge.store.lock:
        bot = bots.get(login)
        if bot is None:
            bot = {"id": bots.next_id(), "login": login}
            bots.put(login, bot)
    return int(bot["id"])
