"""What Git knows: where a tag points, which commit contains which, what changed a file.

A client that has Git asks it, and the API only for what is too long ago or where Git does not answer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from slipway_release import fields
from slipway_release.errors import ApiError
from slipway_release.git import Commit
from slipway_release.github import GitHub, quoted
from slipway_release.references import HASH, Reference


class Relation(enum.Enum):
    """How one commit stands to another."""

    SAME = "same"
    ANCESTOR = "ancestor"
    DESCENDANT = "descendant"
    UNRELATED = "unrelated"


# GitHub's answer describes the head as seen from the base.
_RELATIONS = {
    "identical": Relation.SAME,
    "behind": Relation.ANCESTOR,
    "ahead": Relation.DESCENDANT,
    "diverged": Relation.UNRELATED,
}


def relation(github: GitHub, repository: str, commit: str, base: str) -> Relation:
    """What `commit` is to `base`; unknown commits and histories without a common root are unrelated."""
    if commit == base:
        return Relation.SAME
    known = _of_git(github, repository, commit, base)
    if known is not None:
        return known
    try:
        answer = github.get(f"/repos/{repository}/compare/{quoted(base)}...{quoted(commit)}", {"per_page": "1"})
    except ApiError as error:
        if error.status in {404, 422}:
            return Relation.UNRELATED
        raise
    return _RELATIONS.get(fields.text(answer, "status", "compare"), Relation.UNRELATED)


def _of_git(github: GitHub, repository: str, commit: str, base: str) -> Relation | None:
    copy = github.copy(repository)
    if copy is None:
        return None
    is_before = copy.is_ancestor(commit, base)
    if is_before:
        return Relation.ANCESTOR
    is_after = copy.is_ancestor(base, commit)
    if is_after:
        return Relation.DESCENDANT
    return Relation.UNRELATED if is_before is is_after is False else None


_MOST_FILES = 300
"""GitHub lists no more files of a comparison than these."""


def changes(github: GitHub, repository: str, base: str, commit: str) -> tuple[Relation, list[str] | None]:
    """What `commit` is to `base`, and the files that differ between their common ancestor and `commit`.

    The files are None where there are more of them than GitHub lists.
    """
    if commit == base:
        return Relation.SAME, []
    copy = github.copy(repository)
    # A branch's name is the API's to resolve.
    known = copy.changed(base, commit) if copy else None
    if known is not None:
        return Relation.DESCENDANT, known
    answer = github.get(f"/repos/{repository}/compare/{quoted(base)}...{quoted(commit)}", {"per_page": "1"})
    found = fields.documents(answer.get("files") or [], "compare.files")
    paths = [fields.text(item, "filename", "compare.files") for item in found]
    paths += [name for item in found if (name := fields.optional_text(item, "previous_filename"))]
    relation = _RELATIONS.get(fields.text(answer, "status", "compare"), Relation.UNRELATED)
    return relation, None if len(found) >= _MOST_FILES else paths


def log(github: GitHub, repository: str, path: str, ref: str, limit: int) -> Iterator[Commit]:
    """The newest commits of a branch, or before a commit, that changed a file, newest first; at most 100."""
    copy, seen = github.copy(repository), 0
    start = commit_at(github, repository, ref) if copy else None
    if copy is not None and start is not None:
        for commit in copy.log(start, path, limit):
            if commit is None:
                break
            seen += 1
            yield commit
        else:
            return
    where = f"/repos/{repository}/commits"
    query = {"path": path, "sha": start or ref, "per_page": str(min(limit, 100))}
    for item in fields.documents(github.read(where, query), where)[seen:]:
        details = fields.child(item, "commit", "commit")
        made = fields.optional_document(details, "committer") or {}
        yield Commit(
            fields.text(item, "sha", "commit"),
            fields.optional_text(made, "date") or "",
            (fields.optional_text(details, "message") or "").rstrip("\n"),
        )


def commits_of(github: GitHub, repository: str, path: str, ref: str, limit: int) -> list[str]:
    """The newest commits of a branch, or before a commit, that changed a file, newest first."""
    return [commit.sha for commit in log(github, repository, path, ref, limit)]


def is_since(github: GitHub, repository: str, commit: str, since: str) -> bool:
    """Whether a commit is another one, or comes after it."""
    return relation(github, repository, commit, since) in {Relation.SAME, Relation.DESCENDANT}


def is_on_branch(github: GitHub, repository: str, commit: str, branch: str) -> bool:
    """Whether a commit is part of a branch's history."""
    # By commit, not by name: a tag may have the branch's name.
    head = branch_head(github, repository, branch)
    return head is not None and relation(github, repository, commit, head) in {Relation.SAME, Relation.ANCESTOR}


def default_branch(github: GitHub, repository: str) -> str:
    copy = github.copy(repository)
    found = copy.default_branch() if copy else None
    if found is not None:
        return found
    return fields.text(github.get(f"/repos/{repository}"), "default_branch", repository)


def branch_head(github: GitHub, repository: str, branch: str) -> str | None:
    """The commit a branch points at, or None where there is no such branch."""
    known = _reference(github, repository, f"refs/heads/{branch}")
    if known is not None:
        return known[0] and known[0].commit
    found = github.find(f"/repos/{repository}/git/ref/heads/{quoted(branch, slashes=True)}")
    return None if found is None else fields.text(fields.child(found, "object", "ref"), "sha", "ref.object")


def tag_commit(github: GitHub, repository: str, tag: str) -> str | None:
    """The commit a tag points at, through annotated tags, or None where there is no such tag."""
    known = _reference(github, repository, f"refs/tags/{tag}")
    if known is not None:
        return known[0] and known[0].commit
    found = github.find(f"/repos/{repository}/git/ref/tags/{quoted(tag, slashes=True)}")
    if found is None:
        return None
    target = fields.child(found, "object", "ref")
    while target.get("type") == "tag":
        sha = fields.text(target, "sha", "tag")
        target = fields.child(github.get(f"/repos/{repository}/git/tags/{quoted(sha)}"), "object", "tag")
    return fields.text(target, "sha", "ref.object")


def commit_date(github: GitHub, repository: str, commit: str) -> str | None:
    """When a commit was made (ISO 8601), if that can be had."""
    copy = github.copy(repository)
    known = copy.commit(commit) if copy else None
    if known is not None:
        return known.date
    found = github.find(f"/repos/{repository}/commits/{quoted(commit)}")
    if found is None:
        return None
    details = fields.child(fields.child(found, "commit", "commit"), "committer", "commit.commit")
    return fields.optional_text(details, "date")


def commit_at(github: GitHub, repository: str, ref: str) -> str | None:
    """The commit that a branch's name or a commit's hash stands for, as Git tells; None where it does not."""
    if HASH.fullmatch(ref):
        return ref
    known = _reference(github, repository, f"refs/heads/{ref}")
    return known[0].commit if known and known[0] else None


def _reference(github: GitHub, repository: str, name: str) -> tuple[Reference | None] | None:
    copy = github.copy(repository)
    return copy.reference(name) if copy else None
