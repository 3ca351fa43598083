"""What a person has decided: a version that was taken out by hand, or whose pull request was declined, stays away.

Git tells a choice from being behind. A version that the automation has delivered here, and in whose place an older one
stands without a rollback, was taken back by a person; a pull request that a person has closed was declined. Both last
until somebody asks for that version and environment again, or a newer version comes.
"""

from __future__ import annotations

import dataclasses

from slipway_release import history, layout, pulls, release_file
from slipway_release.choices import Delivery
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.platform_types import MAIN, Environment, Service
from slipway_release.release_file import Release

_LOOK_BACK = 100
_OWN = ("Release ", "Roll ", "Hold ")
"""How the commits of this program begin that change a release file."""


def delivery_title(service: str, version: str, environment: str) -> str:
    """How the commit begins that delivers a version."""
    return f"Release {service} {version} to {environment}"


def unhold_title(service: str, version: str, environment: str) -> str:
    """How the commit begins that releases a version from hold."""
    return f"Release {service} {version} in {environment} from hold"


def stays_away(
    context: Context, environment: Environment, service: Service, release: Release, current: Release | None
) -> str | None:
    """Why a version that would be delivered is not, in words; None where no person has decided so.

    That nothing is there any more says nothing of which version is to run.
    """
    taken = current and _taken_back(context, environment, service, release.version)
    if taken is not None:
        return taken
    if _is_declined(context, environment, service, release.version):
        return f"its pull request to {environment.name} was closed by a person"
    return None


def _is_declined(context: Context, environment: Environment, service: Service, version: str) -> bool:
    """Whether a person has closed the request of a version, although releases may come another way since."""
    if environment.delivery is not Delivery.PULL_REQUEST:
        branch = pulls.branch_of(environment.name, service.name, version)
        # Git tells for nothing: the branch of a request that a person closes stays.
        if history.branch_head(context.writer, context.platform.repository, branch) is None:
            return False
        environment = dataclasses.replace(environment, target_branch=MAIN)
    return pulls.is_declined(context.contents, environment, service.name, version)


def _taken_back(context: Context, environment: Environment, service: Service, version: str) -> str | None:
    file, branch = layout.release_path(environment.name, service.name), environment.target_branch
    newer = "a later commit"
    for commit in history.log(context.writer, context.platform.repository, file, branch, _LOOK_BACK):
        message = commit.message
        if _begins(message, unhold_title(service.name, version, environment.name)):
            return None
        title = delivery_title(service.name, version, environment.name)
        if _begins(message, title) or (not message.startswith(_OWN) and _has(context, commit.sha, file, version)):
            return f"it was in {environment.name} before and was taken back by {newer}"
        newer = f"{commit.sha[:12]} ({message.partition(chr(10))[0]})"
    return None


def _has(context: Context, commit: str, file: str, version: str) -> bool:
    """Whether a version is in a release file at a commit: who merges a request may give it another title."""
    try:
        found = context.contents.read(file, commit)
        release = release_file.parse(found.content, file).release if found else None
    except ApiError:
        raise
    except RefusedError:
        return False
    return release is not None and release.version == version and release.rollback is None


def _begins(message: str, title: str) -> bool:
    """Whether a message has that title; a merged pull request's has its number behind."""
    first = message.splitlines()[0] if message else ""
    return first == title or first.startswith(f"{title} (#")
