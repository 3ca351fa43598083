"""A clone of the environment repository: the release files on its branches, and its record of verified releases."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway_release import layout, release_file
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.platform_types import MAIN, Environment, Service
from slipway_release.record import PREFIX
from slipway_release.release_file import ReleaseFile


@dataclass(frozen=True)
class Recorded:
    """A tag of the record."""

    at: str
    """When it was reported; when the tag was made, where it does not say."""
    by: str
    """The account that reported it."""


def release_files(folder: Path, places: Sequence[tuple[Service, Environment]]) -> dict[tuple[str, str], ReleaseFile]:
    """The release files on the branches that environments follow; a missing or broken one is an empty one."""
    names = [(service.name, place.name) for service, place in places]
    asked = [f"{_branch(place)}:{layout.release_path(place.name, service.name)}" for service, place in places]
    contents = _blobs(folder, asked)
    found: dict[tuple[str, str], ReleaseFile] = {}
    for name, text in zip(names, contents, strict=True):
        try:
            found[name] = release_file.parse(text, "release.yaml")
        except RefusedError:
            found[name] = ReleaseFile()
    return found


def _branch(environment: Environment) -> str:
    return "HEAD" if environment.target_branch == MAIN else f"refs/remotes/origin/{environment.target_branch}"


def _blobs(folder: Path, names: Sequence[str]) -> list[str]:
    """Files by `<commit>:<path>`, in order; what is not there is empty."""
    given = "".join(f"{name}\n" for name in names).encode()
    output = _git(folder, "cat-file", "--batch", given=given)
    texts: list[str] = []
    place = 0
    for _ in names:
        end = output.index(b"\n", place)
        head = output[place:end].split()
        place = end + 1
        if len(head) == 3 and head[1] == b"blob":
            size = int(head[2])
            texts.append(output[place : place + size].decode("utf-8", "replace"))
            place += size + 1
        else:
            texts.append("")
    return texts


# As `record.write` has it: an account, and when it reported.
_REPORTED = re.compile(r"^Reported: (?P<by>\S+)(?: at (?P<at>\d{4}-\d\d-\d\dT[\d:]{8}Z))?", re.MULTILINE)


def recorded(folder: Path) -> dict[tuple[str, str], dict[str, Recorded]]:
    """The record by environment and service, then by version."""
    shape = "%(refname:strip=2)%00%(creatordate:iso-strict)%00%(contents)%00%01"
    output = _git(folder, "for-each-ref", f"--format={shape}", f"refs/tags/{PREFIX}").decode("utf-8", "replace")
    found: dict[tuple[str, str], dict[str, Recorded]] = {}
    for part in output.split("\x00\x01"):
        name, _, rest = part.strip("\n").partition("\x00")
        at, _, message = rest.partition("\x00")
        path = name.split("/")
        if len(path) == 4:
            words = _REPORTED.search(message)
            by, when = (words["by"], words["at"] or at) if words else ("", at)
            found.setdefault((path[1], path[2]), {})[path[3]] = Recorded(when, by)
    return found


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    try:
        ran = subprocess.run(["git", "-C", str(folder), *arguments], input=given, capture_output=True, check=False)
    except OSError as error:
        raise ReleaseError(f"git: cannot be run: {error.strerror}") from None
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
        raise RefusedError(f"{folder}: not a clone of the environment repository: {said[-1]}")
    return ran.stdout
