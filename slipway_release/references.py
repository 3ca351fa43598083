"""Where the branches and tags of a repository point, by the second version of Git's own protocol over HTTP.

`git ls-remote` would be handed all references of a repository, whatever it was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from slipway_release.transport import Transport

HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""How Git names an object, by SHA-1 or SHA-256."""
_LENGTH = 4
"""A line is preceded by its length, itself included, as hexadecimal digits; shorter ones are marks."""
_DELIMITER, _FLUSH = b"0001", b"0000"


@dataclass(frozen=True)
class Reference:
    """Where a branch or tag points."""

    commit: str
    """Through annotated tags."""
    is_annotated: bool = False
    target: str | None = None
    """The reference that it stands for, if it is a symbolic one."""


def ask(transport: Transport, url: str, authorization: str, prefixes: Sequence[str]) -> dict[str, Reference] | None:
    """The references whose full names begin in one of those ways; None where the server does not say.

    Raises:
        UnavailableError: the server did not answer.
    """
    if any("\n" in prefix for prefix in prefixes):
        return None
    wanted = [_line(f"ref-prefix {prefix}") for prefix in prefixes]
    body = [_line("command=ls-refs"), _DELIMITER, _line("peel"), _line("symrefs"), *wanted, _FLUSH]
    headers = {
        "Authorization": authorization,
        "Content-Type": "application/x-git-upload-pack-request",
        "Accept": "application/x-git-upload-pack-result",
        "Git-Protocol": "version=2",
        "User-Agent": "git/slipway",
    }
    response = transport.send("POST", f"{url}/git-upload-pack", headers, b"".join(body))
    if not response.ok:
        return None
    try:
        return dict(_read(response.body))
    except ValueError:
        # A server of the first version of the protocol, or something else than a Git.
        return None


def _line(text: str) -> bytes:
    content = f"{text}\n".encode()
    return f"{len(content) + _LENGTH:04x}".encode() + content


def _read(body: bytes) -> Iterator[tuple[str, Reference]]:
    at = 0
    while body[at : at + _LENGTH] != _FLUSH:
        size = int(body[at : at + _LENGTH], 16)
        sha, name, *more = body[at + _LENGTH : at + size].decode().rstrip("\n").split(" ")
        if size <= _LENGTH or HASH.fullmatch(sha) is None:
            raise ValueError(name)
        said = {key: value for key, _, value in (item.partition(":") for item in more)}
        yield name, Reference(said.get("peeled") or sha, "peeled" in said, said.get("symref-target"))
        at += size
