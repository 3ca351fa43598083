"""What lies in a bare repository, as pygit2 reads it: objects by their names, and the entries of trees."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pygit2
from pygit2.enums import ConfigLevel

GitObject = pygit2.Commit | pygit2.Tree | pygit2.Blob | pygit2.Tag

# No setting of the user or the machine reaches the repositories.
for _level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
    pygit2.settings.search_path[_level] = ""
pygit2.settings.owner_validation = False


@dataclass(frozen=True)
class Entry:
    """What a tree holds: a blob with its size in bytes, another tree, or the commit of a submodule."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int | None


def peeled(repository: pygit2.Repository, expression: str, kind: str) -> GitObject | None:
    """The object that an expression names, peeled to a kind or, with `object`, as it is; None if there is none."""
    try:
        found = repository.revparse_single(expression)
        match kind:
            case "commit":
                return found.peel(pygit2.Commit)
            case "tree":
                return found.peel(pygit2.Tree)
            case "blob":
                return found.peel(pygit2.Blob)
            case "tag":
                return found.peel(pygit2.Tag)
            case _:
                return cast("GitObject", found)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def entries(tree: pygit2.Tree, folder: str, *, recursive: bool) -> Iterator[Entry]:
    """What lies in a folder, with the folder before each path; with `recursive` in the folders below it too."""
    for one in tree:
        path = folder + (one.raw_name or b"").decode(errors="replace")
        size = one.size if isinstance(one, pygit2.Blob) else None
        yield Entry(path, f"{one.filemode:06o}", one.type_str, str(one.id), size)
        if recursive and isinstance(one, pygit2.Tree):
            yield from entries(one, path + "/", recursive=True)


def message_of(commit: pygit2.Commit) -> str:
    """The message of a commit, without the newlines at its end."""
    return commit.raw_message.decode(errors="replace").rstrip("\n")


def literal(path: str) -> str:
    """A pattern of git that a path alone fits, and what is below it."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)
