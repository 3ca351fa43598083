"""Branches of repositories."""

from urllib.parse import quote

from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.identity import joined, split
from sandbox.github_plugin.schema import Field, Kind
from sandbox.github_plugin.wire import Json, fields

FIELDS = {
    "repository": Field(str, required=True, replaces=True, kept=True),
    "branch": Field(str, required=True, kept=True),
    "sourceBranch": Field(str, default="main", replaces=True, kept=True),
    "sourceSha": Field(str, computed=True, replaces=True, kept=True),
    "etag": Field(str, computed=True, kept=True),
    "ref": Field(str, output=True),
    "sha": Field(str, output=True),
}


def _git(github: GitHub, repository: str) -> str:
    return f"{github.repository_path(repository)}/git"


def _create(github: GitHub, planned: Json) -> str:
    repository, branch, source = planned["repository"], planned["branch"], planned["sourceBranch"]
    sha = planned.get("sourceSha") or fields(_find(github, repository, source), "object").get("sha")
    if not sha:
        raise PluginError(f"sourceBranch: {github.owner}/{repository} has no branch {source!r}")
    github.write("POST", f"{_git(github, repository)}/refs", {"ref": f"refs/heads/{branch}", "sha": sha})
    return joined(repository, branch)


def _find(github: GitHub, repository: str, branch: str) -> Json | None:
    return github.find(f"{_git(github, repository)}/ref/heads/{quote(branch)}")


def _read(github: GitHub, identity: str, known: Json) -> Json | None:
    repository, branch = split(identity, "repository", "branch")
    repository, branch = known.get("repository") or repository, known.get("branch") or branch
    found = _find(github, repository, branch)
    if found is None:
        return None
    sha = fields(found, "object")["sha"]
    return {
        "repository": repository,
        "branch": branch,
        "sourceBranch": known.get("sourceBranch") or "main",
        "sourceSha": known.get("sourceSha") or sha,
        "etag": known.get("etag") or found["_etag"],
        "ref": found["ref"],
        "sha": sha,
    }


def _update(github: GitHub, _identity: str, before: Json, planned: Json) -> None:
    if planned["branch"] != before["branch"]:
        path = f"{github.repository_path(before['repository'])}/branches/{quote(before['branch'])}/rename"
        github.write("POST", path, {"new_name": planned["branch"]})


KINDS = {
    "Branch": Kind(
        FIELDS,
        create=_create,
        read=_read,
        update=_update,
        delete=lambda github, _identity, before: github.remove(
            f"{_git(github, before['repository'])}/refs/heads/{quote(before['branch'])}"
        ),
    )
}
