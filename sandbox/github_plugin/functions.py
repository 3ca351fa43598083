"""Functions that look up what exists."""

from collections.abc import Callable

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.kinds.teams import ROLES, find_team
from sandbox.github_plugin.wire import Json

TEAM_ARGUMENTS = frozenset({"membershipType", "resultsPerPage", "slug", "summaryOnly"})


def get_team(github: GitHub, arguments: Json) -> Json:
    """A team of the organisation by its slug."""
    document = find_team(github, arguments["slug"])
    if document is None:
        raise PluginError(f"slug: {github.owner} has no team {arguments['slug']!r}, or the token may not see it")
    path = f"/orgs/{github.owner}/teams/{document['slug']}"
    summary = bool(arguments.get("summaryOnly"))
    members = [] if summary else [member["login"] for member in github.list(f"{path}/members")]
    repositories = [] if summary else github.list(f"{path}/repos")
    return {
        "id": str(document["id"]),
        "name": document["name"],
        "slug": document["slug"],
        "description": document.get("description") or "",
        "nodeId": document["node_id"],
        "notificationSetting": document.get("notification_setting") or "",
        "permission": document.get("permission") or "",
        "privacy": document.get("privacy") or "",
        "members": members,
        "repositories": [repository["name"] for repository in repositories],
        "repositoriesDetaileds": [_access(repository) for repository in repositories],
        "membershipType": arguments.get("membershipType", "all"),
        "resultsPerPage": arguments.get("resultsPerPage", 100),
        "summaryOnly": summary,
    }


def _access(repository: Json) -> Json:
    role = repository.get("role_name") or ""
    return {"repoId": repository["id"], "repoName": repository["name"], "roleName": ROLES.get(role, role)}


FUNCTIONS: dict[str, tuple[frozenset[str], Callable[[GitHub, Json], Json]]] = {
    "github:index/getTeam:getTeam": (TEAM_ARGUMENTS, get_team)
}
"""Arguments and what answers, by token."""
