"""Whether a person may do something: by the teams that the settings name, or as who maintains this repository."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from slipway_release import fields, workflow
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.github import quoted

_MAINTAINS = {"admin", "maintain"}
"""Roles of the platform's team and of the organisation's owners."""
_WRITTEN = re.compile(r"(?P<login>\S+?)(?: \((?P<number>[0-9]+)\))?")


@dataclass(frozen=True)
class Person:
    """An account of GitHub. Its login changes when it is renamed, and is free for others then; its number stays."""

    login: str
    number: int | None = None

    @classmethod
    def of(cls, user: Document) -> Person:
        """The account that GitHub's API shows."""
        number = user.get("id")
        return cls(fields.text(user, "login", "user"), number if isinstance(number, int) else None)

    @classmethod
    def read(cls, text: str) -> Person:
        """The account that `str` has written; a login alone is what was written once."""
        found = _WRITTEN.fullmatch(text)
        if found is None or found["number"] is None:
            return cls(text)
        return cls(found["login"], int(found["number"]))

    def __str__(self) -> str:
        return self.login if self.number is None else f"{self.login} ({self.number})"

    def is_among(self, others: Iterable[Person]) -> bool:
        """Whether this account is one of others; logins decide where a number is not known."""
        return any(self._is(other) for other in others)

    def _is(self, other: Person) -> bool:
        if self.number is None or other.number is None:
            return self.login.lower() == other.login.lower()
        return self.number == other.number


def starter(context: Context, teams: Iterable[str], what: str) -> str:
    """The person who has started this run; everybody is refused who may not.

    The person who re-runs a run is not its actor, so both are checked.

    Args:
        context: its writer sees the members of teams.
        teams: the teams whose members may.
        what: what they may, for the refusal.
    """
    person = workflow.variable("GITHUB_ACTOR")
    for login in {person, workflow.optional("GITHUB_TRIGGERING_ACTOR", person)}:
        _check(context, login, tuple(teams), what)
    return person


def is_of(context: Context, login: str, teams: Iterable[str]) -> bool:
    """Whether somebody is a member of one of the teams."""
    return any(_is_member(context, login, team) for team in teams)


def _check(context: Context, login: str, teams: tuple[str, ...], what: str) -> None:
    if not login or login.endswith("[bot]"):
        raise RefusedError(f"{login or 'no account'}: may not {what}; only people may, not automation")
    if not is_of(context, login, teams) and role(context, login) not in _MAINTAINS:
        whom = " or ".join(teams) or "the organisation's owners"
        raise RefusedError(f"{login}: may not {what}; ask a member of {whom}")


def _is_member(context: Context, login: str, team: str) -> bool:
    path = f"/orgs/{context.platform.owner}/teams/{quoted(team)}/memberships/{quoted(login)}"
    try:
        found = context.writer.find(path)
    except ApiError as error:
        if error.status != 403:
            raise
        text = f"members of {team} cannot be seen; give the promoter's App the permission *Members: read*"
        raise RefusedError(text) from None
    return found is not None and found.get("state") == "active"


def role(context: Context, login: str) -> str:
    """What somebody is in this repository: admin, maintain, write, triage, read or none."""
    try:
        found = context.writer.get(f"/repos/{context.platform.repository}/collaborators/{quoted(login)}/permission")
    except ApiError as error:
        if error.status == 404:
            return "none"
        raise
    return str(found.get("role_name") or found.get("permission") or "none")
