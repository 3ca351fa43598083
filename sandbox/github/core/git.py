"""One bare git repository, and the plumbing that every other module uses."""

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag

from sandbox.github.core import clock, git_objects

ZERO = "0" * 40
"""What git writes for "no commit"."""

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

QUARANTINE = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
"""Where git keeps the objects of a push until its hooks agree; a check of that push must look there."""


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
        # GitHub keeps `refs/replace/…` and reads nothing by them.
        "GIT_NO_REPLACE_OBJECTS": "1",
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

    def fetch(self, other: "GitRepository", *wanted: str) -> None:
        """Takes commits or refs (`from:to`) over from another repository of this server."""
        self.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(other.directory.absolute()), *wanted)

    def attempt(self, *arguments: str) -> str | None:
        """What git printed, or None if it refused."""
        try:
            return self.text(*arguments)
        except GitError:
            return None

    def resolve(self, expression: str, kind: str = "commit") -> str | None:
        """Id of the object that an expression names, peeled to the kind; None if there is none.

        A kind is `commit`, `tree`, `blob`, `tag`, or `object` for whatever it is.
        """
        return self._first([expression], kind)

    def _first(self, expressions: Sequence[str], kind: str) -> str | None:
        repository = self.open()
        for text in expressions:
            if text and not text.startswith("-") and not any(character.isspace() for character in text):
                found = git_objects.peeled(repository, text, kind)
                if found is not None:
                    return str(found.id)
        return None

    def find_commit(self, name: str) -> str | None:
        """The commit that a branch, a tag, a full or short ref, or an id names, as GitHub's `ref` parameters do."""
        candidates = [name] if name.startswith("refs/") else [f"refs/heads/{name}", f"refs/tags/{name}", f"refs/{name}"]
        is_id = 4 <= len(name) <= 40 and all(character in "0123456789abcdef" for character in name.lower())
        return self._first([*candidates, *([name] if is_id or name == "HEAD" else [])], "commit")

    def commit(self, revision: str) -> pygit2.Commit:
        """The commit that an expression names.

        Raises:
            GitError: there is none.
        """
        found = git_objects.peeled(self.open(), revision, "commit")
        if not isinstance(found, pygit2.Commit):
            raise GitError(f"{revision} is not a commit")
        return found

    def message(self, revision: str) -> str:
        """The message of a commit, without the newlines at its end.

        Raises:
            GitError: there is no such commit.
        """
        return git_objects.message_of(self.commit(revision))

    def kind(self, sha: str) -> str:
        """What an object is: `commit`, `tree`, `blob` or `tag`.

        Raises:
            GitError: there is no such object.
        """
        return self._object(sha).type_str

    def blob(self, sha: str) -> bytes:
        """The content of a blob.

        Raises:
            GitError: there is no such blob.
        """
        found = self._object(sha)
        if not isinstance(found, pygit2.Blob):
            raise GitError(f"{sha} is not a blob")
        return found.data

    def entries(self, tree: str, *, recursive: bool = False) -> list[git_objects.Entry]:
        """What lies in a folder; with `recursive` in the folders below it too, each behind its folder.

        Raises:
            GitError: there is no such tree.
        """
        found = self._object(tree)
        if not isinstance(found, pygit2.Tree):
            raise GitError(f"{tree} is not a tree")
        return list(git_objects.entries(found, "", recursive=recursive))

    def _object(self, sha: str) -> git_objects.GitObject:
        found = git_objects.peeled(self.open(), sha, "object")
        if found is None:
            raise GitError(f"{sha} is not an object")
        return found

    def read(self, commit: str, path: str) -> bytes | None:
        """Content of a file at a commit, or None."""
        found = git_objects.peeled(self.open(), f"{commit}:{path}", "object") if path else None
        return found.data if isinstance(found, pygit2.Blob) else None

    def files(self, commit: str, folder: str) -> list[str]:
        """Paths of all files at a commit below a folder, which ends with a slash."""
        tree = git_objects.peeled(self.open(), f"{commit}:{folder.rstrip('/')}", "tree")
        if not isinstance(tree, pygit2.Tree):
            return []
        listed = git_objects.entries(tree, folder, recursive=True)
        return [entry.path for entry in listed if entry.kind != "tree"]

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Every ref below the prefix with the id it holds (of the tag object, for annotated tags)."""
        folder = prefix.rstrip("/")
        found = {
            reference.name: str(reference.resolve().target)
            for reference in self.open().references.iterator()
            if reference.name == folder or reference.name.startswith(folder + "/")
        }
        return dict(sorted(found.items()))

    def ref(self, name: str) -> str | None:
        """The id that a full ref name holds, or None."""
        return self.resolve(name, "object") if name.startswith("refs/") else None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """True if one commit is contained in the other."""
        repository = self.open()
        old, new = (git_objects.peeled(repository, name, "commit") for name in (ancestor, descendant))
        return old is not None and new is not None and (old.id == new.id or repository.descendant_of(new.id, old.id))

    def merge_base(self, one: str, other: str) -> str | None:
        """The newest commit that is contained in both commits, or None."""
        repository = self.open()
        found = repository.merge_base(self.commit(one).id, self.commit(other).id)
        return str(found) if found else None

    def open(self) -> pygit2.Repository:
        """The repository for a look inside. Open it again each time: its objects are not for several threads."""
        repository = pygit2.Repository(str(self.directory), RepositoryOpenFlag.BARE | RepositoryOpenFlag.NO_SEARCH)
        for name in QUARANTINE[:2]:
            for folder in filter(None, self.quarantine.get(name, "").split(os.pathsep)):
                repository.odb.add_disk_alternate(str(self.directory / folder))
        return repository

    def update_ref(self, name: str, new: str, old: str) -> None:
        """Moves, creates (old is ZERO) or deletes (new is ZERO) a ref, only if it still holds `old`."""
        if new == ZERO:
            self.run("update-ref", "-d", name, old)
        else:
            self.run("update-ref", "--no-deref", name, new, old)

    def write_blob(self, content: bytes) -> str:
        """Stores a file's content and returns its id."""
        return str(self.open().create_blob(content))

    def write_tree(self, base: str | None, changes: Sequence[tuple[str, str, str | None]]) -> str:
        """A tree like `base` with changes of (path, mode, id); an id of None removes the path."""
        repository, index = self.open(), pygit2.Index()
        try:
            if base and base != EMPTY_TREE:
                index.read_tree(repository.revparse_single(base).peel(pygit2.Tree))
            for path, mode, sha in changes:
                # What had the path before goes, whether a file or a folder.
                index.remove_all([git_objects.literal(path)])
                if sha is not None and mode != "040000":
                    index.add(pygit2.IndexEntry(path, pygit2.Oid(hex=sha), FileMode(int(mode, 8))))
                elif sha is not None:
                    for entry in self.entries(sha, recursive=True):
                        if entry.kind != "tree":
                            kind = FileMode(int(entry.mode, 8))
                            index.add(pygit2.IndexEntry(f"{path}/{entry.path}", pygit2.Oid(hex=entry.sha), kind))
            return str(index.write_tree(repository))
        except (OSError, KeyError, ValueError, pygit2.GitError) as error:
            raise GitError(str(error)) from None

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
