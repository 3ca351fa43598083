"""Delivery by pull request: at most one open pull request for a service in an environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slipway_release import fields, history, release_file, trees
from slipway_release.contents import Contents
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.github import quoted
from slipway_release.platform_file import MAIN, Environment
from slipway_release.release_file import ReleaseFile
from slipway_release.selection import cleared
from slipway_release.tags import Version, is_version

CLOSED = "<!-- slipway: closed by the release program -->"
"""Stands in the body of what this program has closed itself: one that a person closes stays closed."""
KINDS = ("release", "rollback", "hold", "restore")
BRANCHES = [pattern for kind in KINDS for pattern in (kind, f"{kind}/**/*")]
"""Patterns (fnmatch) of the branches of this program; one of a kind's bare name would be in their way."""
SETTINGS_BRANCH = "slipway/files"
"""The branch on which `pulumi up` proposes a change of the files that the settings keep."""


@dataclass(frozen=True)
class PullRequest:
    """An open pull request of this program."""

    number: int
    url: str
    branch: str

    @property
    def kind(self) -> str:
        """What it is for: one of `KINDS`."""
        return self.branch.partition("/")[0]

    @property
    def version(self) -> str:
        return self.branch.rpartition("/")[2]


def branch_of(environment: str, service: str, version: str, kind: str = "release") -> str:
    return f"{kind}/{environment}/{service}/{version}"


def placement_of(branch: str) -> tuple[str, str] | None:
    """The environment and service that a pull request's branch is of, or None for other people's branches."""
    parts = branch.split("/")
    return (parts[1], parts[2]) if len(parts) == 4 and parts[0] in KINDS else None


def is_own(head: Document, repository: str) -> bool:
    """Whether the head of a pull request is a branch of the repository, and not of a fork."""
    source = fields.optional_document(head, "repo") or {}
    return str(source.get("full_name")).lower() == repository.lower()


def list_open(contents: Contents, environment: Environment, service: str) -> list[PullRequest]:
    """The open pull requests for a service in an environment."""
    found: list[PullRequest] = []
    copy = contents.github.copy(contents.repository)
    prefixes = [f"refs/heads/{kind}/{environment.name}/{service}/" for kind in KINDS]
    if copy is not None and copy.references(*prefixes) == {}:
        # Without a branch there is no open pull request.
        return []
    query = {"state": "open", "base": environment.target_branch}
    for item in contents.github.pages(f"/repos/{contents.repository}/pulls", query):
        head = fields.child(item, "head", "pull request")
        branch = fields.text(head, "ref", "pull request.head")
        if is_own(head, contents.repository) and placement_of(branch) == (environment.name, service):
            found.append(read(item, branch))
    return found


def is_for_one(contents: Contents, environment: Environment, service: str, pull: PullRequest) -> bool:
    """Whether an open pull request delivers a tag that is for its environment alone."""
    if pull.kind != "release":
        return False
    try:
        release = contents.release(environment.name, service, pull.branch).release
        found = release is not None and release.is_for_one
    except ApiError:
        raise
    except RefusedError:
        # Somebody has broken it by hand; its check says so, and it stands in no release's way.
        found = False
    return found


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
    for pull in list_open(contents, environment, service):
        if pull.branch == branch:
            return pull
    made = contents.github.post(
        f"/repos/{contents.repository}/pulls",
        {"title": title, "body": body, "head": branch, "base": environment.target_branch},
    )
    return read(made, branch)


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
        return read(item, branch)
    head = history.branch_head(contents.github, contents.repository, MAIN) or since
    _point(contents, branch, trees.make_commit(contents, head, entries, f"{title}\n\n{body}"))
    made = contents.github.post(where, {"title": title, "body": body, "head": branch, "base": MAIN})
    return read(made, branch)


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
    base = f"/repos/{contents.repository}"
    contents.github.post(f"{base}/issues/{pull.number}/comments", {"body": reason})
    contents.github.patch(f"{base}/pulls/{pull.number}", {"state": "closed", "body": f"{reason}\n\n{CLOSED}"})
    if not keeps_branch:
        contents.github.call("DELETE", f"{base}/git/refs/heads/{quoted(pull.branch, slashes=True)}")


def same_commit(contents: Contents, commit: str, branch: str) -> str | None:
    """The branch of this program or of the settings that another open pull request of the same commit comes from.

    Args:
        contents: the environment repository.
        commit: the head of a pull request.
        branch: the branch that it comes from; empty for a fork's.
    """
    for item in contents.github.pages(f"/repos/{contents.repository}/commits/{commit}/pulls"):
        head = fields.child(item, "head", "pull request")
        other = fields.text(head, "ref", "pull request.head")
        is_open = item.get("state") == "open" and is_own(head, contents.repository) and head.get("sha") == commit
        if is_open and other != branch and (placement_of(other) is not None or other == SETTINGS_BRANCH):
            return other
    return None


def is_declined(
    contents: Contents, environment: Environment, service: str, version: str, kind: str = "release", since: str = ""
) -> bool:
    """Whether a person has closed the newest pull request for a version; what this program closes, it marks.

    Args:
        contents: the environment repository.
        environment: the environment.
        service: the service's name.
        version: the version.
        kind: what the request is for, one of `KINDS`.
        since: what was closed before that moment (ISO 8601) is forgotten.
    """
    found = newest(contents, environment, branch_of(environment.name, service, version, kind), "all")
    return (
        found is not None
        and found.get("state") == "closed"
        and not found.get("merged_at")
        and CLOSED not in str(found.get("body") or "")
        and str(found.get("closed_at") or "") >= since
    )


def newest(contents: Contents, environment: Environment, branch: str, state: str) -> Document | None:
    """The newest pull request of a branch in a state (`open`, `closed` or `all`), as GitHub shows it; None for none.

    One onto another branch than the environment's is not the program's: everybody who may push can open it.
    """
    owner = contents.repository.partition("/")[0]
    path = f"/repos/{contents.repository}/pulls"
    query = {"state": state, "head": f"{owner}:{branch}", "base": environment.target_branch, "per_page": "1"}
    return next(iter(fields.documents(contents.github.read(path, query), path)), None)


def reason_to_close(pull: PullRequest, head: ReleaseFile, verified: str | None) -> str | None:
    """Why an open pull request is pointless now, or None."""
    now = head.release.version if head.release else None
    if pull.kind == "rollback":
        if pull.version == verified:
            return f"{pull.version} is verified after all."
        return None if pull.version == now else f"Superseded: {now or 'nothing'} is wanted now."
    if pull.kind == "restore":
        return f"{verified} is verified with what is there now." if verified else None
    if pull.kind != "release":
        return None
    held = head.hold_of(pull.version)
    if held is not None:
        return f"{pull.version} is on hold: {held.reason}. It is asked for again once it is released from hold."
    if now is not None and is_version(now) and is_version(pull.version):
        if Version.parse(pull.version) < Version.parse(now):
            return f"Superseded: {now} is there and is newer."
        if pull.version == now:
            return f"{now} is there already."
    return None


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


def read(source: Document, branch: str) -> PullRequest:
    """A pull request as GitHub shows it."""
    where = "pull request"
    return PullRequest(fields.number(source, "number", where), fields.text(source, "html_url", where), branch)
