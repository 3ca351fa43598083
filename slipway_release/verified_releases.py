"""What an environment ran before: the order is the history of its release file, what was good is in the record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from slipway_release import history, layout, record, tags
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.platform_file import Environment, Service
from slipway_release.release_file import Release, ReleaseFile

_LOOK_BACK = 30
"""How many changes of a release file are read at most."""


@dataclass(frozen=True)
class Good:
    """A release with the newest commit at which it was seen good."""

    release: Release
    commit: str


def releases(context: Context, environment: Environment, service: Service) -> Iterator[Release]:
    """What an environment ran, newest first, read from Git as it is wanted."""
    repository, path = context.platform.repository, layout.release_path(environment.name, service.name)
    for commit in history.commits_of(context.reader, repository, path, environment.target_branch, _LOOK_BACK):
        try:
            release = context.contents.release(environment.name, service.name, commit).release
        except RefusedError:
            # Broken by hand once, and mended since.
            continue
        if release is not None:
            yield release


def last_verified(
    context: Context, environment: Environment, service: Service, other_than: Release, file: ReleaseFile
) -> Good | None:
    """What ran before and was verified: not the bad version, and none that is on hold."""
    held = {hold.version for hold in file.held}
    candidates = record.versions(context, environment, service) - held - {other_than.version}
    if not candidates:
        return None
    seen: set[str] = set()
    for release in releases(context, environment, service):
        if release.version in candidates - seen:
            seen.add(release.version)
            found = good(context, environment, service, release.version)
            if found is not None:
                return found
    for version in sorted(filter(tags.is_version, candidates - seen), key=tags.Version.parse, reverse=True):
        found = good(context, environment, service, version)
        if found is not None:
            return found
    return None


def good(context: Context, environment: Environment, service: Service, version: str) -> Good | None:
    """The state in which a version was verified, if that is really part of the branch."""
    commit = record.commit_of(context, environment, service, version)
    if commit is None:
        return None
    release = context.contents.release(environment.name, service.name, commit).release
    repository = context.platform.repository
    if release is None or release.version != version:
        return None
    if not history.is_on_branch(context.reader, repository, commit, environment.target_branch):
        return None
    return Good(dataclasses.replace(release, rollback=None), commit)
