"""References told without a process of git: the command `ls-refs` of the second version of its protocol."""

from collections.abc import Iterator

import pygit2

from sandbox.github.core.git import GitRepository

_LENGTH = 4
_DELIMITER, _FLUSH = "0001", "0000"
_COMMAND = "command=ls-refs"
_PREFIX = "ref-prefix "
_HEAD = "HEAD"


def answer(repository: GitRepository, body: bytes) -> bytes | None:
    """What git would answer to a request; None where it asks for something else or is not understood."""
    lines = list(_lines(body))
    if _COMMAND not in lines or _DELIMITER not in lines or lines[-1] != _FLUSH:
        return None
    arguments = lines[lines.index(_DELIMITER) + 1 : -1]
    if any(word not in {"peel", "symrefs", "unborn"} and not word.startswith(_PREFIX) for word in arguments):
        return None
    prefixes = tuple(word.removeprefix(_PREFIX) for word in arguments if word.startswith(_PREFIX)) or ("",)
    found = _references(repository.open(), prefixes, set(arguments))
    return b"".join(map(_line, found)) + _FLUSH.encode()


def _references(repository: pygit2.Repository, prefixes: tuple[str, ...], options: set[str]) -> Iterator[str]:
    target = repository.lookup_reference(_HEAD).target
    if _HEAD.startswith(prefixes):
        if repository.head_is_unborn:
            if "unborn" in options:
                yield f"unborn {_HEAD}" + (f" symref-target:{target}" if "symrefs" in options else "")
        else:
            yield f"{repository.head.target} {_HEAD}" + (f" symref-target:{target}" if "symrefs" in options else "")
    for name in sorted(name for name in repository.references if name.startswith(prefixes)):
        reference = repository.lookup_reference(name)
        told = reference.resolve()
        words = [str(told.target), name]
        if reference.type == pygit2.enums.ReferenceType.SYMBOLIC and "symrefs" in options:
            words.append(f"symref-target:{reference.target}")
        if "peel" in options and name.startswith("refs/tags/"):
            peeled = str(told.peel().id)
            words += [f"peeled:{peeled}"] if peeled != words[0] else []
        yield " ".join(words)


def _lines(body: bytes) -> Iterator[str]:
    """The lines of a request, marks as their digits; ends early where the form is another one."""
    at = 0
    while at + _LENGTH <= len(body):
        mark = body[at : at + _LENGTH].decode("latin-1")
        if mark in {_DELIMITER, _FLUSH}:
            yield mark
            at += _LENGTH
            continue
        try:
            size = int(mark, 16)
        except ValueError:
            return
        if size <= _LENGTH:
            return
        yield body[at + _LENGTH : at + size].decode("utf-8", "replace").rstrip("\n")
        at += size


def _line(text: str) -> bytes:
    content = f"{text}\n".encode()
    return f"{len(content) + _LENGTH:04x}".encode() + content
