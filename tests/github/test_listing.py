"""References that the server tells by itself, against what git tells of the same repository."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.github.git import listing
from tests.github.conftest import Hub, Repository


def line(text: str) -> bytes:
    return f"{len(text) + 5:04x}{text}\n".encode()


def request(*arguments: str) -> bytes:
    words = b"".join(map(line, arguments))
    return line("command=ls-refs") + line("object-format=sha1") + b"0001" + words + b"0000"


def git_says(directory: Path, body: bytes) -> bytes:
    command = ["git", "-c", "safe.directory=*", "upload-pack", "--stateless-rpc", str(directory)]
    around = os.environ | {"GIT_PROTOCOL": "version=2"}
    return subprocess.run(command, input=body, env=around, capture_output=True, check=True).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("peel", "symrefs"),
        ("peel", "symrefs", "unborn", "ref-prefix HEAD"),
        ("ref-prefix refs/heads/", "ref-prefix refs/tags/v1"),
        ("peel", "ref-prefix refs/tags/"),
        ("ref-prefix refs/heads/nowhere",),
    ],
)
def test_references_are_told_as_git_tells_them(
    hub: Hub, new_repository: Callable[..., Repository], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    empty, full = new_repository(auto_init=False), new_repository()
    clone = full.clone(tmp_path / "work")
    clone.git("tag", "v1")
    clone.git("tag", "-a", "v1.1", "-m", "one")
    clone.git("branch", "release/1.0")
    assert clone.git("push", "origin", "--tags", "release/1.0").returncode == 0
    for repository in (empty, full):
        bare = hub.forge.git.by_id(hub.forge.existing_id(repository.full_name))
        assert listing.answer(bare, request(*arguments)) == git_says(bare.directory, request(*arguments))


@pytest.mark.parametrize(
    "body",
    [b"", b"zzzz", b"0001", b"0003", request("something new"), line("command=fetch") + b"0001" + b"0000"],
)
def test_what_is_not_a_question_for_references_is_left_to_git(repository: Repository, hub: Hub, body: bytes) -> None:
    assert listing.answer(hub.forge.git.by_id(hub.forge.existing_id(repository.full_name)), body) is None
