"""Bare git repositories: where they lie, and the plumbing that every other module uses."""

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.github.core import clock

ZERO = "0" * 40
"""What git writes for "no commit"."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
"""Where git keeps the objects of a push until its hooks agree; a check of that push must look there."""

_OBJECT = re.compile(r"(?P<id>[0-9a-f]{40}) (?P<kind>\w+) \d+")
"""How `cat-file --batch-check` names an object that is there."""


class GitError(Exception):
    """Git refused; the text is its own."""


@dataclass(frozen=True)
class Signature:
    """Author or committer of a commit."""

    name: str
    email: str
    date: str | None = None


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for git that no setting of the user or machine reaches."""
    base = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }
    return base | dict(extra or {})


@dataclass(frozen=True)
class GitRepository:
    """One bare repository."""

    directory: Path
    lock: threading.RLock = field(default_factory=threading.RLock, compare=False)
    """Held while refs are checked and moved."""
    quarantine: Mapping[str, str] = field(default_factory=dict[str, str], compare=False)
    """Values of `QUARANTINE` while a push is being checked."""

    def within(self, quarantine: Mapping[str, str]) -> "GitRepository":
        """The same repository as the hooks of a push see it."""
        return GitRepository(self.directory, self.lock, quarantine)

    def run(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Runs git and returns what it printed.

        Raises:
            GitError: git answered with an error.
        """
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            env=environment({**self.quarantine, **(env or {})}),
            check=False,
        )
        if done.returncode:
            raise GitError(done.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def text(self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """What git printed, as text without the last newline."""
        return self.run(*arguments, stdin=stdin, env=env).decode(errors="replace").rstrip("\n")

    def attempt(self, *arguments: str) -> str | None:
        """What git printed, or None if it refused."""
        try:
            return self.text(*arguments)
        except GitError:
            return None

    def resolve(self, expression: str, kind: str = "commit") -> str | None:
        """Id of the object that an expression names, peeled to the kind; None if there is none."""
        return self._first([expression], kind)

    def _first(self, expressions: Sequence[str], kind: str) -> str | None:
        """What the first expression names that names something. All of them are asked for in one process."""
        # Everything behind a colon is a path, so a peeling suffix would be a part of it.
        asked = [
            text if ":" in text else f"{text}^{{{kind}}}"
            for text in expressions
            if text and not text.startswith("-") and not any(character.isspace() for character in text)
        ]
        if not asked:
            return None
        printed = self.text("cat-file", "--batch-check", stdin="".join(f"{text}\n" for text in asked).encode())
        for line in printed.splitlines():
            found = _OBJECT.fullmatch(line)
            if found is not None:
                same = found["kind"] == kind
                return found["id"] if same else self.attempt("rev-parse", "-q", "--verify", f"{found['id']}^{{{kind}}}")
        return None

    def find_commit(self, name: str) -> str | None:
        """The commit that a branch, a tag, a full or short ref, or an id names, as GitHub's `ref` parameters do."""
        candidates = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}"]
        is_id = 4 <= len(name) <= 40 and all(character in "0123456789abcdef" for character in name.lower())
        return self._first([*candidates, *([name] if is_id or name == "HEAD" else [])], "commit")

    def read(self, commit: str, path: str) -> bytes | None:
        """Content of a file at a commit, or None."""
        try:
            return self.run("cat-file", "blob", f"{commit}:{path}") if path else None
        except GitError:
            return None

    def files(self, commit: str, prefix: str = "") -> list[str]:
        """Paths of all files at a commit, below a folder if one is given."""
        arguments = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit]
        if prefix.strip("/"):
            arguments += ["--", prefix.strip("/") + "/"]
        try:
            printed = self.run(*arguments)
        except GitError:
            return []
        return [path.decode(errors="replace") for path in printed.split(b"\0") if path]

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Every ref below the prefix with the id it holds (of the tag object, for annotated tags)."""
        printed = self.text("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        return dict(line.split(" ", 1) for line in printed.splitlines())  # pyright: ignore[reportReturnType]

    def ref(self, name: str) -> str | None:
        """The id that a full ref name holds, or None."""
        return self.resolve(name, "object") if name.startswith("refs/") else None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """True if one commit is contained in the other."""
        return self.attempt("merge-base", "--is-ancestor", ancestor, descendant) is not None

    def update_ref(self, name: str, new: str, old: str) -> None:
        """Moves, creates (old is ZERO) or deletes (new is ZERO) a ref, only if it still holds `old`."""
        if new == ZERO:
            self.run("update-ref", "-d", name, old)
        else:
            self.run("update-ref", "--no-deref", name, new, old)

    def write_blob(self, content: bytes) -> str:
        """Stores a file's content and returns its id."""
        return self.text("hash-object", "-w", "--stdin", stdin=content)

    def write_tree(self, base: str | None, changes: Sequence[tuple[str, str, str | None]]) -> str:
        """A tree like `base` with changes of (path, mode, id); an id of None removes the path."""
        with tempfile.TemporaryDirectory(prefix="index-") as folder:
            env = {"GIT_INDEX_FILE": f"{folder}/index"}
            self.run("read-tree", base or "--empty", env=env)
            trees = [(path, sha) for path, mode, sha in changes if mode == "040000" and sha]
            lines: list[str] = []
            for path, mode, sha in changes:
                if sha is None:
                    lines += [f"0 {ZERO}\t{found}" for found in self._indexed(path, env)]
                elif mode != "040000":
                    lines.append(f"{mode} {sha}\t{path}")
            if lines:
                self.run("update-index", "-z", "--index-info", stdin=("\0".join(lines) + "\0").encode(), env=env)
            for path, sha in trees:
                for found in self._indexed(path, env):
                    self.run("update-index", "--force-remove", "--", found, env=env)
                self.run("read-tree", f"--prefix={path}/", sha, env=env)
            return self.text("write-tree", env=env)

    def _indexed(self, path: str, env: Mapping[str, str]) -> list[str]:
        printed = self.text("ls-files", "-z", "--", path, env=env)
        return [found for found in printed.split("\0") if found == path or found.startswith(path + "/")]

    def write_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Signature, committer: Signature | None = None
    ) -> str:
        """Stores a commit and returns its id; no ref moves."""
        committer = committer or author
        env = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_AUTHOR_DATE": author.date or clock.now(),
            "GIT_COMMITTER_DATE": committer.date or clock.now(),
        }
        named = [argument for parent in parents for argument in ("-p", parent)]
        return self.text("commit-tree", tree, *named, "-F", "-", stdin=message.encode(), env=env)


class GitStore:
    """All bare repositories, found by the full name of the repository."""

    def __init__(self, directory: Path, identify: Callable[[str], int | None]) -> None:
        self._root = directory
        self._identify = identify
        self._opened: dict[int, GitRepository] = {}
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)

    def by_id(self, repository_id: int) -> GitRepository:
        """The bare repository of a repository's numeric id."""
        with self._lock:
            if repository_id not in self._opened:
                self._opened[repository_id] = GitRepository(self._root / f"{repository_id}.git")
            return self._opened[repository_id]

    def open(self, repository: str) -> GitRepository:
        """The bare repository of a full name.

        Raises:
            GitError: there is no such repository.
        """
        found = self._identify(repository)
        if found is None:
            raise GitError(f"repository {repository} not found")
        return self.by_id(found)

    def create(self, repository_id: int, default_branch: str) -> GitRepository:
        """Makes an empty bare repository."""
        made = self.by_id(repository_id)
        made.directory.mkdir(parents=True, exist_ok=True)
        made.run("init", "--quiet", "--bare", f"--initial-branch={default_branch}", ".")
        made.run("config", "http.receivepack", "true")
        made.run("config", "uploadpack.allowAnySHA1InWant", "true")
        # Housekeeping in the background could outlive the server, and would race with its reads.
        made.run("config", "gc.auto", "0")
        made.run("config", "receive.autogc", "false")
        return made

    def remove(self, repository_id: int) -> None:
        """Deletes a bare repository from disk."""
        shutil.rmtree(self.by_id(repository_id).directory, ignore_errors=True)
        with self._lock:
            self._opened.pop(repository_id, None)

    def directory(self, repository: str) -> Path:
        """Folder of the bare repository of a full name."""
        return self.open(repository).directory

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        """Content of a file at a commit, or None."""
        return self.open(repository).read(sha, path)

    def list(self, repository: str, sha: str, prefix: str = "") -> list[str]:
        """Paths of all files at a commit, below a folder if one is given."""
        return self.open(repository).files(sha, prefix)
