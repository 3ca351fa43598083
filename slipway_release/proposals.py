"""Pull requests as this program writes them: opened, brought up to date, refreshed and closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slipway_release import fields, history, limits, pulls, release_file, trees
from slipway_release.contents import Contents
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.github import quoted
from slipway_release.platform_types import MAIN, Environment
from slipway_release.pulls import PullRequest
from slipway_release.release_file import ReleaseFile
from slipway_release.selection import cleared


def open_or_update(
    contents: Contents,
    environment: Environment,
    service: str,
    wanted: ReleaseFile,
    entries: Callable[[ReleaseFile, str], list[Document]],
    *,
    branch: str,
    title: str,
    body: str,
) -> PullRequest:
    """Open the pull request, or bring the open one of the same branch up to date."""
    path = release_file.path_of(environment.name, service)
    message = f"{title}\n\n{body}"
    _commit(contents, environment.target_branch, branch, path, wanted, entries, message)
    for pull in pulls.list_open(contents, environment, service):
        if pull.branch == branch:
            return pull
    return _open(contents, branch, environment.target_branch, title, body)


def propose_restore(
    contents: Contents, branch: str, since: str, paths: Sequence[str], *, title: str, body: str
) -> PullRequest | None:
    """Ask for files of main to be put back as they were at a commit; None where they are like that already."""
    entries = [entry for path in paths if (entry := _as_before(contents, path, since)) is not None]
    if not entries:
        return None
    owner = contents.repository.partition("/")[0]
    query = {"state": "all", "head": f"{owner}:{branch}", "per_page": "1"}
    where = f"/repos/{contents.repository}/pulls"
    for item in fields.documents(contents.github.read(where, query), where):
        # Open, or closed by a person who has decided.
        return pulls.read(item, branch)
    head = history.branch_head(contents.github, contents.repository, MAIN) or since
    _point(contents, branch, trees.make_commit(contents, head, entries, f"{title}\n\n{body}"))
    return _open(contents, branch, MAIN, title, body)


def _open(contents: Contents, branch: str, base: str, title: str, body: str) -> PullRequest:
    text = limits.shortened(body, limits.COMMENT)
    document = {"title": title, "body": text, "head": branch, "base": base}
    return pulls.read(contents.github.post(f"/repos/{contents.repository}/pulls", document), branch)


def _as_before(contents: Contents, path: str, since: str) -> Document | None:
    """The entry that puts a file back; None where it is as it was."""
    was, now = contents.read(path, since), contents.read(path, MAIN)
    if (was and was.sha) == (now and now.sha):
        return None
    if was is None:
        return {"path": path, "mode": "100644", "type": "blob", "sha": None}
    return {"path": path, "mode": "100644", "type": "blob", "sha": was.sha}


def close(contents: Contents, pull: PullRequest, reason: str, *, keeps_branch: bool = False) -> None:
    """Close a pull request for a reason, and leave no branch behind, unless another one is of it too."""
    base, reason = f"/repos/{contents.repository}", limits.shortened(reason, limits.COMMENT - pulls.MARKS)
    contents.github.post(f"{base}/issues/{pull.number}/comments", {"body": reason})
    where = f"{base}/pulls/{pull.number}"
    closed = contents.github.patch(where, {"state": "closed", "body": pulls.closed_body(reason)})
    contents.github.patch(where, {"body": pulls.closed_body(reason, closed)})
    if not keeps_branch:
        contents.github.call("DELETE", f"{base}/git/refs/heads/{quoted(pull.branch, slashes=True)}")


def refresh(contents: Contents, environment: Environment, service: str, pull: PullRequest, head: ReleaseFile) -> None:
    """Put a pull request's release on top of what is there now, where it no longer merges."""
    asked = contents.release(environment.name, service, pull.branch)
    if asked.release is None:
        return
    wanted = cleared(head, asked.release)
    path = release_file.path_of(environment.name, service)
    if wanted == asked and not _is_behind(contents, environment, pull, path):
        return

    def entries(file: ReleaseFile, _: str) -> list[Document]:
        return [trees.text_entry(path, file.dump())]

    commit = contents.last_commit(path, pull.branch)
    message = contents.message(commit) if commit else f"Release {service} {pull.version} to {environment.name}\n"
    _commit(contents, environment.target_branch, pull.branch, path, wanted, entries, message, again=True)


def _is_behind(contents: Contents, environment: Environment, pull: PullRequest, path: str) -> bool:
    """Whether the release file has changed on the base branch since the pull request was made."""
    base = history.branch_head(contents.github, contents.repository, environment.target_branch)
    paths = _changes(contents, pull.branch, base) if base else []
    return paths is None or path in paths


def push_again(contents: Contents, branch: str, head: str) -> None:
    """Put the same change on a branch as another commit, so that GitHub tells of it again."""
    base = f"/repos/{contents.repository}/git"
    found = contents.github.get(f"{base}/commits/{head}")
    where = f"commit {head}"
    body = {
        "message": fields.text(found, "message", where),
        "tree": fields.text(fields.child(found, "tree", where), "sha", where),
        "parents": [fields.text(item, "sha", where) for item in fields.documents(found.get("parents"), where)],
    }
    _point(contents, branch, fields.text(contents.github.post(f"{base}/commits", body), "sha", where))


def is_overtaken(contents: Contents, environment: Environment, pull: PullRequest) -> bool:
    """Whether files that a pull request changes have changed on the base branch too since it was made."""
    base = history.branch_head(contents.github, contents.repository, environment.target_branch)
    if base is None:
        return False
    meanwhile, own = _changes(contents, pull.branch, base), _changes(contents, base, pull.branch)
    return not set(own or ()).isdisjoint(meanwhile or ())


def _changes(contents: Contents, since: str, ref: str) -> list[str] | None:
    """The paths that changed on the way to a commit or branch; None where there are more than GitHub lists."""
    return history.changes(contents.github, contents.repository, since, ref)[1]


def _commit(
    contents: Contents,
    base: str,
    branch: str,
    path: str,
    wanted: ReleaseFile,
    entries: Callable[[ReleaseFile, str], list[Document]],
    message: str,
    *,
    again: bool = False,
) -> None:
    """One commit on top of the base branch; what the pull request's branch had before is replaced."""
    existing = contents.read(path, branch) if not again and _has_branch(contents, branch) else None
    # A push would dismiss reviews and start the checks anew, so a later time of the same thing does not cause one.
    if existing is not None and release_file.parse(existing.content, path).says_the_same(wanted):
        return
    head = history.branch_head(contents.github, contents.repository, base)
    if head is None:
        raise RefusedError(f"{contents.repository}: has no branch {base}; run the platform's `pulumi up`")
    _point(contents, branch, trees.make_commit(contents, head, entries(wanted, head), message))


def _has_branch(contents: Contents, branch: str) -> bool:
    return history.branch_head(contents.github, contents.repository, branch) is not None


def _point(contents: Contents, branch: str, commit: str) -> None:
    base = f"/repos/{contents.repository}/git/refs"
    try:
        contents.github.post(base, {"ref": f"refs/heads/{branch}", "sha": commit})
    except ApiError as error:
        if error.status not in {409, 422}:
            raise
        contents.github.patch(f"{base}/heads/{quoted(branch, slashes=True)}", {"sha": commit, "force": True})
