"""Files of the environment repository, read and written through the API.

A write names the version of the file it was made from (the blob's sha), so of two writers one is
told that it was late. `update` then reads again, decides again and writes again until the deadline:
that is how parallel releases neither lose nor overwrite each other.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from slipway_release import fields, history, release_file
from slipway_release.errors import ApiError, RefusedError
from slipway_release.github import GitHub, content_of, quoted
from slipway_release.release_file import ReleaseFile

# GitHub answers 409 both to a late writer and to one that a rule keeps out; only the text differs.
_BY_RULE = re.compile(r"repository rule|through a pull request|protected branch|GH006|GH013", re.IGNORECASE)


_LINK = "120000"
"""The mode of a symbolic link."""


class ConflictError(Exception):
    """Somebody else wrote first; read again and try again."""


class ProtectedBranchError(RefusedError):
    """The branch's rules refuse a direct write."""


@dataclass(frozen=True)
class File:
    """A file at some commit."""

    content: str
    sha: str


@dataclass(frozen=True)
class Written:
    """The commit that holds the wanted content, and the content."""

    commit: str
    file: ReleaseFile
    new: bool


@dataclass(frozen=True)
class Contents:
    """One repository's files."""

    github: GitHub
    repository: str
    reader: GitHub | None = None
    """The client that sees checks; without one, the same."""
    promoter: str = ""
    """The account that `github` acts as; empty where it is not known."""

    @property
    def checks(self) -> GitHub:
        """The client for rules, commit statuses and checks."""
        return self.reader or self.github

    def read(self, path: str, ref: str) -> File | None:
        """The file at a branch or commit, or None where there is none."""
        found = self._of_git(path, ref)
        if found is None:
            found = self._of_api(path, ref)
        kind, sha, content = found
        if not kind:
            return None
        if kind not in {"blob", "file"}:
            raise RefusedError(f"{path}: is not a file; remove what stands in its place")
        try:
            return File(content.decode("utf-8"), sha)
        except UnicodeDecodeError:
            raise RefusedError(f"{path}: is not text; restore it from its last commit") from None

    def _of_git(self, path: str, ref: str) -> tuple[str, str, bytes] | None:
        """Kind, blob and content of a path, an empty kind where there is none; None where Git does not tell."""
        copy = self.github.copy(self.repository)
        commit = history.commit_at(self.github, self.repository, ref)
        entry = copy.entry(commit, path) if copy and commit else None
        if copy is None or entry is None:
            return None
        mode, kind, sha = entry
        if kind != "blob" or mode == _LINK:
            return kind and "link", sha, b""
        content = copy.blob(sha)
        return None if content is None else (kind, sha, content)

    def _of_api(self, path: str, ref: str) -> tuple[str, str, bytes]:
        found = self.github.find(self._path(path), {"ref": ref})
        if found is None:
            return "", "", b""
        kind = str(found.get("type", "file"))
        try:
            content = base64.b64decode(str(found.get("content") or ""))
        except binascii.Error:
            raise RefusedError(f"{path}: is not text; restore it from its last commit") from None
        return kind, fields.text(found, "sha", path) if kind == "file" else "", content

    def release(self, environment: str, service: str, ref: str) -> ReleaseFile:
        """The release file at a branch or commit; a missing one is an empty one."""
        path = release_file.path_of(environment, service)
        found = self.read(path, ref)
        return release_file.parse(found.content, path) if found else ReleaseFile()

    def write(self, path: str, content: str, message: str, branch: str, sha: str | None) -> str:
        """Commit one file; `sha` is the blob it replaces, None if it is new. Returns the commit."""
        body: dict[str, object] = {
            "message": message,
            "content": base64.b64encode(content.encode()).decode(),
            "branch": branch,
        }
        if sha is not None:
            body["sha"] = sha
        return self._commit("PUT", path, body, branch)

    def remove(self, path: str, message: str, branch: str, sha: str) -> str:
        """Commit that a file is gone; `sha` is the blob that it was. Returns the commit."""
        return self._commit("DELETE", path, {"message": message, "branch": branch, "sha": sha}, branch)

    def _commit(self, method: str, path: str, body: dict[str, object], branch: str) -> str:
        response = self.github.call(method, self._path(path), body)
        if response.ok:
            commit = fields.child(fields.document(content_of(response, method, path), path), "commit", path)
            return fields.text(commit, "sha", f"{path}: commit")
        if response.status in {409, 422}:
            raise refusal(response.message, branch)
        raise ApiError(response.status, response.message, method, self._path(path))

    def message(self, commit: str) -> str:
        """A commit's message."""
        copy = self.github.copy(self.repository)
        known = copy.commit(commit) if copy else None
        if known is not None:
            return known.message
        found = self.github.get(f"/repos/{self.repository}/git/commits/{quoted(commit)}")
        return fields.text(found, "message", "commit")

    def last_commit(self, path: str, branch: str) -> str | None:
        """The newest commit of a branch that changed a file."""
        return next((commit.sha for commit in history.log(self.github, self.repository, path, branch, 1)), None)

    def update(
        self,
        path: str,
        branch: str,
        change: Callable[[ReleaseFile], ReleaseFile | None],
        message: Callable[[ReleaseFile], str],
    ) -> Written | None:
        """Change a release file until the change is in.

        Args:
            path: the file.
            branch: where it is committed.
            change: the new content for what is there now; None leaves it alone. It is asked again
                after every lost race, so it must judge what it is given.
            message: the commit's message for the new content.
        """

        def once() -> Written | None:
            found = self.read(path, branch)
            current = release_file.parse(found.content, path) if found else ReleaseFile()
            wanted = change(current)
            if wanted is None:
                return None
            if wanted == current:
                commit = self.last_commit(path, branch)
                return Written(commit, current, new=False) if commit else None
            commit = self.write(path, wanted.dump(), message(wanted), branch, found.sha if found else None)
            return Written(commit, wanted, new=True)

        return self.github.decided(once, ConflictError, path)

    def _path(self, path: str) -> str:
        return f"/repos/{self.repository}/contents/{quoted(path, slashes=True)}"


def refused_by_rule(message: str) -> bool:
    """Whether GitHub's words for a refused write name a rule."""
    return _BY_RULE.search(message) is not None


def refusal(message: str, branch: str) -> Exception:
    """The error for a refused write: a rule is final, everything else is a lost race."""
    if refused_by_rule(message):
        return ProtectedBranchError(
            f"branch {branch}: its rules refuse a direct write ({' '.join(message.split())}); "
            "let the promoter App bypass them, or set the environment's delivery to pull-request"
        )
    return ConflictError(message)
