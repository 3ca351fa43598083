"""What people do with branches that rules keep from everybody's direct writing: propose a change, agree to one."""

import json
import re
from collections.abc import Mapping
from typing import Any

from sandbox.clone import Clone
from sandbox.errors import SandboxError
from sandbox.rehearsal import JsonObject, Rehearsal


def propose(
    rehearsal: Rehearsal, clone: Clone, title: str, files: Mapping[str, str], *, author: str, base: str = "main"
) -> int:
    """Pushes a change to a branch of its own and opens a pull request.

    Args:
        rehearsal: the sandbox.
        clone: a work tree of the repository, pushed to as the author.
        title: of the commit and the pull request.
        files: text by path; none is an empty commit.
        author: who opens it.
        base: the branch that it is for.

    Returns:
        The number of the pull request.
    """
    branch = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    clone.git("fetch", "--quiet", "origin", base)
    clone.git("switch", "--quiet", "--force-create", branch, f"origin/{base}")
    clone.write(files)
    clone.git("add", "--all")
    clone.git("commit", "--quiet", "--allow-empty", "--message", title)
    clone.git("push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{branch}")
    path = rehearsal.repository_path(clone.repository)
    pull = rehearsal.github("POST", f"{path}/pulls", user=author, body={"title": title, "head": branch, "base": base})
    return pull["number"]


def agree(rehearsal: Rehearsal, repository: str, number: int, *, reviewer: str, seconds: float = 180) -> str:
    """Approves a pull request of somebody else and merges it once GitHub allows that; returns the commit of its base.

    Raises:
        SandboxError: it was not merged in time; GitHub's reason is in it.
    """
    path = f"{rehearsal.repository_path(repository)}/pulls/{number}"
    rehearsal.github("POST", f"{path}/reviews", user=reviewer, body={"event": "APPROVE"})

    def merged() -> JsonObject:
        return rehearsal.github("PUT", f"{path}/merge", user=reviewer, body={"merge_method": "squash"})

    try:
        return rehearsal.wait(f"merge of {repository}#{number} by {reviewer}", merged, seconds)["sha"]
    except SandboxError as error:
        reason = re.search(r': 405 .*?"message": ("(?:[^"\\]|\\.)*")', str(error))
        if reason is None:
            raise
        said = " ".join(str(json.loads(reason[1])).split())
        raise SandboxError(
            f"{repository}#{number} is not merged after {seconds:.0f} s: {said} "
            f"Who wrote a change or asked for a release cannot approve it: if that is {reviewer}, name somebody else."
        ) from error


def change(
    rehearsal: Rehearsal,
    clone: Clone,
    title: str,
    files: Mapping[str, str],
    *,
    author: str,
    reviewer: str,
    base: str = "main",
) -> str:
    """A change of a protected branch by two people; the work tree is at the returned commit of it afterwards."""
    number = propose(rehearsal, clone, title, files, author=author, base=base)
    commit = agree(rehearsal, clone.repository, number, reviewer=reviewer)
    clone.git("fetch", "--quiet", "origin", base)
    clone.git("switch", "--quiet", "--detach", commit)
    return commit


def agree_to_settings(rehearsal: Rehearsal, pull_request: str, values: Mapping[str, Any]) -> str:
    """Merges the pull request that `pulumi up` has opened, as the repository's team; `up` is then run again.

    Args:
        rehearsal: the sandbox.
        pull_request: its URL.
        values: the stack's settings by `slipway:<key>`; they say which team owns a repository.

    Returns:
        The commit on main.

    Raises:
        SandboxError: the team has only its author, whose approval GitHub refuses, or it was not merged in time.
    """
    repository, number = numbered(pull_request)
    services = {one.get("repository", one["name"]): one["team"] for one in values["slipway:services"]}
    team = services.get(repository, values["slipway:github"]["platformTeam"])
    author = rehearsal.github("GET", f"{rehearsal.repository_path(repository)}/pulls/{number}")["user"]["login"]
    members = [one["login"] for found in values["slipway:teams"] if found["name"] == team for one in found["members"]]
    reviewer = next((login for login in members if login != author), None)
    if reviewer is None:
        raise SandboxError(f"{pull_request}: team {team} has only {author}, its author; add a member to the team")
    return agree(rehearsal, repository, number, reviewer=reviewer)


def numbered(pull_request: str) -> tuple[str, int]:
    """The repository and the number of a pull request, by its URL.

    Raises:
        SandboxError: it is not the address of a pull request.
    """
    found = re.search(r"/([^/]+)/pull/(\d+)/?$", pull_request)
    if found is None:
        raise SandboxError(f"{pull_request}: not the address of a pull request, such as …/acme/environments/pull/1")
    return found[1], int(found[2])
