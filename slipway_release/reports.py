"""Argo CD's reports: what a deployment status says about which release, trusted only as far as it can be checked.

A report counts if Argo CD's own GitHub App wrote the status, and if its commit is part of the branch that the
environment follows: who may write this repository may also make deployments, statuses and branches in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from slipway_release import deployments, history, layout, people
from slipway_release.context import Context
from slipway_release.deployments import Entry, Status
from slipway_release.errors import RefusedError
from slipway_release.git import Commit
from slipway_release.platform_types import Environment, Platform, Service
from slipway_release.release_file import Release, ReleaseFile

_PLACEMENT = re.compile(r"(?P<environment>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)")
_CHANGES = 20
"""How many changes of a release file are looked at."""
_ACTIONS = "github-actions[bot]"
"""The account of every workflow's own token, of a team's branch too."""


@dataclass(frozen=True)
class Report:
    """A status of a deployment of this repository, together with the release it is about."""

    entry: Entry
    status: Status
    environment: Environment
    service: Service
    release: Release | None
    """What was in Git at the commit that was synced."""
    head: ReleaseFile
    """What is wanted now."""
    is_former: Callable[[], bool] = lambda: False
    """Whether it is from before the release was taken back and delivered again; asked only if all else is for it."""

    @cached_property
    def is_current(self) -> bool:
        """Whether the reported release is still the wanted one, and of this time."""
        return self.release is not None and self.release.same_image(self.head.release) and not self.is_former()


def read(context: Context, number: str) -> Report | None:
    """The newest report on a deployment; None where there is none, or the deployment is none of this program's.

    Only the deployment's number is taken from the event: everything else is asked for.

    Raises:
        RefusedError: the number is none, or the commit is not on the branch that the environment follows.
    """
    if not number.isascii() or not number.isdecimal():
        raise RefusedError(f"deployment {number!r}: not the number of a deployment")
    entry, name = deployments.entry(context.writer, context.platform.repository, int(number))
    placement = placement_of(context.platform, name)
    if placement is None:
        return None
    return of_entry(context, entry, *placement)


def of_entry(context: Context, entry: Entry, environment: Environment, service: Service) -> Report | None:
    """The newest report of Argo CD on a deployment, or None."""
    status = newest(context, entry)
    if status is None:
        return None
    repository = context.platform.repository
    if not history.is_on_branch(context.writer, repository, entry.sha, environment.target_branch):
        raise RefusedError(
            f"deployment {entry.id}: commit {entry.sha[:12]} is not on {environment.target_branch}, which "
            f"{environment.name} follows; it says nothing about a release"
        )
    release = context.contents.release(environment.name, service.name, entry.sha).release
    head = context.contents.release(environment.name, service.name, environment.target_branch)
    return Report(
        entry=entry,
        status=status,
        environment=environment,
        service=service,
        release=release,
        head=head,
        is_former=lambda: release is not None and _is_former(context, environment, service, release, entry.sha),
    )


def _is_former(context: Context, environment: Environment, service: Service, release: Release, commit: str) -> bool:
    """Whether a commit is from before the wanted release was delivered the last time."""
    came = delivered(context, environment, service, release, environment.target_branch)
    return came is not None and not history.is_since(context.writer, context.platform.repository, commit, came.sha)


def delivered(
    context: Context, environment: Environment, service: Service, release: Release, ref: str
) -> Commit | None:
    """The commit that brought the release that is there at a commit or branch.

    Later ones may have changed other parts of its file, such as a hold, or have broken it and mended it again.
    """
    found = None
    path = layout.release_path(environment.name, service.name)
    for commit in history.log(context.writer, context.platform.repository, path, ref, _CHANGES):
        try:
            there = context.contents.release(environment.name, service.name, commit.sha).release
        except RefusedError:
            continue
        if not release.same_image(there):
            break
        found = commit
    return found


def placement_of(platform: Platform, name: str) -> tuple[Environment, Service] | None:
    """The place that a deployment's environment names; None for those of other tools."""
    found = _PLACEMENT.fullmatch(name)
    if found is None:
        return None
    environments = {environment.name: environment for environment in platform.environments}
    services = {service.name: service for service in platform.services}
    if found["environment"] not in environments or found["service"] not in services:
        return None
    return environments[found["environment"]], services[found["service"]]


def newest(context: Context, entry: Entry) -> Status | None:
    """The newest report on a deployment that Argo CD made itself."""
    return next((status for status in entry.statuses if status.is_report and _is_argocds(context, status)), None)


def newest_aside(context: Context, entry: Entry, kind: str) -> Status | None:
    """The newest word of Argo CD on drift, or on incidents.

    Args:
        context: knows which account is Argo CD's.
        entry: the deployment.
        kind: one of `deployments.ASIDE`.
    """
    told = (status for status in entry.statuses if status.description.startswith(kind))
    return next((status for status in told if _is_argocds(context, status)), None)


def _is_argocds(context: Context, status: Status) -> bool:
    wanted = context.platform.argocd_login
    if wanted is not None:
        return status.creator.lower() == wanted.lower()
    if status.creator == _ACTIONS:
        return False
    # Settings without `github.argocd.slug`: an App is installed by an owner, and an owner may do everything anyway.
    return status.is_app or people.role(context, status.creator) == "admin"
