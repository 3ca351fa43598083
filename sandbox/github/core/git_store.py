"""Where the bare repositories lie."""

import shutil
import threading
from pathlib import Path

from sandbox.github.core.git import GitRepository


class GitStore:
    """All bare repositories, by the numeric ids of their repositories."""

    def __init__(self, directory: Path) -> None:
        self._root = directory
        self._opened: dict[int, GitRepository] = {}
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def by_id(self, repository_id: int) -> GitRepository:
        """The bare repository of a repository's numeric id."""
        with self._lock:
            if repository_id not in self._opened:
                self._opened[repository_id] = GitRepository(self._root / f"{repository_id}.git")
            return self._opened[repository_id]

    def create(self, repository_id: int, default_branch: str) -> GitRepository:
        """Makes an empty bare repository."""
        made = self.by_id(repository_id)
        made.directory.mkdir(parents=True, exist_ok=True)
        made.run("init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}", ".")
        config = made.open().config
        config["http.receivepack"] = True
        config["uploadpack.allowAnySHA1InWant"] = True
        config["uploadpack.allowFilter"] = True
        # Housekeeping in the background could outlive the server, and would race with its reads.
        config["gc.auto"] = 0
        config["receive.autogc"] = False
        return made

    def remove(self, repository_id: int) -> None:
        """Deletes a bare repository from disk."""
        shutil.rmtree(self.by_id(repository_id).directory, ignore_errors=True)
        with self._lock:
            self._opened.pop(repository_id, None)
