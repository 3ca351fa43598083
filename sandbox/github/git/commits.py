"""Commits as GitHub shows them, and what differs between two of them."""

import datetime as dt
from typing import Any

import pygit2

from sandbox.github.access import accounts
from sandbox.github.core.clock import stamp
from sandbox.github.core.errors import GitHubError, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import EMPTY_TREE, GitRepository
from sandbox.github.core.git_objects import message_of
from sandbox.github.core.store import Document

STATUS_NAMES = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "C": "copied", "T": "changed"}


UNSIGNED = {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}
"""What GitHub says of a commit or tag without a signature."""


def read_many(git: GitRepository, *revisions: str) -> list[dict[str, Any]]:
    """The commits that `git rev-list` names for some revisions and options, newest first."""
    return [read_one(git, sha) for sha in git.text("rev-list", *revisions).split()]


def read_one(git: GitRepository, sha: str) -> dict[str, Any]:
    """One commit."""
    commit = git.commit(sha)
    return {
        "sha": str(commit.id),
        "tree": str(commit.tree_id),
        "parents": [str(parent) for parent in commit.parent_ids],
        "author": _person(commit.author),
        "committer": _person(commit.committer),
        "message": message_of(commit),
    }


def _person(who: pygit2.Signature) -> dict[str, str]:
    name, email = (raw.decode(errors="replace") for raw in (who.raw_name, who.raw_email))
    return {"name": name, "email": email, "date": stamp(dt.datetime.fromtimestamp(who.time, dt.UTC))}


def login_of(forge: Forge, email: str) -> str | None:
    """The account that an e-mail address of a commit belongs to."""
    noreply = email.partition("@")[0].partition("+")[2]
    if noreply and email.endswith("@users.noreply.github.com"):
        return noreply
    return next((user["login"] for user in forge.store.table("users") if user["email"] == email), None)


def git_view(forge: Forge, repository: Document, commit: dict[str, Any]) -> dict[str, Any]:
    """A commit as the Git data API shows it."""
    api = f"{forge.api_url}/repos/{repository['full_name']}"
    html = f"{forge.url}/{repository['full_name']}"
    return {
        "sha": commit["sha"],
        "node_id": f"C_{commit['sha']}",
        "url": f"{api}/git/commits/{commit['sha']}",
        "html_url": f"{html}/commit/{commit['sha']}",
        "author": commit["author"],
        "committer": commit["committer"],
        "tree": {"sha": commit["tree"], "url": f"{api}/git/trees/{commit['tree']}"},
        "message": commit["message"],
        "parents": [
            {"sha": parent, "url": f"{api}/git/commits/{parent}", "html_url": f"{html}/commit/{parent}"}
            for parent in commit["parents"]
        ],
        "verification": dict(UNSIGNED),
    }


def view(forge: Forge, repository: Document, commit: dict[str, Any]) -> dict[str, Any]:
    """A commit as the commits API shows it."""
    api = f"{forge.api_url}/repos/{repository['full_name']}"
    html = f"{forge.url}/{repository['full_name']}"
    inner = git_view(forge, repository, commit)

    def account(email: str) -> dict[str, Any] | None:
        login = login_of(forge, email)
        return accounts.simple(forge, login) if login else None

    return {
        "sha": commit["sha"],
        "node_id": f"C_{commit['sha']}",
        "url": f"{api}/commits/{commit['sha']}",
        "html_url": f"{html}/commit/{commit['sha']}",
        "comments_url": f"{api}/commits/{commit['sha']}/comments",
        "commit": {key: inner[key] for key in ("author", "committer", "message", "tree", "url", "verification")}
        | {"comment_count": 0},
        "author": account(commit["author"]["email"]),
        "committer": account(commit["committer"]["email"]),
        "parents": [
            {"sha": parent, "url": f"{api}/commits/{parent}", "html_url": f"{html}/commit/{parent}"}
            for parent in commit["parents"]
        ],
    }


def event_view(forge: Forge, repository: Document, git: GitRepository, commit: dict[str, Any]) -> dict[str, Any]:
    """A commit as the payload of a push shows it: with the paths that it touches."""
    touched: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for status, path in _name_status(git, commit["parents"][0] if commit["parents"] else EMPTY_TREE, commit["sha"]):
        touched[{"A": "added", "D": "removed"}.get(status, "modified")].append(path)

    def person(signature: dict[str, Any]) -> dict[str, Any]:
        login = login_of(forge, signature["email"])
        return {"name": signature["name"], "email": signature["email"]} | ({"username": login} if login else {})

    return {
        "id": commit["sha"],
        "tree_id": commit["tree"],
        "distinct": True,
        "message": commit["message"],
        "timestamp": commit["committer"]["date"],
        "url": f"{forge.url}/{repository['full_name']}/commit/{commit['sha']}",
        "author": person(commit["author"]),
        "committer": person(commit["committer"]),
        **touched,
    }


def _name_status(git: GitRepository, base: str, head: str) -> list[tuple[str, str]]:
    parts = git.text("diff", "--name-status", "--no-renames", "-z", base, head).split("\0")
    return list(zip(parts[::2], parts[1::2], strict=False))


def changed_files(forge: Forge, repository: Document, git: GitRepository, base: str, head: str) -> list[dict[str, Any]]:
    """Files that differ between two commits, with the lines added and removed."""
    counts: dict[str, tuple[int, int]] = {}
    for line in git.text("diff", "--numstat", "--no-renames", "-z", base, head).split("\0"):
        if line:
            added, removed, path = line.split("\t", 2)
            counts[path] = (int(added) if added != "-" else 0, int(removed) if removed != "-" else 0)
    html = f"{forge.url}/{repository['full_name']}"
    files: list[dict[str, Any]] = []
    for status, path in _name_status(git, base, head):
        added, removed = counts.get(path, (0, 0))
        blob = git.resolve(f"{base if status == 'D' else head}:{path}", "blob")
        patch = git.text("diff", "--no-renames", "--no-color", base, head, "--", path)
        hunks = patch.partition("\n@@")[2]
        files.append(
            {
                "sha": blob,
                "filename": path,
                "status": STATUS_NAMES.get(status, "modified"),
                "additions": added,
                "deletions": removed,
                "changes": added + removed,
                "blob_url": f"{html}/blob/{head}/{path}",
                "raw_url": f"{html}/raw/{head}/{path}",
                "contents_url": f"{forge.api_url}/repos/{repository['full_name']}/contents/{path}?ref={head}",
            }
            | ({"patch": "@@" + hunks} if hunks else {})
        )
    return files


def must_find(git: GitRepository, name: str) -> str:
    """The commit that a `ref` parameter names.

    Raises:
        GitHubError: there is none; 409 in an empty repository.
    """
    found = git.find_commit(name)
    if found is None:
        if not git.refs("refs/heads/"):
            raise GitHubError(409, "Git Repository is empty.")
        raise unprocessable(f"No commit found for SHA: {name}")
    return found
