"""Takes a version back through Git, once, and keeps it away: what automation and people do alike."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from slipway_release import announce, delivery, merging, workflow
from slipway_release.choices import Sync
from slipway_release.context import Context
from slipway_release.delivery import Delivered, Purpose
from slipway_release.ledger import Ledger
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Held, Release, ReleaseFile, RolledBack
from slipway_release.verified_releases import Target


@dataclass(frozen=True)
class Answer:
    """What was done about a failure: the release gone back to, or the reason why nothing was done."""

    reason: str
    target: Release | None = None
    done: Delivered | None = None


@dataclass(frozen=True)
class Cause:
    """Why a version is taken back, in words for the commit."""

    reason: str
    failed: str
    """What failed, and where."""
    link: str
    """Where to look; may be empty."""
    by_hand: bool = False
    """Whether a person says so, and not a report of a failure."""


def take_back(
    context: Context,
    environment: Environment,
    service: Service,
    failed: Release,
    found: Target,
    cause: Cause,
    *,
    by_request: bool,
) -> Answer:
    """Write what was found back and put the failed version on hold: a commit, or a request for one.

    Args:
        context: what is read and written with.
        environment: where.
        service: of what.
        failed: the release to go; where another one is wanted by now, nothing is done.
        found: what to go back to.
        cause: why, for the people who read it.
        by_request: whether people have to agree.
    """
    good = found.good
    if good is None:
        return Answer(found.nothing(failed, environment))
    at = workflow.timestamp()
    hold = Held(failed.version, cause.reason, context.run_url or cause.link, at)
    target = good.release
    back = dataclasses.replace(target, rollback=RolledBack(failed.version, cause.reason, at))

    def change(file: ReleaseFile) -> ReleaseFile | None:
        if file.release is not None and file.release.rollback and file.release.same_image(back):
            return file
        if not failed.same_image(file.release):
            return None
        return dataclasses.replace(file.with_hold(hold), release=back)

    def message(_: ReleaseFile) -> str:
        return _message(context, environment, service, failed, target, cause)

    purpose = Purpose("rollback", failed.version, message, state=good.commit)
    write = delivery.propose if by_request else delivery.write_or_propose
    done = write(context.contents, environment, service.name, change, purpose)
    if done is not None and done.commit is not None:
        delivery.tidy(context.contents, environment, service.name)
        Ledger(context, service).delivered(environment, back, done.commit)
    answer = _answer(environment, failed, found, done)
    if done is not None and done.new:
        place = announce.Place(context.platform, service, environment)
        announce.taken_back(place, answer.reason, cause.reason, context.run_url or cause.link)
    return answer


def _answer(environment: Environment, failed: Release, found: Target, done: Delivered | None) -> Answer:
    """What was done, in words."""
    if done is None or found.good is None:
        return Answer(f"{failed.version} is superseded: another version has been released meanwhile")
    target = found.good.release
    passed_over = f" (no longer in the registry: {', '.join(found.gone)})" if found.gone else ""
    if done.commit is not None:
        wait = "; it waits for somebody to sync it" if environment.sync is Sync.MANUAL else ""
        text = f"rolled back from {failed.version} to {target.version}{passed_over}{wait}{environment.windows_note}"
        return Answer(text, target, done)
    number = done.pull.number if done.pull else 0
    return Answer(f"pull request #{number} takes {failed.version} back to {target.version}{passed_over}", target, done)


def _message(
    context: Context, environment: Environment, service: Service, failed: Release, target: Release, cause: Cause
) -> str:
    lines = [
        f"Roll {service.name} in {environment.name} back from {failed.version} to {target.version}",
        "",
        f"What failed: {cause.failed}",
        f"Why: {cause.reason}",
        f"Where to look: {cause.link}",
    ]
    if context.run_url:
        lines.append(f"Rolled back by: {context.run_url}")
    if cause.by_hand:
        lines.append(merging.BY_HAND)
    lines += [
        "",
        f"{failed.version} is on hold in {environment.name}: nothing promotes it again until it is released from hold",
        "(workflow hold.yml) or a newer version comes.",
    ]
    return "\n".join(lines) + "\n"
