"""Delivery by pull request: at most one open pull request for a service in an environment."""

from __future__ import annotations

from dataclasses import dataclass

from slipway_release import fields, history
from slipway_release.contents import Contents
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.platform_types import Environment
from slipway_release.release_file import ReleaseFile
from slipway_release.tags import Version, is_version

CLOSED = "<!-- slipway: closed by the release program -->"
"""Stands in the body of what this program has closed itself: one that a person closes stays closed."""
MARKS = 200
"""How long what stands below the reason may become, this and the time of it."""
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


def closed_body(reason: str, closed: Document | None = None) -> str:
    """The body of a request that this program closes, or has closed: then with the time of it, by GitHub's clock."""
    at = fields.optional_text(closed, "closed_at") if closed else None
    return f"{reason}\n\n{CLOSED}" + (f"\n{_at(at)}" if at else "")


def _at(moment: str) -> str:
    return f"<!-- at {moment} -->"


def _is_closed_by_program(found: Document) -> bool:
    """Whether this program has closed it last: who opens it again and closes it decides anew."""
    body = str(found.get("body") or "")
    return CLOSED in body and ("<!-- at " not in body or _at(str(found.get("closed_at"))) in body)


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
    contents: Contents,
    environment: Environment,
    service: str,
    version: str,
    kind: str = "release",
    after: str | None = None,
) -> bool:
    """Whether a person has closed the newest pull request for a version; what this program closes, it marks.

    Args:
        contents: the environment repository.
        environment: the environment.
        service: the service's name.
        version: the version.
        kind: what the request is for, one of `KINDS`.
        after: a commit; what was asked for before that is forgotten. Git tells, since a commit's date is what the clock
            of its author's machine says.
    """
    found = newest(contents, environment, branch_of(environment.name, service, version, kind), "all")
    return (
        found is not None
        and found.get("state") == "closed"
        and not found.get("merged_at")
        and not _is_closed_by_program(found)
        and (after is None or _is_since(contents, found, after))
    )


def _is_since(contents: Contents, found: Document, commit: str) -> bool:
    """Whether a pull request comes from a branch that was made when a commit was there already."""
    head = fields.text(fields.child(found, "head", "pull request"), "sha", "pull request.head")
    return history.is_since(contents.github, contents.repository, head, commit)


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


def read(source: Document, branch: str) -> PullRequest:
    """A pull request as GitHub shows it."""
    where = "pull request"
    return PullRequest(fields.number(source, "number", where), fields.text(source, "html_url", where), branch)
