"""Who there is in the directory, and in which groups."""

from dataclasses import dataclass

from sandbox.github.access import accounts
from sandbox.github.core.forge import Forge


@dataclass(frozen=True)
class Person:
    """Somebody who can log in."""

    login: str
    name: str
    email: str
    groups: tuple[str, ...]
    """As the directory calls them, which is not what GitHub calls its teams: `Acme Web` for `acme/web`."""


def people(forge: Forge) -> list[Person]:
    """Everybody, in the order in which GitHub has got to know them."""
    return [_person(forge, user["login"]) for user in forge.store.table("users")]


def find(forge: Forge, login: str) -> Person | None:
    """The person of a login; None if there is none any more."""
    user = accounts.find_user(forge, login)
    return None if user is None else _person(forge, user["login"])


def _person(forge: Forge, login: str) -> Person:
    user = accounts.find_user(forge, login) or {}
    teams = [team for team in forge.store.table("teams") if accounts.is_team_member(forge, team["id"], login)]
    groups = sorted(f"{team['organization']} {team['name']}".title() for team in teams)
    return Person(login, str(user.get("name") or login), str(user.get("email") or ""), tuple(groups))
