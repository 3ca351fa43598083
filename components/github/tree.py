"""The files of a Git tree, and what has to change in them; knows no network."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

REGULAR = "100644"
PROGRAM = "100755"

Entry = dict[str, Any]


@dataclass(frozen=True)
class Blob:
    """A file in a tree."""

    sha: str
    mode: str = REGULAR


@dataclass(frozen=True)
class WantedFiles:
    """The files that are declared."""

    owned: Mapping[str, str]
    seeded: Mapping[str, str]
    executable: Collection[str] = ()
    dropped: Collection[str] = field(default_factory=tuple)
    """Paths that were owned before and are declared no longer."""
    handled: Collection[str] = field(default_factory=tuple)
    """Seeded paths that were written once; whether they are still there is the team's affair."""

    def mode(self, path: str) -> str:
        """The mode a path is written with."""
        return PROGRAM if path in self.executable else REGULAR

    def changes(self, tree: Mapping[str, Blob]) -> list[Entry]:
        """The entries that bring a tree to what is declared, for GitHub's `POST …/git/trees`."""
        written = {
            **{path: text for path, text in self.seeded.items() if path not in tree and path not in self.handled},
            **{path: text for path, text in self.owned.items() if tree.get(path) != self.blob(path)},
        }
        gone = sorted(
            path for path in self.dropped if path in tree and path not in self.owned and path not in self.seeded
        )
        return [
            *(written_entry(path, text, self.mode(path)) for path, text in sorted(written.items())),
            *map(removed_entry, gone),
        ]

    def blob(self, path: str) -> Blob:
        """An owned path as it should be."""
        return Blob(blob_sha(self.owned[path]), self.mode(path))


def written_entry(path: str, text: str, mode: str) -> Entry:
    """The entry that writes a file."""
    return {"path": path, "mode": mode, "type": "blob", "content": text}


def removed_entry(path: str) -> Entry:
    """The entry that takes a file away."""
    return {"path": path, "mode": REGULAR, "type": "blob", "sha": None}


def blob_sha(text: str) -> str:
    """The name Git gives to a file's content."""
    content = text.encode()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def recorded(tree: Mapping[str, Blob], paths: Collection[str]) -> dict[str, str]:
    """What is remembered of paths in a tree: mode and content; absent ones are left out."""
    return {path: f"{blob.mode} {blob.sha}" for path in sorted(paths) if (blob := tree.get(path)) is not None}


def wanted_record(files: WantedFiles) -> dict[str, str]:
    """The same for a tree that is as declared."""
    return {path: f"{files.mode(path)} {blob_sha(text)}" for path, text in sorted(files.owned.items())}
