"""People whom a team waits for: they were invited to the organisation and have not accepted yet."""

from collections.abc import Mapping

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.preflight.findings import REFUSALS
from manifests.model import Settings


def invited(settings: Settings, api: GitHubApi) -> Mapping[str, frozenset[str]]:
    """The logins in lower case that each team waits for, by the team's name.

    GitHub does not show them as members of the team, so that declaring them would be a change until they accept.
    """
    owner = settings.github.owner
    try:
        waiting = {str(found["login"] or "").lower() for found in api.pages(f"/orgs/{owner}/invitations")}
    except GitHubError as error:
        if error.status in REFUSALS:
            return {}
        raise
    return {
        team.name: frozenset(
            login
            for member in team.members
            if (login := member.login.lower()) in waiting and _is_asked(api, owner, team.name, login)
        )
        for team in settings.teams
        if not team.existing
    }


def _is_asked(api: GitHubApi, owner: str, team: str, login: str) -> bool:
    """Whether somebody was put into the team; who was invited for another one still has to be."""
    found = api.find(f"/orgs/{owner}/teams/{team}/memberships/{login}")
    return found is not None and found["state"] == "pending"
