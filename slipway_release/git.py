"""What Git itself tells of a repository: none of it costs a request of those that GitHub's API gives in an hour.

References come from the server by Git's own protocol; commits are fetched when they are first asked about, with the
newest part of their history. What is known is forgotten with each write, and before each decision that writes. What a
copy cannot tell (Git is not there, the server refuses the fetch, it is too long ago) is None, and the caller asks the
API.
"""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from slipway_release import references, workflow
from slipway_release.references import HASH, Reference
from slipway_release.transport import Transport

_PROGRAM = "git"
_DEPTH = 500
"""How many commits of a history are fetched; on a platform of 300 services they are about a megabyte."""
_FETCH_SECONDS = 300
_NO_DATE = "1970-01-01T00:00:00Z"
"""What Git itself says of a date that it cannot read."""
_FIELDS = "%H%x00%cI%x00%B%x00"


@dataclass(frozen=True)
class Commit:
    """A commit of a history."""

    sha: str
    date: str
    """When it was made (ISO 8601)."""
    message: str


@dataclass
class Git:
    """One credential's way to the repositories of a server."""

    server_url: str
    token: str = field(repr=False)
    transport: Transport = field(default_factory=Transport)
    with_files: bool = True
    """Whether files are asked for; without them a copy has commits alone."""
    _copies: dict[str, Copy] = field(default_factory=dict[str, "Copy"], repr=False)
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def copy(self, repository: str) -> Copy:
        """The copy of a repository, which is made when something is asked about it."""
        if repository not in self._copies:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="slipway-git-")
            folder = Path(self._folder.name, str(len(self._copies)))
            self._copies[repository] = Copy(self, f"{self.server_url.rstrip('/')}/{repository}.git", folder)
        return self._copies[repository]

    def forget(self) -> None:
        """Ask again where branches and tags point."""
        for copy in self._copies.values():
            copy.forget()

    @property
    def authorization(self) -> str:
        return "Basic " + base64.b64encode(f"x-access-token:{self.token}".encode()).decode()


@dataclass
class Copy:
    """A repository as far as it was asked about."""

    git: Git
    url: str
    folder: Path
    _references: dict[tuple[str, ...], dict[str, Reference]] = field(
        default_factory=dict[tuple[str, ...], dict[str, Reference]]
    )
    _missing: set[str] = field(default_factory=set[str])
    """Commits that could not be fetched."""
    _known: set[str] = field(default_factory=set[str])
    """Commits that are here."""
    _objects: dict[tuple[str, ...], bytes] = field(default_factory=dict[tuple[str, ...], bytes])
    """What commands have printed of commits and files by their hashes, which stays as it is."""

    def forget(self) -> None:
        self._references.clear()

    def references(self, *prefixes: str) -> dict[str, Reference] | None:
        """The references whose full names begin so; None where the server does not say. `HEAD` is the default branch.

        Raises:
            UnavailableError: the server did not answer.
        """
        if prefixes not in self._references:
            found = references.ask(self.git.transport, self.url, self.git.authorization, prefixes)
            if found is None:
                return None
            self._references[prefixes] = found
        return self._references[prefixes]

    def reference(self, name: str) -> tuple[Reference | None] | None:
        """A reference by its full name, in a tuple so that one that is not there is something else than not known."""
        found = self.references(name)
        return None if found is None else (found.get(name),)

    def default_branch(self) -> str | None:
        """The name of the branch that HEAD stands for, or None."""
        found = (self.references("HEAD") or {}).get("HEAD")
        return found and found.target and found.target.removeprefix("refs/heads/")

    def entry(self, commit: str, path: str) -> tuple[str, str, str] | None:
        """Mode, type and object of a path at a commit, empty texts where there is none; None where it is not known."""
        if not self._has(commit):
            return None
        listed = self._of_object("ls-tree", "-z", commit, "--", path)
        if listed is None:
            return None
        for line in listed.decode("utf-8", "replace").split("\0"):
            head, _, name = line.partition("\t")
            if name == path:
                mode, kind, sha = head.split(" ")
                return mode, kind, sha
        return "", "", ""

    def paths(self, commit: str, folder: str) -> list[str]:
        """The files below a folder at a commit; none where they are not known."""
        listed = self._run("ls-tree", "-r", "-z", "--name-only", commit, "--", folder) if self._has(commit) else None
        return [path for path in (listed or "").split("\0") if path]

    def blob(self, sha: str) -> bytes | None:
        """The content of a file."""
        return self._of_object("cat-file", "blob", sha)

    def is_ancestor(self, commit: str, of: str) -> bool | None:
        """Whether a commit is in the history of another one; None where the copy does not reach back so far."""
        if not self._has(of) or not self._knows(commit):
            return None
        done = self._call("merge-base", "--is-ancestor", commit, of)
        if done is not None and done.returncode == 0:
            return True
        return False if done is not None and done.returncode == 1 and not self._cuts() else None

    def changed(self, base: str, commit: str) -> list[str] | None:
        """The paths that differ between a commit and one of its ancestors."""
        if not self.is_ancestor(base, commit):
            return None
        listed = self._run("diff-tree", "-r", "-z", "--no-renames", "--name-only", base, commit)
        return None if listed is None else [path for path in listed.split("\0") if path]

    def log(self, commit: str, path: str, limit: int) -> Iterator[Commit | None]:
        """The commits that changed a file, newest first; None as the last one where the copy does not reach further."""
        listed = None
        if self._has(commit):
            listed = self._run("log", "-z", f"--max-count={limit}", f"--format={_FIELDS}", commit, "--", path)
        if listed is None:
            yield None
            return
        cut = self._cuts()
        parts = listed.split("\0")
        # Each commit is three fields and what stands between two commits.
        for at in range(0, len(parts) - 3, 4):
            sha, date, message = parts[at : at + 3]
            if sha in cut:
                # Git takes the oldest commit that it has for one that has made all files.
                yield None
                return
            yield _commit(sha, date, message)
        if cut and len(parts) // 4 < limit:
            yield None

    def changes(self, commit: str) -> list[tuple[str, list[str]]]:
        """The commits before one, newest first, each with the paths that it changed; as far as the copy reaches."""
        listed = (
            self._run("log", "--no-renames", "--name-only", "--format=%x00%H", commit) if self._has(commit) else None
        )
        cut = self._cuts()
        found: list[tuple[str, list[str]]] = []
        for part in (listed or "").split("\0")[1:]:
            sha, *paths = part.splitlines()
            if sha in cut:
                # It would be taken for one that has made all files.
                break
            # Git puts quotes around names with characters that a terminal does not show.
            found.append((sha, [path.removeprefix('"') for path in paths if path]))
        return found

    def commit(self, sha: str) -> Commit | None:
        """A commit by its hash."""
        if not self._has(sha):
            return None
        shown = self._run("log", "-z", "--max-count=1", f"--format={_FIELDS}", sha)
        return None if shown is None else _commit(*shown.split("\0")[:3])

    def _has(self, commit: str) -> bool:
        """Whether a commit is in the copy, fetched if it has to be."""
        if HASH.fullmatch(commit) is None or commit in self._missing:
            return False
        if self._knows(commit):
            return True
        found = self._fetched(commit)
        (self._known if found else self._missing).add(commit)
        return found

    def _knows(self, commit: str) -> bool:
        if commit in self._known:
            return True
        if HASH.fullmatch(commit) is None or not self.folder.is_dir():
            return False
        done = self._call("cat-file", "-e", f"{commit}^{{commit}}")
        if done is not None and done.returncode == 0:
            self._known.add(commit)
        return commit in self._known

    def _fetched(self, commit: str) -> bool:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            if self._run("init", "--quiet", "--bare", ".") is None:
                return False
        lighter = [] if self.git.with_files else ["--filter=tree:0"]
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", f"--depth={_DEPTH}", *lighter]
        # By a reference of its own, so that the next fetch tells the server what is here.
        return self._run("fetch", *options, self.url, f"{commit}:refs/copy/{commit}") is not None

    def _cuts(self) -> set[str]:
        """The commits whose parents were not fetched."""
        file = self.folder / "shallow"
        return set(file.read_text(encoding="ascii").split()) if file.is_file() else set()

    def _of_object(self, *arguments: str) -> bytes | None:
        """What a command prints of an object that is named by its hash: it is run once."""
        if arguments not in self._objects:
            printed = self._printed(*arguments)
            if printed is None:
                return None
            self._objects[arguments] = printed
        return self._objects[arguments]

    def _run(self, *arguments: str) -> str | None:
        """What a command of git prints, as text; None where it fails."""
        printed = self._printed(*arguments)
        return None if printed is None else printed.decode("utf-8", "replace")

    def _printed(self, *arguments: str) -> bytes | None:
        done = self._call(*arguments)
        if done is None or done.returncode != 0:
            if done is not None:
                said = done.stderr.decode("utf-8", "replace").strip().splitlines()
                workflow.say(f"git {arguments[0]}: {said[-1] if said else done.returncode}; GitHub's API is asked")
            return None
        return done.stdout

    def _call(self, *arguments: str) -> subprocess.CompletedProcess[bytes] | None:
        settings = {
            "http.extraHeader": f"Authorization: {self.git.authorization}",
            "http.followRedirects": "false",
            "credential.helper": "",
            "gc.auto": "0",
            "maintenance.auto": "false",
        }
        variables = {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
        }
        for number, (key, value) in enumerate(settings.items()):
            # Not as arguments: other processes of the machine can read those.
            variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        # Where this process itself runs in a hook of git, git's variables are about another repository.
        around = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        try:
            return subprocess.run(
                [_PROGRAM, "--git-dir=.", *arguments],
                cwd=self.folder,
                env=around | variables,
                capture_output=True,
                timeout=_FETCH_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            workflow.say(f"git {arguments[0]}: {type(error).__name__}; GitHub's API is asked")
            return None


def _commit(sha: str, date: str, message: str) -> Commit:
    # GitHub's API writes times in UTC, and they are compared as text.
    try:
        when = workflow.timestamp(workflow.moment(date))
    except (ValueError, OverflowError):
        # Its author has written what is no time, such as a year of five digits.
        when = _NO_DATE
    return Commit(sha, when, message.rstrip("\n"))
