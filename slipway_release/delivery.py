"""Writes a change of a release file the way its environment wants it: commit, pull request or branch."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from slipway_release import branch_delivery, pulls, release_file
from slipway_release.contents import Contents, ProtectedBranchError
from slipway_release.platform_file import Environment
from slipway_release.release_file import ReleaseFile

Change = Callable[[ReleaseFile], ReleaseFile | None]


class Way(enum.StrEnum):
    """How a change reaches the environment's branch."""

    COMMIT = "commit"
    PULL_REQUEST = "pull-request"
    BRANCH = "branch"


@dataclass(frozen=True)
class Purpose:
    """What a change is for: it names the request's branch and the words that people read."""

    kind: str
    version: str
    message: Callable[[ReleaseFile], str]
    supersedes: Callable[[str], bool] = lambda _: True
    """Whether it makes an open request for another version pointless; if not, that one makes this one so."""


@dataclass(frozen=True)
class Delivered:
    """What was done: a commit that is in, or a request that waits."""

    file: ReleaseFile
    commit: str | None
    pull: pulls.PullRequest | None = None
    new: bool = True


def deliver(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Deliver the change in the environment's own way; None where the change turned out unwanted."""
    if environment.delivery == Way.PULL_REQUEST:
        return request(contents, environment, service, change, purpose, merge=not environment.approval)
    return write(contents, environment, service, change, purpose)


def write(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Commit the change directly, whatever the environment's way of delivery is."""
    if environment.delivery == Way.BRANCH and purpose.kind == "release":
        written = branch_delivery.update(contents, environment, service, change, purpose.message)
    else:
        path = release_file.path_of(environment.name, service)
        written = contents.update(path, environment.target_branch, change, purpose.message)
    return Delivered(written.file, written.commit, new=written.new) if written else None


def write_or_request(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Commit the change directly, or ask for it where the branch's rules refuse that."""
    try:
        return write(contents, environment, service, change, purpose)
    except ProtectedBranchError:
        return request(contents, environment, service, change, purpose, merge=True)


def request(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose, *, merge: bool
) -> Delivered | None:
    """Ask for the change by pull request, closing what it supersedes."""
    current = contents.release(environment.name, service, environment.target_branch)
    wanted = change(current)
    if wanted is None:
        return None
    if wanted == current:
        path = release_file.path_of(environment.name, service)
        return Delivered(current, contents.last_commit(path, environment.target_branch), new=False)
    title, _, body = purpose.message(wanted).partition("\n\n")
    branch = pulls.branch_of(environment.name, service, purpose.version, purpose.kind)
    pull = pulls.ask(contents, environment, service, wanted, branch=branch, title=title, body=body)
    # Of two that ask at the same time, the later one sees the other here: the older version gives way.
    others = [other for other in pulls.open_requests(contents, environment, service) if other.number != pull.number]
    for other in others:
        if not purpose.supersedes(other.version):
            pulls.close(contents, pull, f"Superseded by #{other.number}.")
            return None
    for other in others:
        pulls.close(contents, other, f"Superseded by #{pull.number} ({title}).")
    commit = pulls.merge_when_allowed(contents, pull) if merge else None
    return Delivered(wanted, commit, pull)
