"""Brings files into a repository: one commit, directly or on a branch with a pull request."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.errors import ConflictError, GitHubError
from components.github.tree import Blob, Entry, WantedFiles
from manifests.model import OwnedFiles
from slipway_release import pulls

BRANCH = "main"
README = "README.md"
FILES_BRANCH = pulls.SETTINGS_BRANCH
ENTRIES_PER_REQUEST = 400
"""Entries of one tree request; GitHub cuts off what takes it longer than ten seconds."""
ATTEMPTS = 12
"""How often another writer may be faster before we give up."""


@dataclass(frozen=True)
class Delivered:
    """How the files are now."""

    commit: str
    """The commit of main that was looked at or made."""
    tree: Mapping[str, Blob]
    """The files of that commit."""
    pull_request: str = ""
    """The URL of the pull request that holds the changes; empty if main has them."""


class FileDelivery:
    """Writes declared files into one repository."""

    def __init__(self, api: GitHubApi, owner: str, repository: str) -> None:
        self._api: GitHubApi = api
        self._owner: str = owner
        self._full_name: str = f"{owner}/{repository}"
        self._path: str = f"/repos/{owner}/{quote(repository, safe='')}"

    def read(self) -> Delivered | None:
        """The files of main; None if there is no such repository or it is empty."""
        head = self.head(BRANCH)
        return None if head is None else Delivered(head, self.tree(head))

    def deliver(self, files: WantedFiles, message: str, changes: OwnedFiles) -> Delivered:
        """Makes main as declared, or opens a pull request that does.

        Args:
            files: what is declared.
            message: of the commit; a pull request carries its first line only.
            changes: how changes reach main where its rules ask for pull requests.

        Raises:
            GitHubError: GitHub refuses the files, and says why.
        """
        return self._api.repeat(lambda: self._delivered(files, message, changes), ConflictError, attempts=ATTEMPTS)

    def _delivered(self, files: WantedFiles, message: str, changes: OwnedFiles) -> Delivered:
        head = self.head(BRANCH) or self._first_commit(files, message)
        tree = self._written(self.tree(head))
        entries = files.changes(tree)
        if not entries:
            return Delivered(head, tree)
        if changes is OwnedFiles.PULL_REQUEST and self._wants_pull_request():
            return Delivered(head, tree, self._pull_request(head, entries, message))
        commit = self.commit(head, entries, message)
        try:
            self._api.patch(f"{self._path}/git/refs/heads/{BRANCH}", {"sha": commit, "force": False})
        except GitHubError as error:
            if not error.is_rule:
                raise
            if changes is OwnedFiles.COMMIT:
                remedy = "set `github.ownedFiles: pull-request`, or let the account of `pulumi up` bypass its rules"
                raise GitHubError(f"{self._path}: main takes no commit ({error.message}); {remedy}") from error
            return Delivered(head, tree, self._pull_request(head, entries, message))
        return Delivered(commit, self.tree(commit))

    def tree(self, revision: str) -> dict[str, Blob]:
        """All files of a commit or tree, by path."""
        answer = self._api.get(f"{self._path}/git/trees/{revision}?recursive=1")
        if not answer.get("truncated"):
            return _blobs(answer["tree"])
        # A very large repository: level by level, and each folder in one request again.
        level = self._api.get(f"{self._path}/git/trees/{revision}")["tree"]
        files = _blobs(level)
        for folder in (entry for entry in level if entry["type"] == "tree"):
            files |= {f"{folder['path']}/{path}": blob for path, blob in self.tree(folder["sha"]).items()}
        return files

    def _written(self, tree: dict[str, Blob]) -> dict[str, Blob]:
        """The files that somebody has written, in a repository that may be new."""
        return {} if set(tree) == {README} and self.has_readme_of_github(tree) else tree

    def has_readme_of_github(self, tree: Mapping[str, Blob]) -> bool:
        """Whether the README is the one of name and description that GitHub writes into a new repository."""
        if README not in tree:
            return False
        repository = self._api.get(self._path)
        text = base64.b64decode(self._api.get(f"{self._path}/git/blobs/{tree[README].sha}")["content"])
        lines = {line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()}
        description = str(repository.get("description") or "").splitlines()
        return lines <= {f"# {repository['name']}", *(line.strip() for line in description)}

    def head(self, branch: str) -> str | None:
        """The commit of a branch; None where there is no such branch."""
        try:
            found = self._api.find(f"{self._path}/git/ref/heads/{quote(branch)}")
        except GitHubError as error:
            if error.status == 409:  # "Git Repository is empty."
                return None
            raise
        return None if found is None else found["object"]["sha"]

    def _first_commit(self, files: WantedFiles, message: str) -> str:
        """Gives an empty repository, or one whose first branch has another name, its main."""
        repository = self._api.get(self._path)
        other = repository["default_branch"]
        if other != BRANCH and self.head(other) is not None:
            self._api.post(f"{self._path}/branches/{quote(other, safe='')}/rename", {"new_name": BRANCH})
            head = self.head(BRANCH)
            if head is not None:
                return head
        # Git's own objects cannot be written while there is no commit, a file can.
        everything = {**files.seeded, **files.owned}
        path = README if README in everything else min(everything)
        body = {
            "message": message,
            "content": base64.b64encode(everything[path].encode()).decode(),
            "branch": BRANCH,
        }
        return self._api.put(f"{self._path}/contents/{quote(path)}", body)["commit"]["sha"]

    def commit(self, head: str, entries: list[Entry], message: str) -> str:
        """Makes a commit on top of another; no branch moves yet."""
        base = head
        for start in range(0, len(entries), ENTRIES_PER_REQUEST):
            part = entries[start : start + ENTRIES_PER_REQUEST]
            base = self._api.post(f"{self._path}/git/trees", {"base_tree": base, "tree": part})["sha"]
        commit = self._api.post(f"{self._path}/git/commits", {"message": message, "tree": base, "parents": [head]})
        return commit["sha"]

    def _wants_pull_request(self) -> bool:
        rules: list[dict[str, Any]] = self._api.find(f"{self._path}/rules/branches/{BRANCH}") or []
        return any(rule.get("type") == "pull_request" for rule in rules)

    def _pull_request(self, head: str, entries: list[Entry], message: str) -> str:
        """Opens the pull request with the changes, or brings the open one up to date."""
        subject = message.splitlines()[0]
        commit = self.commit(head, entries, subject)
        found = self.own_pulls(FILES_BRANCH, f"state=open&base={BRANCH}")
        current = self.head(FILES_BRANCH)
        if current is None or not found or not self._same(current, commit):
            self.put_branch(FILES_BRANCH, commit, current)
        if found:
            return found[0]["html_url"]
        body = {
            "title": subject,
            "head": FILES_BRANCH,
            "base": BRANCH,
            "body": _DESCRIPTION.format(paths="\n".join(f"- `{entry['path']}`" for entry in entries[:50])),
        }
        return self._api.post(f"{self._path}/pulls", body)["html_url"]

    def own_pulls(self, branch: str, query: str) -> list[dict[str, Any]]:
        """The pull requests of a branch of this repository; a fork may name one of its branches the same.

        Args:
            branch: its name.
            query: which of them, such as `state=open`.
        """
        found: list[dict[str, Any]] = self._api.get(f"{self._path}/pulls?{query}&head={self._owner}:{branch}")
        return [pull for pull in found if pulls.is_own(pull["head"], self._full_name)]

    def put_branch(self, branch: str, commit: str, current: str | None) -> None:
        """Makes a branch, or moves it to another commit, whatever it had.

        Args:
            branch: its name.
            commit: where it is to be.
            current: where it is, as `head` says.
        """
        if current is None:
            self._api.post(f"{self._path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": commit})
        else:
            self._api.patch(f"{self._path}/git/refs/heads/{branch}", {"sha": commit, "force": True})

    def _same(self, one: str, other: str) -> bool:
        """Whether two commits put the same files on top of the same commit."""
        first, second = (self._api.get(f"{self._path}/git/commits/{commit}") for commit in (one, other))
        return first["tree"]["sha"] == second["tree"]["sha"] and first["parents"] == second["parents"]


_DESCRIPTION = """\
The platform's settings changed, and with them files that they own. Merge this and run `pulumi up` again.

{paths}
"""


def _blobs(entries: list[dict[str, Any]]) -> dict[str, Blob]:
    return {entry["path"]: Blob(entry["sha"], entry["mode"]) for entry in entries if entry["type"] == "blob"}
