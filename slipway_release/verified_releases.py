"""What an environment ran before: the order is the history of its release file, what was good is in the record."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from slipway_release import history, layout, record, tags
from slipway_release.context import Context
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release, ReleaseFile

_LOOK_BACK = 30
"""How many changes of a release file are read at most."""
_MOST_TARGETS = 10
"""How many verified releases are looked for in the registry at most."""


@dataclass(frozen=True)
class Good:
    """A release with the newest commit at which it was seen good."""

    release: Release
    commit: str


def releases(context: Context, environment: Environment, service: Service) -> Iterator[Release]:
    """What an environment ran, newest first, read from Git as it is wanted."""
    repository, path = context.platform.repository, layout.release_path(environment.name, service.name)
    for commit in history.commits_of(context.writer, repository, path, environment.target_branch, _LOOK_BACK):
        try:
            release = context.contents.release(environment.name, service.name, commit).release
        except RefusedError:
            # Broken by hand once, and mended since.
            continue
        if release is not None:
            yield release


@dataclass(frozen=True)
class Target:
    """What can be gone back to."""

    good: Good | None
    gone: tuple[str, ...] = ()
    """Versions that were verified later, and whose images are no longer in the registry."""
    lost: tuple[str, ...] = ()
    """Versions that were verified at commits that are no longer on the branch, where nothing else is left."""

    def nothing(self, failed: Release, environment: Environment) -> str:
        """Why there is nothing to go back to, in words."""
        if self.gone:
            return (
                f"the images of {', '.join(self.gone)}, which were verified before {failed.version}, are no longer in "
                "the registry; nothing to go back to. Release a newer version, or build one of those tags again"
            )
        if self.lost:
            return (
                f"the commits at which {', '.join(self.lost)} were verified are no longer on "
                f"{environment.target_branch}: somebody has rewritten it, or `delivery` of {environment.name} has "
                "changed since and nothing was verified after that; nothing to go back to. Release a newer version"
            )
        return f"{failed.version} has no verified predecessor in {environment.name}; nothing to go back to"


def target(context: Context, environment: Environment, service: Service, failed: Release, file: ReleaseFile) -> Target:
    """The newest verified release that can still be pulled: not the bad version, and none that is on hold.

    If the registry does not show the failing image either, its answers do not count: a credential may hide all of them,
    and the nodes may still have the image that ran before.
    """
    gone: list[Good] = []
    candidates = (
        record.versions(context, environment, service) - {hold.version for hold in file.held} - {failed.version}
    )
    for found in itertools.islice(_verified(context, environment, service, candidates), _MOST_TARGETS):
        if not _is_gone(context, found.release):
            return Target(found, tuple(item.release.version for item in gone))
        gone.append(found)
    if not gone:
        return Target(None, lost=tuple(_lost(context, environment, service, candidates)))
    if _is_gone(context, failed):
        return Target(gone[0])
    return Target(None, tuple(item.release.version for item in gone))


def _is_gone(context: Context, release: Release) -> bool:
    """Whether the registry says that it has no such image; where it does not answer or refuses to say, it is not."""
    try:
        return context.registry.image(release.image, release.digest) is None
    except ReleaseError:
        return False


def _verified(
    context: Context, environment: Environment, service: Service, candidates: AbstractSet[str]
) -> Iterator[Good]:
    """What ran before and was verified, newest first."""
    if not candidates:
        return
    seen: set[str] = set()
    for release in releases(context, environment, service):
        if release.version in candidates - seen:
            seen.add(release.version)
            found = good(context, environment, service, release.version)
            if found is not None:
                yield found
    for version in sorted(filter(tags.is_version, candidates - seen), key=tags.Version.parse, reverse=True):
        found = good(context, environment, service, version)
        if found is not None:
            yield found


def good(context: Context, environment: Environment, service: Service, version: str) -> Good | None:
    """The state in which a version was verified, if that is really part of the branch."""
    commit = record.commit_of(context, environment, service, version)
    if commit is None:
        return None
    release = context.contents.release(environment.name, service.name, commit).release
    repository = context.platform.repository
    if release is None or release.version != version:
        return None
    if not history.is_on_branch(context.writer, repository, commit, environment.target_branch):
        return None
    return Good(dataclasses.replace(release, rollback=None), commit)


def _lost(context: Context, environment: Environment, service: Service, versions: AbstractSet[str]) -> Iterator[str]:
    """Of some versions those whose record stands on a commit that is not part of the branch, a few of them."""
    repository, branch = context.platform.repository, environment.target_branch
    for version in sorted(versions)[:_MOST_TARGETS]:
        commit = record.commit_of(context, environment, service, version)
        if commit is not None and not history.is_on_branch(context.writer, repository, commit, branch):
            yield version
