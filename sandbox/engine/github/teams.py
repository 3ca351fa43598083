"""Teams of an organisation and their members."""

import re

from sandbox.engine.github.kind import Context, Document, Kind, renamed
from sandbox.engine.outcome import Applied, ApplyError, Outcome
from sandbox.engine.shape import Json, at, items


def slug(name: str) -> str:
    """The slug that GitHub makes of a team's name."""
    return re.sub(r"-+", "-", re.sub(r"[^a-z0-9_]+", "-", name.lower())).strip("-")


def team_slug(context: Context, reference: object) -> str:
    """The slug of a team that is given by slug or by number."""
    text = str(reference)
    if not text.isdigit():
        return slug(text)
    found = context.api.get(f"/organizations/{context.api.organization()['id']}/team/{text}")
    if found is None:
        raise ApplyError(f"teamId: {context.api.owner} has no team {text}")
    return found["slug"]


def _wanted(context: Context, inputs: Json) -> Json:
    wanted = renamed(inputs, ("name", "description", "privacy", "notificationSetting"))
    if parent := inputs.get("parentTeamId"):
        found = context.api.get(f"/orgs/{context.api.owner}/teams/{team_slug(context, parent)}")
        wanted["parent_team_id"] = at(found, "id")
    return wanted


def _create(context: Context, inputs: Json, wanted: Json) -> Json:
    document = context.api.write("POST", f"/orgs/{context.api.owner}/teams", wanted)
    if not inputs.get("createDefaultMaintainer"):
        # GitHub makes the creator a maintainer; the program says who is in a team.
        path = f"/orgs/{context.api.owner}/teams/{document['slug']}"
        for member in context.api.get_all(f"{path}/members"):
            context.api.write("DELETE", f"{path}/memberships/{member['login']}")
    return document


team = Document(
    identity=lambda _inputs, document: str(document["id"]),
    find=lambda context, inputs: context.api.get(f"/orgs/{context.api.owner}/teams/{slug(inputs['name'])}"),
    wanted=_wanted,
    create=_create,
    update=lambda context, _inputs, document, changes: context.api.write(
        "PATCH", f"/orgs/{context.api.owner}/teams/{document['slug']}", {"name": document["name"]} | changes
    ),
    outputs=lambda document: {
        "slug": document["slug"],
        "nodeId": document["node_id"],
        "membersCount": document.get("members_count", 0),
        "etag": "",
    },
    view=lambda document: document | {"parent_team_id": at(document, "parent", "id")},
)


def look_up(context: Context, reference: str) -> Applied:
    """An existing team, by slug or number."""
    document = context.api.get(f"/orgs/{context.api.owner}/teams/{team_slug(context, reference)}")
    if document is None:
        raise ApplyError(f"{context.api.owner} has no team {reference!r}, or the token may not see it")
    outputs = {"name": document["name"], "privacy": document.get("privacy", ""), **team.outputs(document)}
    return Applied(str(document["id"]), outputs)


def _membership_path(context: Context, inputs: Json) -> str:
    return f"/orgs/{context.api.owner}/teams/{team_slug(context, inputs['teamId'])}/memberships/{inputs['username']}"


def _put_membership(context: Context, inputs: Json) -> Json:
    return context.api.write("PUT", _membership_path(context, inputs), {"role": inputs.get("role") or "member"})


team_membership = Document(
    identity=lambda inputs, _document: f"{inputs['teamId']}:{inputs['username']}",
    find=lambda context, inputs: context.api.get(_membership_path(context, inputs)),
    wanted=lambda _context, inputs: {"role": inputs.get("role") or "member"},
    create=lambda context, inputs, _wanted: _put_membership(context, inputs),
    update=lambda context, inputs, _document, _changes: _put_membership(context, inputs),
    outputs=lambda document: {"role": document["role"], "etag": ""},
)


def team_members(context: Context, inputs: Json) -> Applied:
    """All members of a team; who is not declared leaves it."""
    path = f"/orgs/{context.api.owner}/teams/{team_slug(context, inputs['teamId'])}"
    wanted = {member["username"].lower(): member.get("role") or "member" for member in items(inputs, "members")}
    now = {
        member["login"].lower(): role
        for role in ("member", "maintainer")
        for member in context.api.get_all(f"{path}/members", role=role)
    }
    for login, role in wanted.items():
        if now.get(login) != role:
            context.api.write("PUT", f"{path}/memberships/{login}", {"role": role})
    for login in now.keys() - wanted.keys():
        context.api.write("DELETE", f"{path}/memberships/{login}")
    outcome = Outcome.UNCHANGED if now == wanted else Outcome.UPDATED if now else Outcome.CREATED
    return Applied(str(inputs["teamId"]), dict(inputs), outcome)


KINDS: dict[str, Kind] = {"Team": team, "TeamMembership": team_membership, "TeamMembers": team_members}
