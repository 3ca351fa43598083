"""Three-way merge of a template's new version into files that a team has worked on; knows no network."""

import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

LABELS = ("yours", "template before", "template now")


@dataclass(frozen=True)
class Merged:
    """What becomes of a repository's files."""

    written: Mapping[str, str]
    """Texts by path that change."""
    deleted: tuple[str, ...]
    conflicts: tuple[str, ...]
    """Paths with marks of conflicts, for a person to decide."""
    left: tuple[str, ...] = ()
    """Paths that the template changes and that are left alone: the team has a link, a folder or no text there."""
    kept: tuple[str, ...] = ()
    """Paths that the template has no more and that stay: the team has changed them."""


def merge(
    before: Mapping[str, str], now: Mapping[str, str], paths: set[str], read: Callable[[str], str | None]
) -> Merged:
    """Brings what changed between two renderings into files of a team.

    What the team deleted stays deleted, what it changed stays changed, and what both changed in one place is marked.

    Args:
        before: the rendering that the files came from, by path.
        now: the rendering of today.
        paths: the paths that the team's repository has.
        read: the team's text of such a path; None where it is not a text.
    """
    written: dict[str, str] = {}
    deleted: list[str] = []
    conflicts: list[str] = []
    left: list[str] = []
    kept: list[str] = []
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    for path in sorted({**before, **now}):
        old, new = before.get(path), now.get(path)
        if old == new or (old is not None and path not in paths):
            continue
        ours = read(path) if path in paths else None
        # Git would put a file into the place of a folder with all that is in it, and the other way round.
        stands_elsewhere = path in folders or any(str(folder) in paths for folder in PurePosixPath(path).parents)
        if (ours is None and path in paths) or stands_elsewhere:
            left.append(path)
            continue
        if new is None:
            (deleted if ours == old else kept).append(path)
            continue
        if ours is None or ours == old:
            written[path] = new
            continue
        if any("\0" in text for text in (ours, old or "", new)):
            # Git merges no binary files.
            left.append(path)
            continue
        text, clean = _merged(ours, old or "", new)
        if text != ours:
            written[path] = text
        if not clean:
            conflicts.append(path)
    return Merged(written, tuple(deleted), tuple(conflicts), tuple(left), tuple(kept))


def _merged(ours: str, old: str, new: str) -> tuple[str, bool]:
    if ours == new:
        return ours, True
    with tempfile.TemporaryDirectory(prefix="slipway-merge-") as folder:
        files = [Path(folder) / name for name in ("ours", "old", "new")]
        for file, text in zip(files, (ours, old, new), strict=True):
            file.write_text(text, encoding="utf-8", newline="")
        labels = [word for label in LABELS for word in ("-L", label)]
        ran = subprocess.run(["git", "merge-file", "-p", *labels, *files], capture_output=True, check=False)
    if ran.returncode >= 128:
        raise OSError(f"git merge-file: {ran.stderr.decode('utf-8', 'replace').strip()}")
    return ran.stdout.decode("utf-8"), ran.returncode == 0
