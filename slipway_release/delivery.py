"""Writes a change of a release file the way its environment wants it: commit, pull request or branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slipway_release import branch_delivery, history, merging, proposals, pulls, release_file, trees
from slipway_release.choices import Delivery
from slipway_release.contents import ConflictError, Contents, ProtectedBranchError
from slipway_release.fields import Document
from slipway_release.history import Relation
from slipway_release.platform_types import Environment
from slipway_release.release_file import ReleaseFile

Change = Callable[[ReleaseFile], ReleaseFile | None]
Entries = Callable[[ReleaseFile, str], list[Document]]
"""The entries of a tree for a release file, on top of a commit."""


@dataclass(frozen=True)
class Purpose:
    """What a change is for: it names the pull request's branch and the words that people read."""

    kind: str
    version: str
    message: Callable[[ReleaseFile], str]
    supersedes: Callable[[str], bool] = lambda _: True
    """Whether it makes an open pull request for another version pointless; if not, that one makes this one so."""
    alone: bool = False
    """Whether its tag is for this environment alone: a hotfix and the releases of everywhere do not supersede each
    other before one of them is in, because a person may approve either."""
    state: str | None = None
    """The commit whose chart and values of the service belong to the change; None leaves them as they are."""


@dataclass(frozen=True)
class Verified:
    """A version that was seen good, and the commit at which it was."""

    version: str
    commit: str


@dataclass(frozen=True)
class Delivered:
    """What was done: a commit that is in, or a pull request that waits."""

    file: ReleaseFile
    commit: str | None
    pull: pulls.PullRequest | None = None
    new: bool = True


def deliver(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Deliver the change in the environment's own way; None where the change turned out unwanted."""
    if environment.delivery is Delivery.PULL_REQUEST:
        return propose(contents, environment, service, change, purpose)
    return write(contents, environment, service, change, purpose)


def write(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Commit the change directly, whatever the environment's way of delivery is."""
    branch = environment.target_branch
    if environment.delivery is Delivery.BRANCH and purpose.kind == "release":

        def from_main(wanted: ReleaseFile, onto: str) -> list[Document]:
            return branch_delivery.entries(contents, environment, service, wanted, onto)

        return _write_files(contents, environment, service, change, purpose, from_main)
    if purpose.state is not None:
        head = branch_delivery.head(contents, branch)
        if branch_delivery.differences(contents, environment, service, purpose.state, head):
            state = _state(contents, environment, service, purpose)
            return _write_files(contents, environment, service, change, purpose, state)
    written = contents.update(release_file.path_of(environment.name, service), branch, change, purpose.message)
    return Delivered(written.file, written.commit, new=written.new) if written else None


def write_or_propose(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Commit the change directly, or propose it where the branch's rules refuse that."""
    try:
        return write(contents, environment, service, change, purpose)
    except ProtectedBranchError:
        return propose(contents, environment, service, change, purpose)


def _state(contents: Contents, environment: Environment, service: str, purpose: Purpose) -> Entries:
    """What a release file changes: itself, and the service's state if the purpose names one."""
    if purpose.state is None:
        path = release_file.path_of(environment.name, service)
        return lambda wanted, _: [trees.text_entry(path, wanted.dump())]
    commit = purpose.state
    return lambda wanted, onto: branch_delivery.state_of(contents, environment, service, commit, wanted, onto)


def _write_files(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose, entries: Entries
) -> Delivered | None:
    """Like `Contents.update`, for a change of more files than the release file."""
    branch, path = environment.target_branch, release_file.path_of(environment.name, service)

    def once() -> Delivered | None:
        head = branch_delivery.head(contents, branch)
        current = contents.release(environment.name, service, head)
        wanted = change(current)
        if wanted is None:
            return None
        if wanted == current:
            return Delivered(current, contents.last_commit(path, branch) or head, new=False)
        commit = trees.make_commit(contents, head, entries(wanted, head), purpose.message(wanted))
        trees.advance(contents, branch, commit)
        return Delivered(wanted, commit)

    return contents.github.decided(once, ConflictError, branch)


def propose(
    contents: Contents, environment: Environment, service: str, change: Change, purpose: Purpose
) -> Delivered | None:
    """Propose the change by pull request, closing what it supersedes; merge it if nothing has to be waited for."""
    contents.github.forget()
    current = contents.release(environment.name, service, environment.target_branch)
    wanted = change(current)
    if wanted is None:
        return None
    if wanted == current:
        path = release_file.path_of(environment.name, service)
        return Delivered(current, contents.last_commit(path, environment.target_branch), new=False)
    message = purpose.message(wanted)
    title, _, body = message.partition("\n\n")
    branch = pulls.branch_of(environment.name, service, purpose.version, purpose.kind)
    entries = _state(contents, environment, service, purpose)
    pull = proposals.open_or_update(
        contents, environment, service, wanted, entries, branch=branch, title=title, body=body
    )
    # Of two that ask at the same time, the later one sees the other here: the older version gives way. One of
    # another kind stays: that a bad version is taken back says nothing against the one that mends it.
    others = [
        other
        for other in pulls.list_open(contents, environment, service)
        if other.number != pull.number
        and other.kind == purpose.kind
        and pulls.is_for_one(contents, environment, service, other) == purpose.alone
    ]
    for other in others:
        if not purpose.supersedes(other.version):
            proposals.close(contents, pull, f"Superseded by #{other.number}.")
            return None
    for other in others:
        proposals.close(contents, other, f"Superseded by #{pull.number} ({title}).")
    is_free = merging.merges_itself(environment, purpose.kind, message)
    commit = merging.merge(contents, pull, environment.target_branch) if is_free else None
    return Delivered(wanted, commit, pull)


def tidy(contents: Contents, environment: Environment, service: str, *, verified: Verified | None = None) -> None:
    """Bring the open pull requests for a service in line with what is wanted now: nothing rots, nothing conflicts.

    Args:
        contents: the environment repository.
        environment: the environment.
        service: the service's name.
        verified: what has just been verified; a pull request to take it back, or to restore what was before it, is
            closed.
    """
    head = contents.release(environment.name, service, environment.target_branch)
    for pull in pulls.list_open(contents, environment, service):
        version = verified.version if verified and _is_news(contents, pull, verified) else None
        reason = pulls.reason_to_close(pull, head, version)
        if reason is None and pull.kind == "restore" and proposals.is_overtaken(contents, environment, pull):
            reason = "Somebody has changed the same files since."
        if reason is not None:
            proposals.close(contents, pull, reason)
        elif pull.kind == "release":
            proposals.refresh(contents, environment, service, pull, head)


def _is_news(contents: Contents, pull: pulls.PullRequest, verified: Verified) -> bool:
    """Whether what was verified says anything against a pull request."""
    head = history.branch_head(contents.github, contents.repository, pull.branch)
    if pull.kind == "rollback" and head is not None:
        # What a person takes back was healthy all the time.
        return merging.BY_HAND not in contents.message(head).splitlines()
    if pull.kind != "restore":
        return True
    # That it has the change in it which is to be taken back.
    relation = history.relation(contents.github, contents.repository, pull.version, verified.commit)
    return relation in {Relation.SAME, Relation.ANCESTOR}
