"""Deployments that came to no end of their own: what was overtaken, or waited and never came, says so."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from slipway_release import deployments, record, workflow
from slipway_release.context import Context
from slipway_release.deployments import Entry
from slipway_release.errors import ApiError, UnavailableError
from slipway_release.github import GitHub
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release
from slipway_release.tags import Version, is_version

_GOES_ON = frozenset({"queued", "in_progress"})
_MOST = 10
"""How many deployments are looked at; those before were settled when something came after them."""


def settle_older(context: Context, environment: Environment, service: Service, release: Release) -> None:
    """Of a place where a release is good, end what is older and still goes on or waits, on both sides of the ledger."""
    try:
        known = record.versions(context, environment, service)
        for entry in _unsettled(context.service, service.repository, environment.name, release, known):
            _end(context, environment, service, entry, release)
    except (ApiError, UnavailableError) as error:
        # It only mirrors what is decided here.
        workflow.warning(f"{service.repository}: older deployments could not be ended there: {error}")


def _unsettled(
    github: GitHub, repository: str, name: str, release: Release, verified: AbstractSet[str]
) -> Iterator[Entry]:
    """What is older than a release and goes on or waits; what was before the last verified one was ended with that."""
    is_before = False
    for entry in itertools.islice(deployments.entries(github, repository, name), _MOST):
        is_own = entry.is_of(release)
        is_before = is_before or is_own
        if is_own or not _is_older(str(entry.payload.get("version") or ""), release, is_before=is_before):
            continue
        if entry.payload.get("version") in verified:
            return
        newest = next(iter(entry.statuses), None)
        if newest is not None and newest.state in _GOES_ON:
            yield entry


def _is_older(version: str, release: Release, *, is_before: bool) -> bool:
    """Whether a version comes before a release; images of branches have no order but that in which they came."""
    if is_version(version) and is_version(release.version):
        return Version.parse(version) < Version.parse(release.version)
    return bool(version) and is_before


def _end(context: Context, environment: Environment, service: Service, entry: Entry, release: Release) -> None:
    body = {"state": "inactive", "description": f"{entry.payload.get('version')}: superseded by {release.version}"}
    context.service.post(f"/repos/{service.repository}/deployments/{entry.id}/statuses", body)
    own, name = context.platform.repository, deployments.name_of(environment.name, service.name)
    for delivered in itertools.islice(deployments.entries(context.writer, own, name), _MOST):
        newest = next(iter(delivered.statuses), None)
        is_same = delivered.is_about(entry.payload.get("version"), entry.payload.get("digest"))
        if is_same and newest and newest.state in _GOES_ON:
            context.own.post(f"/repos/{own}/deployments/{delivered.id}/statuses", body)
            return
