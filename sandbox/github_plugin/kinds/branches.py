"""Branches of repositories.

Slipway declares none any more; an upgrade from 0.1.0 takes them out of the state.
"""

from sandbox.github_plugin.client import GitHub
from sandbox.github_plugin.identity import joined, split
from sandbox.github_plugin.schema import Field, Kind
from sandbox.github_plugin.wire import Json

FIELDS = {
    "repository": Field(str, required=True, replaces=True, kept=True),
    "branch": Field(str, required=True, replaces=True, kept=True),
    "sourceBranch": Field(str, default="main", replaces=True, kept=True),
    "sourceSha": Field(str, computed=True, replaces=True, kept=True),
    "etag": Field(str, computed=True, kept=True),
    "ref": Field(str, output=True),
    "sha": Field(str, output=True),
}


def _path(github: GitHub, repository: str, branch: str) -> str:
    return f"{github.repository_path(repository)}/git/ref/heads/{branch}"


def _create(github: GitHub, planned: Json) -> str:
    repository, branch = planned["repository"], planned["branch"]
    commit = planned.get("sourceSha")
    if not commit:
        commit = github.require(_path(github, repository, planned["sourceBranch"]))["object"]["sha"]
    content = {"ref": f"refs/heads/{branch}", "sha": commit}
    github.write("POST", f"{github.repository_path(repository)}/git/refs", content)
    return joined(repository, branch)


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    repository, branch = split(identity, "repository", "branch")
    document = github.find(_path(github, repository, branch))
    if document is None:
        return None
    source = {"sourceBranch": known.get("sourceBranch") or "main"}
    sha = document["object"]["sha"]
    found = {"repository": repository, "branch": branch, "ref": document["ref"], "sha": sha, **source}
    return found | {"sourceSha": known.get("sourceSha") or sha, "etag": known.get("etag") or document["_etag"]}


def _delete(github: GitHub, _identity: str, before: Json) -> None:
    github.remove(f"{github.repository_path(before['repository'])}/git/refs/heads/{before['branch']}")


KINDS = {"Branch": Kind(FIELDS, create=_create, read=_read, delete=_delete)}
