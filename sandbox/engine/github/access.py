"""Who may do what in a repository: teams and people.

Teams and collaborators have two enums for the same rights: pull and push there, read and write here.
"""

from sandbox.engine.github.kind import Context, Document, Kind
from sandbox.engine.github.teams import team_slug
from sandbox.engine.outcome import Applied, Outcome
from sandbox.engine.shape import Json, items

TO_ROLE = {"pull": "read", "push": "write"}
TO_PERMISSION = {"read": "pull", "write": "push"}


def role_name(permission: str) -> str:
    """A right as answers name it."""
    return TO_ROLE.get(permission, permission)


def _team_path(context: Context, inputs: Json) -> str:
    repository = f"{context.api.owner}/{inputs['repository']}"
    return f"/orgs/{context.api.owner}/teams/{team_slug(context, inputs['teamId'])}/repos/{repository}"


def _find_team(context: Context, inputs: Json) -> Json | None:
    slug = team_slug(context, inputs["teamId"])
    for entry in context.api.get_all(f"{context.api.repository_path(inputs['repository'])}/teams"):
        if entry["slug"] == slug:
            return {"role_name": role_name(entry["permission"])}
    return None


def _put_team(context: Context, inputs: Json) -> Json:
    permission = inputs.get("permission") or "pull"
    context.api.write("PUT", _team_path(context, inputs), {"permission": TO_PERMISSION.get(permission, permission)})
    return {"role_name": role_name(permission)}


team_repository = Document(
    identity=lambda inputs, _document: f"{inputs['teamId']}:{inputs['repository']}",
    find=_find_team,
    wanted=lambda _context, inputs: {"role_name": role_name(inputs.get("permission") or "pull")},
    create=lambda context, inputs, _wanted: _put_team(context, inputs),
    update=lambda context, inputs, _document, _changes: _put_team(context, inputs),
    outputs=lambda _document: {"etag": ""},
)


def _people(context: Context, repository: str) -> dict[str, str]:
    path = f"{context.api.repository_path(repository)}/collaborators"
    return {person["login"].lower(): person["role_name"] for person in context.api.get_all(path, affiliation="direct")}


def _teams(context: Context, repository: str) -> dict[str, str]:
    path = f"{context.api.repository_path(repository)}/teams"
    return {team["slug"]: role_name(team["permission"]) for team in context.api.get_all(path)}


def repository_collaborators(context: Context, inputs: Json) -> Applied:
    """Everybody who has access; who is not declared loses it."""
    repository = inputs["repository"]
    people, teams = _people(context, repository), _teams(context, repository)
    wanted_people = {
        person["username"].lower(): role_name(person.get("permission") or "push") for person in items(inputs, "users")
    }
    wanted_teams = {
        team_slug(context, team["teamId"]): role_name(team.get("permission") or "push")
        for team in items(inputs, "teams")
    }
    ignored = {team_slug(context, team["teamId"]) for team in items(inputs, "ignoreTeams")}
    teams = {slug: role for slug, role in teams.items() if slug not in ignored}
    path = f"{context.api.repository_path(repository)}/collaborators"
    for login, role in wanted_people.items():
        if people.get(login) != role:
            context.api.write("PUT", f"{path}/{login}", {"permission": TO_PERMISSION.get(role, role)})
    for login in people.keys() - wanted_people.keys():
        context.api.write("DELETE", f"{path}/{login}")
    for slug, role in wanted_teams.items():
        if teams.get(slug) != role:
            _put_team(context, {"teamId": slug, "repository": repository, "permission": role})
    for slug in teams.keys() - wanted_teams.keys():
        context.api.write("DELETE", _team_path(context, {"teamId": slug, "repository": repository}))
    same = people == wanted_people and teams == wanted_teams
    outcome = Outcome.UNCHANGED if same else Outcome.UPDATED if people or teams else Outcome.CREATED
    return Applied(repository, dict(inputs), outcome)


def _put_person(context: Context, inputs: Json) -> Json:
    path = f"{context.api.repository_path(inputs['repository'])}/collaborators/{inputs['username']}"
    permission = inputs.get("permission") or "push"
    context.api.write("PUT", path, {"permission": TO_PERMISSION.get(permission, permission)})
    return {"role_name": role_name(permission)}


def _find_person(context: Context, inputs: Json) -> Json | None:
    role = _people(context, inputs["repository"]).get(inputs["username"].lower())
    return {"role_name": role} if role else None


repository_collaborator = Document(
    identity=lambda inputs, _document: f"{inputs['repository']}:{inputs['username']}",
    find=_find_person,
    wanted=lambda _context, inputs: {"role_name": role_name(inputs.get("permission") or "push")},
    create=lambda context, inputs, _wanted: _put_person(context, inputs),
    update=lambda context, inputs, _document, _changes: _put_person(context, inputs),
)

KINDS: dict[str, Kind] = {
    "TeamRepository": team_repository,
    "RepositoryCollaborators": repository_collaborators,
    "RepositoryCollaborator": repository_collaborator,
}
