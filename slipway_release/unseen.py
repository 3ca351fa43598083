"""Places that have changed since what they want was seen good: whether that was reported may have been lost.

A verified release stays where its values or its chart change, or it is gone back to. Argo CD reports on each of those
too, and the record moves to the newest state that was good. Git tells where it has not: no place costs a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slipway_release import history, layout, record
from slipway_release.context import Context
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release

_NEVER = 1_000_000


@dataclass(frozen=True)
class _Log:
    """The newest part of a branch's history, in which the newest commit is number 0."""

    commits: tuple[str, ...]
    numbers: Mapping[str, int]
    """Of the commits."""
    changed: Mapping[str, int]
    """The newest commit that changed a folder or file."""


def changed(context: Context, wanted: Iterable[tuple[Environment, Service, Release]]) -> dict[tuple[str, str], str]:
    """The newest change of each place whose wanted release was seen good before it, and not since, as far as Git says.

    Args:
        context: what is read with; without Git, nothing is found.
        wanted: what each place wants.
    """
    repository = context.platform.repository
    copy = context.writer.copy(repository)
    recorded = record.commits(context)
    found: dict[tuple[str, str], str] = {}
    logs: dict[str, _Log] = {}
    for environment, service, release in wanted:
        good = recorded.get(record.tag_name(environment, service, release.version))
        if copy is None or good is None:
            continue
        branch = environment.target_branch
        if branch not in logs:
            logs[branch] = _log(context, branch)
        log = logs[branch]
        files = (
            *layout.folders_of(environment.name, service.name),
            layout.value_files(environment.name, service.name)[0],
        )
        newest = min(log.changed.get(path, _NEVER) for path in files)
        if newest < log.numbers.get(good, _NEVER) and _differs(context, environment, service, good, log.commits[0]):
            found[environment.name, service.name] = log.commits[newest]
    return found


def _differs(context: Context, environment: Environment, service: Service, good: str, head: str) -> bool:
    """Whether the place's own files are not as they were; a change may have been taken back."""
    _, paths = history.changes(context.writer, context.platform.repository, good, head)
    return paths is None or any(layout.is_of(path, environment.name, service.name) for path in paths)


def _log(context: Context, branch: str) -> _Log:
    repository = context.platform.repository
    copy, head = context.writer.copy(repository), history.branch_head(context.writer, repository, branch)
    commits: list[str] = []
    changed: dict[str, int] = {}
    for number, (commit, paths) in enumerate(copy.changes(head) if copy and head else ()):
        commits.append(commit)
        for path in paths:
            parts = path.split("/")
            for name in {path, "/".join(parts[:2]), "/".join(parts[:3])}:
                changed.setdefault(name, number)
    return _Log(tuple(commits), {commit: number for number, commit in enumerate(commits)}, changed)
