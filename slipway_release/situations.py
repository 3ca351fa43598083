"""The facts about a release in an environment, as they are at this moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from slipway_release import freeze, history, intent, record, selection, workflow
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.history import Relation
from slipway_release.platform_types import Environment, Platform, Service
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.selection import Kind, Situation


def waiting_for(platform: Platform, service: Service, verified_in: Environment, release: Release) -> list[Environment]:
    """The environments that take a release once it is verified in another one."""
    # A prefixed tag is for its one environment, and a branch image for those that follow the branch.
    if release.tag is None or release.is_for_one:
        return []
    return [
        environment for environment in platform.environments_of(service) if verified_in.name in environment.requires
    ]


def is_ready(context: Context, environment: Environment, service: Service, release: Release) -> bool:
    """Whether an environment would take a release now, and has not got it."""
    try:
        file = context.contents.release(environment.name, service.name, environment.target_branch)
        around = situation(context, environment, service, release, file)
        decision = selection.decide(environment, release, around)
    except ApiError:
        raise
    except RefusedError as error:
        workflow.warning(f"{environment.name}: {error}")
        return False
    if decision.kind is not Kind.DELIVER:
        workflow.say(f"{environment.name}: {decision.kind}: {decision.reason}")
    return decision.kind is Kind.DELIVER


def situation(
    context: Context,
    environment: Environment,
    service: Service,
    release: Release,
    file: ReleaseFile,
    *,
    again: bool = False,
) -> Situation:
    """The facts about a release in an environment, as they are now."""
    before = {name: _file(context, name, service) for name in record.required(environment, service)}
    # What was good once and is on hold there is not good now.
    held = [name for name, there in before.items() if there.hold_of(release.version) is not None]
    missing = tuple(dict.fromkeys([*record.missing(context, environment, service, release), *held]))
    return Situation(
        current=file,
        frozen=freeze.reason(context.contents, environment),
        missing=missing,
        relation=_relation(context, service),
        never=_never(context, environment, service, release, {name: before[name] for name in missing}),
        is_hotfix=release.is_for_one and environment.approval,
        stays_away=lambda: None if again else intent.stays_away(context, environment, service, release, file.release),
    )


def _never(
    context: Context,
    environment: Environment,
    service: Service,
    release: Release,
    missing: Mapping[str, ReleaseFile],
) -> str | None:
    """Why a version will not be verified where it must be unless somebody does something, with what to do."""
    for name, file in missing.items():
        there = file.release
        if file.hold_of(release.version) is not None:
            return f"it is on hold in {name}: release it from hold there, or make a newer version"
        if there is not None and selection.is_newer(there, release, _relation(context, service)):
            way = (
                f"tag it {environment.tag_prefix}-v{release.version}" if environment.tag_prefix else "set its tagPrefix"
            )
            remedy = f"{way} and have `approvers` approve it, or release a version newer than {there.version}"
            return f"{name} has {there.version} already, which is newer: {remedy}"
        if release.is_for_one:
            return f"its tag is for {environment.name} alone: tag v{release.version} too, or set `approvers`"
    return None


def _file(context: Context, environment: str, service: Service) -> ReleaseFile:
    """The release file of another environment; none where somebody has broken it, which is said of its own."""
    branch = context.platform.environment(environment).target_branch
    try:
        return context.contents.release(environment, service.name, branch)
    except ApiError:
        raise
    except RefusedError:
        return ReleaseFile()


def _relation(context: Context, service: Service) -> Callable[[str, str], Relation]:
    return lambda commit, base: history.relation(context.service, service.repository, commit, base)
