"""Reads the ledger's past: which releases were verified where."""

from __future__ import annotations

from collections.abc import Iterator

from slipway_release import history, ledger
from slipway_release.context import Context
from slipway_release.ledger import Entry
from slipway_release.platform_file import Environment, Service
from slipway_release.release_file import Release, ReleaseFile

_LOOK_BACK = 200


def releases(context: Context, environment: Environment, service: Service) -> Iterator[tuple[Entry, Release]]:
    """Deployments and what they were, newest first. A commit is read once."""
    name = ledger.name_of(environment.name, service.name)
    files: dict[str, ReleaseFile] = {}
    for number, entry in enumerate(ledger.entries(context.reader, context.platform.repository, name)):
        if number >= _LOOK_BACK:
            return
        if entry.sha not in files:
            files[entry.sha] = context.contents.release(environment.name, service.name, entry.sha)
        release = files[entry.sha].release
        if release is not None:
            yield entry, release


def is_recorded(context: Context, environment: Environment, service: Service, release: Release) -> bool:
    """Whether the ledger knows of the delivery of exactly this image."""
    return any(release.same_image(found) for _, found in releases(context, environment, service))


def is_verified(context: Context, environment: Environment, service: Service, release: Release) -> bool:
    """Whether exactly this image was once verified in an environment."""
    return any(
        release.same_image(found) and entry.verified_at is not None
        for entry, found in releases(context, environment, service)
    )


def last_verified(
    context: Context, environment: Environment, service: Service, other_than: Release, file: ReleaseFile
) -> Release | None:
    """The newest verified release to go back to: not the bad one, not on hold, and really part of the branch."""
    repository = context.platform.repository
    for entry, release in releases(context, environment, service):
        if release.version == other_than.version or file.hold_of(release.version) is not None:
            continue
        if entry.verified_at is None:
            continue
        if history.is_on_branch(context.reader, repository, entry.sha, environment.target_branch):
            return release
    return None
