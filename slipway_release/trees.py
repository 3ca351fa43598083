"""Commits of several files at once, made through GitHub's Git data, on top of exactly what was read."""

from __future__ import annotations

from collections.abc import Sequence

from slipway_release import fields
from slipway_release.contents import Contents, refusal
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.github import quoted

_FILE = "100644"


def text_entry(path: str, content: str) -> Document:
    """A file with that text."""
    return {"path": path, "mode": _FILE, "type": "blob", "content": content}


def files(contents: Contents, commit: str, folders: Sequence[str]) -> dict[str, Document]:
    """The files below some folders at a commit, as entries of a tree, by path; a missing folder has none."""
    root = tree_of(contents, commit)
    found: dict[str, Document] = {}
    for folder in folders:
        tree = _below(contents, root, folder)
        for item in _listed(contents, tree, recursive=True) if tree else []:
            if item.get("type") == "blob":
                path = f"{folder}/{fields.text(item, 'path', 'tree')}"
                found[path] = {"path": path, "mode": item["mode"], "type": "blob", "sha": item["sha"]}
    return found


def difference(wanted: dict[str, Document], present: dict[str, Document]) -> list[Document]:
    """The entries that make what is present what is wanted."""
    changed = [entry for path, entry in wanted.items() if present.get(path) != entry]
    return changed + [{**entry, "sha": None} for path, entry in present.items() if path not in wanted]


def tree_of(contents: Contents, commit: str) -> str:
    """The root tree of a commit."""
    found = contents.github.get(f"/repos/{contents.repository}/git/commits/{quoted(commit)}")
    return fields.text(fields.child(found, "tree", "commit"), "sha", "commit.tree")


def _listed(contents: Contents, tree: str, *, recursive: bool) -> list[Document]:
    path = f"/repos/{contents.repository}/git/trees/{tree}"
    answer = contents.github.get(path, {"recursive": "1"} if recursive else None)
    if answer.get("truncated") is True:
        raise RefusedError(f"{contents.repository}: a folder has more files than GitHub lists; make it smaller")
    return fields.documents(answer.get("tree"), "tree")


def _below(contents: Contents, tree: str, path: str) -> str | None:
    for name in path.split("/"):
        inner = (item for item in _listed(contents, tree, recursive=False) if item.get("path") == name)
        found = next(inner, None)
        if found is None or found.get("type") != "tree":
            return None
        tree = fields.text(found, "sha", "tree")
    return tree


def make_commit(contents: Contents, parent: str, entries: Sequence[Document], message: str) -> str:
    """A commit on top of another one; no branch points at it yet."""
    base = f"/repos/{contents.repository}/git"
    tree = contents.github.post(f"{base}/trees", {"base_tree": tree_of(contents, parent), "tree": list(entries)})
    body = {"message": message, "tree": fields.text(tree, "sha", "tree"), "parents": [parent]}
    return fields.text(contents.github.post(f"{base}/commits", body), "sha", "commit")


def advance(contents: Contents, branch: str, commit: str) -> None:
    """Move a branch on to a commit that is on top of it.

    Raises:
        ConflictError: the branch has moved meanwhile.
        ProtectedBranchError: its rules refuse the write.
    """
    reference = f"/repos/{contents.repository}/git/refs/heads/{quoted(branch, slashes=True)}"
    response = contents.github.call("PATCH", reference, {"sha": commit, "force": False})
    if response.ok:
        return
    if response.status in {409, 422}:
        raise refusal(response.message, branch)
    raise ApiError(response.status, response.message, "PATCH", reference)
