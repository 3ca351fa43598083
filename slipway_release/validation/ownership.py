"""Who may propose what: releases are the automation's, and what guards them is the settings'.

A pull request is judged by the branch that it comes from. Rules of the repository let the promoter alone push the
automation's branches, and who runs `pulumi up` alone that of the settings; a fork's branch of such a name is neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway_release import layout, pulls, release_file
from slipway_release.validation.files import Problem, Tree

_FOLDERS = (".github/workflows", ".github/actions", ".slipway", "infrastructure")
_FILES = (".github/dependabot.yml", ".github/dependabot.yaml", "CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS")


@dataclass(frozen=True)
class Proposal:
    """Where a pull request comes from."""

    branch: str
    is_fork: bool

    @property
    def is_of_automation(self) -> bool:
        return not self.is_fork and pulls.placement_of(self.branch) is not None

    @property
    def is_of_settings(self) -> bool:
        return not self.is_fork and self.branch == pulls.SETTINGS_BRANCH


def check(base: Tree, head: Tree, proposal: Proposal) -> list[Problem]:
    """What a proposal changes that is not its to change."""
    problems: list[Problem] = []
    if not proposal.is_of_automation:
        text = (
            "only the automation writes releases; push a tag to release, start the workflow *hold* to hold a version or"
            " to release it from hold, and *rollback* takes one back"
        )
        # One that goes is judged where removals are: the settings may take its service away.
        changed = [path for path in _changed(base, head, _releases) if _content(head.folder / path) is not None]
        problems += [Problem(path, text) for path in changed]
    text = "no pull request changes it; start the workflow *freeze* to freeze an environment or to end that"
    problems += [Problem(path, text) for path in _changed(base, head, _freezes)]
    if not proposal.is_of_settings:
        text = "the platform's settings keep it; change them and run `pulumi up`"
        problems += [Problem(path, text) for path in _changed(base, head, _kept)]
    return problems


def _changed(base: Tree, head: Tree, paths: Callable[[Path], Iterator[Path]]) -> list[str]:
    found = {path.relative_to(tree.folder).as_posix() for tree in (base, head) for path in paths(tree.folder)}
    return sorted(path for path in found if _content(base.folder / path) != _content(head.folder / path))


def _releases(folder: Path) -> Iterator[Path]:
    return folder.glob(release_file.path_of("*", "*"))


def _freezes(folder: Path) -> Iterator[Path]:
    return folder.glob(layout.freeze_path("*"))


def _kept(folder: Path) -> Iterator[Path]:
    yield from (folder / path for path in _FILES if _content(folder / path) is not None)
    for name in _FOLDERS:
        yield from (path for path in (folder / name).rglob("*") if _content(path) is not None)


def _content(path: Path) -> bytes | None:
    """What a file or a link is; None for what is not there, and for folders."""
    if path.is_symlink():
        return b"-> " + str(path.readlink()).encode()
    return path.read_bytes() if path.is_file() else None
