"""Labels of issues and pull requests."""

from urllib.parse import quote

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.identity import joined, split
from sandbox.github_plugin.schema import Field, Kind, body, state
from sandbox.github_plugin.wire import Json

FIELDS = {
    "repository": Field(str, required=True, replaces=True, kept=True),
    "name": Field(str, required=True),
    "color": Field(str, required=True),
    "description": Field(str),
    "etag": Field(str, computed=True, kept=True),
    "url": Field(str, output=True),
}


def _path(github: GitHub, known: Json, name: str = "") -> str:
    labels = f"{github.repository_path(known['repository'])}/labels"
    return f"{labels}/{quote(name, safe='')}" if name else labels


def _create(github: GitHub, planned: Json) -> str:
    github.write("POST", _path(github, planned), body(FIELDS, planned))
    return joined(planned["repository"], planned["name"])


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    repository, name = split(identity, "repository", "name")
    document = github.find(_path(github, {"repository": repository}, known.get("name") or name))
    if document is None:
        return None
    etag = known.get("etag") or document["_etag"]
    return state(FIELDS, document) | {"repository": repository, "etag": etag}


def _update(github: GitHub, _identity: str, before: Json, planned: Json) -> None:
    content = body(FIELDS, planned, "color", "description") | {"new_name": planned["name"]}
    github.write("PATCH", _path(github, before, before["name"]), {"description": "", **content})


KINDS = {
    "IssueLabel": Kind(
        FIELDS,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda github, _identity, before: github.remove(_path(github, before, before["name"])),
        named=True,
    )
}
