"""Teams of an organisation, their members, and what they may do in repositories."""

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.identity import joined, split
from sandbox.github_plugin.schema import Block, Field, Imported, Kind, Many, body, state
from sandbox.github_plugin.wire import Json, fields, items

TEAM = {
    "name": Field(str, required=True),
    "description": Field(str),
    "privacy": Field(str, default="secret", allowed=("closed", "secret")),
    "notificationSetting": Field(
        str, default="notifications_enabled", allowed=("notifications_disabled", "notifications_enabled")
    ),
    "parentTeamId": Field(str, kept=True),
    "parentTeamReadId": Field(str, computed=True, kept=True),
    "parentTeamReadSlug": Field(str, computed=True, kept=True),
    "createDefaultMaintainer": Field(bool, default=False, kept=True),
    "etag": Field(str, output=True),
    "membersCount": Field(int, output=True),
    "nodeId": Field(str, output=True),
    "slug": Field(str, output=True),
}
MEMBERS = {
    "teamId": Field(str, replaces=True, computed=True, kept=True),
    "teamSlug": Field(str, replaces=True, computed=True, kept=True),
    "members": Field(
        Many(
            Block(
                {
                    "username": Field(str, required=True),
                    "role": Field(str, default="member", allowed=("maintainer", "member")),
                }
            )
        ),
        required=True,
        kept=True,
    ),
}
ACCESS = {
    "teamId": Field(str, required=True, replaces=True, kept=True),
    "repository": Field(str, required=True, replaces=True, kept=True),
    "permission": Field(str, default="pull", kept=True),
    "etag": Field(str, output=True),
}
MEMBERS_QUERY = """query($owner: String!, $team: String!, $after: String) {
  organization(login: $owner) { team(slug: $team) {
    members(membership: IMMEDIATE, first: 100, after: $after) {
      edges { node { login } role } pageInfo { endCursor hasNextPage }
    }
  } }
}"""
ROLES = {"read": "pull", "write": "push"}
"""Rights of teams, as answers name them and as requests do."""


def find_team(github: GitHub, reference: str) -> Json | None:
    """A team, by number or slug."""
    if reference.isdigit():
        return github.find(f"{github.team_path}/{reference}")
    return github.find(f"/orgs/{github.owner}/teams/{reference}")


def _require(github: GitHub, reference: str) -> Json:
    found = find_team(github, reference)
    if found is None:
        raise PluginError(f"{github.owner} has no team {reference!r}, or the token may not see it")
    return found


def _content(github: GitHub, planned: Json) -> Json:
    content = {"description": "", **body(TEAM, planned)}
    if parent := planned.get("parentTeamId"):
        content["parent_team_id"] = _require(github, parent)["id"]
    return content


def _create(github: GitHub, planned: Json) -> str:
    return str(github.write("POST", f"/orgs/{github.owner}/teams", _content(github, planned))["id"])


def _finish(github: GitHub, identity: str, planned: Json) -> None:
    if planned["createDefaultMaintainer"]:
        return
    # GitHub makes the creator a maintainer; the program says who is in a team.
    path = f"/orgs/{github.owner}/teams/{_require(github, identity)['slug']}"
    for member in github.list(f"{path}/members"):
        github.remove(f"{path}/memberships/{member['login']}")


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    document = find_team(github, identity)
    if document is None:
        return None
    parent = fields(document, "parent")
    return state(TEAM, document) | {
        "parentTeamId": known.get("parentTeamId") if parent else None,
        "parentTeamReadId": str(parent["id"]) if parent else "",
        "parentTeamReadSlug": parent.get("slug", ""),
        "createDefaultMaintainer": bool(known.get("createDefaultMaintainer")),
        "etag": known.get("etag") or document["_etag"],
    }


def _update(github: GitHub, identity: str, _before: Json, planned: Json) -> None:
    github.write("PATCH", f"{github.team_path}/{identity}", _content(github, planned))


def _imported(github: GitHub, given: str) -> Imported:
    return Imported(str(_require(github, given)["id"]), {})


def _members(github: GitHub, slug: str) -> list[Json]:
    """Who is in a team; who has not accepted an invitation yet is not."""
    found: list[Json] = []
    after: str | None = None
    while True:
        data = github.graphql(MEMBERS_QUERY, {"owner": github.owner, "team": slug, "after": after})
        listed = fields(data, "organization", "team", "members")
        found += [
            {"username": edge["node"]["login"].lower(), "role": edge["role"].lower()} for edge in items(listed, "edges")
        ]
        page = fields(listed, "pageInfo")
        if not page.get("hasNextPage"):
            return found
        after = page["endCursor"]


def _team_of(known: Json) -> str:
    reference = known.get("teamId") or known.get("teamSlug")
    if not reference:
        raise PluginError("teamId: neither teamId nor teamSlug is given; give one of them")
    return str(reference)


def _put_members(github: GitHub, planned: Json) -> str:
    team = _require(github, _team_of(planned))
    path = f"/orgs/{github.owner}/teams/{team['slug']}/memberships"
    now = {member["username"]: member["role"] for member in _members(github, team["slug"])}
    wanted = {member["username"]: member["role"] for member in planned["members"]}
    for login, role in wanted.items():
        if now.get(login.lower()) != role:
            github.write("PUT", f"{path}/{login}", {"role": role})
    for login in now.keys() - {login.lower() for login in wanted}:
        github.remove(f"{path}/{login}")
    return str(team["id"])


def _read_members(github: GitHub, identity: str, known: Json) -> Json | None:
    team = find_team(github, identity)
    if team is None:
        return None
    return {
        "teamId": known.get("teamId") or identity,
        "teamSlug": team["slug"],
        "members": _members(github, team["slug"]),
    }


def _update_members(github: GitHub, identity: str, _before: Json, planned: Json) -> None:
    _put_members(github, planned | {"teamId": identity})


def _delete_members(github: GitHub, identity: str, before: Json) -> None:
    if team := find_team(github, identity):
        for member in before["members"]:
            github.remove(f"/orgs/{github.owner}/teams/{team['slug']}/memberships/{member['username']}")


def _access_path(github: GitHub, identity: str) -> str:
    team, repository = split(identity, "team id", "repository")
    return f"{github.team_path}/{team}{github.repository_path(repository)}"


def _put_access(github: GitHub, identity: str, planned: Json) -> None:
    github.write("PUT", _access_path(github, identity), {"permission": planned["permission"]})


def _create_access(github: GitHub, planned: Json) -> str:
    identity = joined(str(_require(github, planned["teamId"])["id"]), planned["repository"])
    _put_access(github, identity, planned)
    return identity


def _read_access(github: GitHub, identity: str, known: Json) -> Json | None:
    document = github.find(_access_path(github, identity), accept="application/vnd.github.v3.repository+json")
    if document is None:
        return None
    team, repository = split(identity, "team id", "repository")
    role = document.get("role_name") or ""
    return {
        "teamId": known.get("teamId") or team,
        "repository": repository,
        "permission": ROLES.get(role, role),
        "etag": known.get("etag") or document["_etag"],
    }


def _imported_access(github: GitHub, given: str) -> Imported:
    team, repository = split(given, "team id or slug", "repository")
    return Imported(joined(str(_require(github, team)["id"]), repository), {})


KINDS = {
    "Team": Kind(
        TEAM,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda github, identity, _before: github.remove(f"{github.team_path}/{identity}"),
        finish=_finish,
        imported=_imported,
        refused=frozenset({"ldapDn"}),
        named=True,
    ),
    "TeamMembers": Kind(
        MEMBERS,
        create=_put_members,
        read=_read_members,
        update=_update_members,
        delete=_delete_members,
        imported=_imported,
    ),
    "TeamRepository": Kind(
        ACCESS,
        create=_create_access,
        read=_read_access,
        update=lambda github, identity, _before, planned: _put_access(github, identity, planned),
        delete=lambda github, identity, _before: github.remove(_access_path(github, identity)),
        imported=_imported_access,
    ),
}
