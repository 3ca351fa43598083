"""What has to be on an environment's own branch is brought from main in one commit; releases move with the settings.

An Application follows the branch from its first moment. The chart of a new service reaches the branch with the
service's first release, and until then Argo CD would fail with "app path does not exist".
"""

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.errors import ConflictError, GitHubError
from components.github.file_delivery import ATTEMPTS, BRANCH, FileDelivery
from components.github.tree import Blob, Entry, removed_entry

TRAILER = "[skip ci]"
WORKFLOWS = ".github/"
"""GitHub takes the workflows of a report on a deployment from the commit that is deployed."""
_NONE: Mapping[str, str] = MappingProxyType({})


class BranchContents:
    """The branches of one environment repository."""

    def __init__(self, api: GitHubApi, owner: str, repository: str) -> None:
        self._api: GitHubApi = api
        self._path: str = f"/repos/{owner}/{quote(repository, safe='')}"
        self._files: FileDelivery = FileDelivery(api, owner, repository)

    def exists(self, branch: str) -> bool:
        """Whether there is such a branch."""
        return self._files.head(branch) is not None

    def complete(self, branch: str, folders: Collection[str], workflows: Mapping[str, str] = _NONE) -> list[str]:
        """Makes sure that a branch is there, has folders, and main's workflows.

        Args:
            branch: the branch; a missing one starts where main is.
            folders: what its Applications read; what it has of them already stays as it is.
            workflows: what main is to have of workflows, as digests by path.

        Returns:
            The folders that main does not have yet either, or not as they are to be.

        Raises:
            GitHubError: GitHub refuses it, and says why.
        """
        main = self._required(BRANCH)
        if branch == BRANCH or self._files.head(branch) is None:
            if branch != BRANCH:
                self._api.post(f"{self._path}/git/refs", {"ref": f"refs/heads/{branch}", "sha": main})
            tree = self._files.tree(main)
            return absent(tree, folders) + _outdated(tree, workflows)
        source = self._files.tree(main)

        def lacking(tree: Mapping[str, Blob]) -> list[Entry]:
            missing = tuple(f"{folder}/" for folder in absent(tree, folders))
            return [
                *(_entry(path, blob) for path, blob in source.items() if path.startswith(missing)),
                *_differing(_part(tree, WORKFLOWS), _part(source, WORKFLOWS)),
            ]

        tree = self._commit(branch, lacking, "Bring main's workflows, and what new services need")
        return absent(tree, folders) + _outdated(source, workflows)

    def carry(self, environment: str, old: str, new: str) -> None:
        """Makes the releases of an environment on one branch be those of another, before its Applications follow it.

        Raises:
            GitHubError: GitHub refuses it, and says why.
        """
        head = self._files.head(old)
        if head is None:
            return
        source = releases(self._files.tree(head), environment)

        def differing(tree: Mapping[str, Blob]) -> list[Entry]:
            return _differing(releases(tree, environment), source)

        try:
            self._commit(new, differing, f"Carry the releases of {environment} from {old} to {new}")
        except GitHubError as error:
            if not error.is_rule:
                raise
            raise GitHubError(
                f"{self._path}: the releases of {environment} are on {old}, and the rules of {new} refuse to take them"
                f" ({error.message}); set `github.ownedFiles: commit` for this update"
            ) from error

    def _commit(
        self, branch: str, changes: Callable[[Mapping[str, Blob]], list[Entry]], subject: str
    ) -> dict[str, Blob]:
        """Commits what differs, as often as another writer is faster; returns the branch's files."""

        def once() -> dict[str, Blob]:
            head = self._required(branch)
            tree = self._files.tree(head)
            entries = changes(tree)
            if not entries:
                return tree
            commit = self._files.commit(head, entries, f"{subject}\n\n{TRAILER}")
            self._api.patch(f"{self._path}/git/refs/heads/{quote(branch)}", {"sha": commit, "force": False})
            return self._files.tree(commit)

        return self._api.repeat(once, ConflictError, attempts=ATTEMPTS)

    def _required(self, branch: str) -> str:
        head = self._files.head(branch)
        if head is None:
            raise GitHubError(f"{self._path}: it has no branch {branch}; run the update again", 404)
        return head


def absent(tree: Mapping[str, Blob], folders: Collection[str]) -> list[str]:
    """The folders of which a tree has no file."""
    return [folder for folder in folders if not any(path.startswith(f"{folder}/") for path in tree)]


def releases(tree: Mapping[str, Blob], environment: str) -> dict[str, Blob]:
    """The release files of an environment."""
    pattern = re.compile(rf"environments/{re.escape(environment)}/[^/]+/release\.yaml")
    return {path: blob for path, blob in tree.items() if pattern.fullmatch(path)}


def _differing(there: Mapping[str, Blob], wanted: Mapping[str, Blob]) -> list[Entry]:
    gone = map(removed_entry, there.keys() - wanted.keys())
    return [*gone, *(_entry(path, blob) for path, blob in wanted.items() if there.get(path) != blob)]


def _part(tree: Mapping[str, Blob], folder: str) -> dict[str, Blob]:
    return {path: blob for path, blob in tree.items() if path.startswith(folder)}


def _outdated(tree: Mapping[str, Blob], workflows: Mapping[str, str]) -> list[str]:
    """The folder of workflows, if they are not as they are to be: a pull request with them waits."""
    is_there = all(path in tree and tree[path].sha == sha for path, sha in workflows.items())
    return [] if is_there else [WORKFLOWS]


def _entry(path: str, blob: Blob) -> Entry:
    return {"path": path, "mode": blob.mode, "type": "blob", "sha": blob.sha}
