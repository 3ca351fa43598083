"""Delivery to an environment's own branch, which its Applications follow.

One commit takes the whole configuration of main as it is now, keeps the environment's releases and
puts the new one in; its parents are the branch and main, so nothing is ever rewritten. Changes of
values on main therefore reach the environment together with a release, and not before.
"""

from __future__ import annotations

from collections.abc import Callable

from slipway_release import fields, history, release_file
from slipway_release.contents import ConflictError, Contents, Written, refusal
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.github import quoted
from slipway_release.history import Relation
from slipway_release.platform_file import MAIN, Environment
from slipway_release.release_file import ReleaseFile


def update(
    contents: Contents,
    environment: Environment,
    service: str,
    change: Callable[[ReleaseFile], ReleaseFile | None],
    message: Callable[[ReleaseFile], str],
) -> Written | None:
    """Change a release file on the environment's branch; like `Contents.update`, with main merged in."""
    attempt = 0
    while True:
        head = _head(contents, environment.target_branch)
        current = contents.release(environment.name, service, head)
        wanted = change(current)
        if wanted is None:
            return None
        path = release_file.path_of(environment.name, service)
        if wanted == current:
            return Written(contents.last_commit(path, environment.target_branch) or head, current, new=False)
        try:
            commit = _commit(contents, environment, head, path=path, wanted=wanted, message=message(wanted))
        except ConflictError as conflict:
            contents.github.transport.pause(attempt, f"{environment.target_branch}: {conflict}")
            attempt += 1
            continue
        return Written(commit, wanted, new=True)


def _head(contents: Contents, branch: str) -> str:
    """The branch's head; a missing branch starts where main is."""
    found = history.branch_head(contents.github, contents.repository, branch)
    if found is not None:
        return found
    main = _main_head(contents)
    try:
        contents.github.post(f"/repos/{contents.repository}/git/refs", {"ref": f"refs/heads/{branch}", "sha": main})
    except ApiError as error:
        if error.status not in {409, 422}:
            raise
        # Another release has made it meanwhile.
        return history.branch_head(contents.github, contents.repository, branch) or main
    return main


def _main_head(contents: Contents) -> str:
    found = history.branch_head(contents.github, contents.repository, MAIN)
    if found is None:
        raise RefusedError(f"{contents.repository}: has no branch {MAIN}; run the platform's `pulumi up`")
    return found


def _commit(
    contents: Contents, environment: Environment, head: str, *, path: str, wanted: ReleaseFile, message: str
) -> str:
    github, base = contents.github, f"/repos/{contents.repository}/git"
    main = _main_head(contents)
    releases = _releases(contents, head, environment.name)
    releases[path] = {"path": path, "mode": "100644", "type": "blob", "content": wanted.dump()}
    tree = github.post(f"{base}/trees", {"base_tree": _tree_of(contents, main), "tree": list(releases.values())})
    merged = history.relation(github, contents.repository, main, head) in {Relation.SAME, Relation.ANCESTOR}
    commit = github.post(
        f"{base}/commits",
        {
            "message": message,
            "tree": fields.text(tree, "sha", "tree"),
            "parents": [head] if merged else [head, main],
        },
    )
    sha = fields.text(commit, "sha", "commit")
    reference = f"{base}/refs/heads/{quoted(environment.target_branch, slashes=True)}"
    response = github.call("PATCH", reference, {"sha": sha, "force": False})
    if response.ok:
        return sha
    if response.status in {409, 422}:
        raise refusal(response.message, environment.target_branch)
    raise ApiError(response.status, response.message, "PATCH", reference)


def _releases(contents: Contents, head: str, environment: str) -> dict[str, Document]:
    """The release files that the branch has, as entries of the new tree."""
    tree: str | None = _tree_of(contents, head)
    for name in ("environments", environment):
        tree = _child_tree(contents, tree, name) if tree else None
    if tree is None:
        return {}
    answer = contents.github.get(f"/repos/{contents.repository}/git/trees/{tree}", {"recursive": "1"})
    found: dict[str, Document] = {}
    for item in fields.documents(answer.get("tree"), "tree"):
        inner = fields.text(item, "path", "tree")
        if inner.endswith("/release.yaml") and inner.count("/") == 1:
            path = f"environments/{environment}/{inner}"
            found[path] = {"path": path, "mode": "100644", "type": "blob", "sha": item["sha"]}
    return found


def _tree_of(contents: Contents, commit: str) -> str:
    found = contents.github.get(f"/repos/{contents.repository}/git/commits/{commit}")
    return fields.text(fields.child(found, "tree", "commit"), "sha", "commit.tree")


def _child_tree(contents: Contents, tree: str, name: str) -> str | None:
    answer = contents.github.get(f"/repos/{contents.repository}/git/trees/{tree}")
    for item in fields.documents(answer.get("tree"), "tree"):
        if item.get("path") == name and item.get("type") == "tree":
            return fields.text(item, "sha", "tree")
    return None
