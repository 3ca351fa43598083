"""Paths by number, `/organizations/{id}/team/{id}`, `/teams/{id}` and `/repositories/{id}`, as paths by name."""

import re
from urllib.parse import quote

from sandbox.github.core.forge import Forge
from sandbox.github.core.routing import API

_TEAM = re.compile(rf"{API}/organizations/(\d+)/teams?/(\d+)(/.*)?")
_LEGACY_TEAM = re.compile(rf"{API}/teams/(\d+)(/.*)?")
_REPOSITORY = re.compile(rf"{API}/repositories/(\d+)(/.*)?")


def canonical(forge: Forge, path: str) -> str:
    """The path by names of a path by numbers; any other path as it is."""
    if match := _TEAM.fullmatch(path):
        return _team_path(forge, match[2], match[3]) or path
    if match := _LEGACY_TEAM.fullmatch(path):
        return _team_path(forge, match[1], match[2]) or path
    if match := _REPOSITORY.fullmatch(path):
        repository = forge.store.table("repositories").get(match[1])
        if repository is not None:
            return f"{API}/repos/{quote(repository['full_name'])}{match[2] or ''}"
    return path


def _team_path(forge: Forge, team_id: str, rest: str | None) -> str | None:
    team = forge.store.table("teams").get(team_id)
    return None if team is None else f"{API}/orgs/{team['organization']}/teams/{quote(team['slug'])}{rest or ''}"
