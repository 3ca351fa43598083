"""What Git knows, asked through the API: where a tag points and which commit contains which."""

from __future__ import annotations

import enum

from slipway_release import fields
from slipway_release.errors import ApiError
from slipway_release.github import GitHub, quoted


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
    try:
        answer = github.get(f"/repos/{repository}/compare/{quoted(base)}...{quoted(commit)}", {"per_page": "1"})
    except ApiError as error:
        if error.status in {404, 422}:
            return Relation.UNRELATED
        raise
    return _RELATIONS.get(fields.text(answer, "status", "compare"), Relation.UNRELATED)


_MOST_FILES = 300
"""GitHub lists no more files of a comparison than these."""


def changes(github: GitHub, repository: str, base: str, commit: str) -> tuple[Relation, list[str] | None]:
    """What `commit` is to `base`, and the files that differ between their common ancestor and `commit`.

    The files are None where there are more of them than GitHub lists.
    """
    if commit == base:
        return Relation.SAME, []
    answer = github.get(f"/repos/{repository}/compare/{quoted(base)}...{quoted(commit)}", {"per_page": "1"})
    found = fields.documents(answer.get("files") or [], "compare.files")
    paths = [fields.text(item, "filename", "compare.files") for item in found]
    paths += [name for item in found if (name := fields.optional_text(item, "previous_filename"))]
    relation = _RELATIONS.get(fields.text(answer, "status", "compare"), Relation.UNRELATED)
    return relation, None if len(found) >= _MOST_FILES else paths


def commits_of(github: GitHub, repository: str, path: str, branch: str, limit: int) -> list[str]:
    """The newest commits of a branch that changed a file, newest first."""
    query = {"path": path, "sha": branch, "per_page": str(min(limit, 100))}
    where = f"/repos/{repository}/commits"
    return [fields.text(item, "sha", "commit") for item in fields.documents(github.read(where, query), where)]


def newest_change(github: GitHub, repository: str, path: str, branch: str) -> str:
    """When a branch's newest commit that changed a file was made (ISO 8601); empty where there is none."""
    where = f"/repos/{repository}/commits"
    for item in fields.documents(github.read(where, {"path": path, "sha": branch, "per_page": "1"}), where):
        details = fields.child(fields.child(item, "commit", "commit"), "committer", "commit.commit")
        return fields.optional_text(details, "date") or ""
    return ""


def is_on_branch(github: GitHub, repository: str, commit: str, branch: str) -> bool:
    """Whether a commit is part of a branch's history."""
    # By commit, not by name: a tag may have the branch's name.
    head = branch_head(github, repository, branch)
    return head is not None and relation(github, repository, commit, head) in {Relation.SAME, Relation.ANCESTOR}


def default_branch(github: GitHub, repository: str) -> str:
    return fields.text(github.get(f"/repos/{repository}"), "default_branch", repository)


def branch_head(github: GitHub, repository: str, branch: str) -> str | None:
    """The commit a branch points at, or None where there is no such branch."""
    found = github.find(f"/repos/{repository}/git/ref/heads/{quoted(branch, slashes=True)}")
    return None if found is None else fields.text(fields.child(found, "object", "ref"), "sha", "ref.object")


def tag_commit(github: GitHub, repository: str, tag: str) -> str | None:
    """The commit a tag points at, through annotated tags, or None where there is no such tag."""
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
    found = github.find(f"/repos/{repository}/commits/{quoted(commit)}")
    if found is None:
        return None
    details = fields.child(fields.child(found, "commit", "commit"), "committer", "commit.commit")
    return fields.optional_text(details, "date")
