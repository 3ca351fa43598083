"""Promotion: from a checked promotion request to a release in every environment that takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slipway_release import approval, delivery, intent, selection, situations, workflow
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.delivery import Delivered, Purpose
from slipway_release.errors import ApiError, RefusedError
from slipway_release.ledger import Ledger
from slipway_release.platform_types import Environment
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.selection import Decision, Kind
from slipway_release.tags import Version, is_version

_STATES = {
    Kind.SUPERSEDED: "inactive",
    Kind.HELD: "error",
    Kind.FROZEN: "queued",
    Kind.WAITING: "queued",
    Kind.BROKEN: "error",
}
"""What the service's repository shows for a release that is not delivered."""


@dataclass(frozen=True)
class Outcome:
    """What became of a release in one environment."""

    environment: str
    decision: Decision
    link: str = ""


def with_work(context: Context, request: PromotionRequest, outcomes: Sequence[Outcome]) -> list[str]:
    """The names of the environments that are delivered to now."""
    return [outcome.environment for outcome in outcomes if _has_work(context, request, outcome)]


def consider(
    context: Context, request: PromotionRequest, only: Sequence[str] = (), *, again: bool = False
) -> list[Outcome]:
    """What becomes of a request in each environment, told to everybody who looks.

    Args:
        context: what is read with.
        request: the checked request.
        only: the environments that are asked for by name; all that the request is for where there are none.
        again: whether a person wants it where a person did not want it before.
    """
    outcomes = [_planned(context, request, environment, again=again) for environment in _asked(context, request, only)]
    _report(request, outcomes)
    workflow.summary(context.platform.story_of(request.service))
    if not outcomes:
        raise RefusedError(f"{request.release.version}: no environment of {request.service.name} takes it")
    return outcomes


def stopped(outcomes: Sequence[Outcome]) -> str | None:
    """Why a freeze or a broken file leaves a release without any trace in Git, or None.

    No environment gets it, so nothing but its run tells that it was asked for. The run has to fail: a reconciliation
    starts it again after the freeze, and until the file is mended.
    """
    kinds = {outcome.decision.kind for outcome in outcomes}
    if kinds & {Kind.DELIVER, Kind.ALREADY}:
        return None
    stops = {Kind.FROZEN, Kind.BROKEN}
    return next((outcome.decision.reason for outcome in outcomes if outcome.decision.kind in stops), None)


def _asked(context: Context, request: PromotionRequest, only: Sequence[str]) -> list[Environment]:
    unknown = set(only) - {environment.name for environment in context.platform.environments}
    if unknown:
        raise RefusedError(f"environment {min(unknown)!r}: not an environment of this platform")
    return [place for place in request.environments(context.platform) if not only or place.name in only]


def _planned(context: Context, request: PromotionRequest, environment: Environment, *, again: bool) -> Outcome:
    try:
        file = context.contents.release(environment.name, request.service.name, environment.target_branch)
        around = situations.situation(context, environment, request.service, request.release, file, again=again)
        decision = selection.decide(environment, request.release, around)
    except ApiError:
        raise
    except RefusedError as error:
        # What is broken in one environment is not a reason to keep the others waiting.
        workflow.error(f"{environment.name}: {error}")
        decision = Decision(Kind.BROKEN, str(error))
    _note(context, environment, request, decision)
    return Outcome(environment.name, decision)


def _has_work(context: Context, request: PromotionRequest, outcome: Outcome) -> bool:
    """Whether a delivery is left to do; one that was cut off between Git and the ledger is taken up again."""
    if outcome.decision.kind is Kind.ALREADY:
        environment = context.platform.environment(outcome.environment)
        return not Ledger(context, request.service).knows(environment, request.release)
    return outcome.decision.kind is Kind.DELIVER


def deliver(context: Context, request: PromotionRequest, environment: Environment, *, again: bool = False) -> Outcome:
    """Deliver to one environment, deciding anew on what is there at the very moment of writing.

    Args:
        context: what is read and written with.
        request: the checked request.
        environment: where to.
        again: whether a person wants it where a person did not want it before.
    """
    if environment not in request.environments(context.platform):
        raise RefusedError(f"{request.release.version}: not meant for {environment.name}")
    last: list[Decision] = []
    replaced: list[Release] = []

    def change(file: ReleaseFile) -> ReleaseFile | None:
        around = situations.situation(context, environment, request.service, request.release, file, again=again)
        decision = selection.decide(environment, request.release, around)
        last[:] = [decision]
        replaced[:] = [file.release] if file.release is not None else []
        match decision.kind:
            case Kind.DELIVER:
                return selection.cleared(file, request.release)
            case Kind.ALREADY:
                return file
            case _:
                return None

    message = _message(context, request, environment, lambda: last[0].reason)
    purpose = Purpose("release", request.release.version, message, _newer(request), request.release.is_for_one)
    done = delivery.deliver(context.contents, environment, request.service.name, change, purpose)
    if done is None and last[0].kind in {Kind.DELIVER, Kind.ALREADY}:
        last[:] = [Decision(Kind.SUPERSEDED, "superseded: a newer version was asked for meanwhile")]
    outcome = Outcome(environment.name, last[0], _link(context, done))
    _record(context, request, environment, done, outcome)
    if done is not None and done.commit is not None and done.new:
        for older in replaced:
            Ledger(context, request.service).overtaken(environment, older, request.release)
    _report(request, [outcome])
    return outcome


def _newer(request: PromotionRequest) -> Callable[[str], bool]:
    """Whether the request is newer than another version; only versions of tags have an order."""

    def supersedes(other: str) -> bool:
        if request.release.tag is None or not is_version(other):
            return True
        return Version.parse(other) <= Version.parse(request.release.version)

    return supersedes


def _message(
    context: Context, request: PromotionRequest, environment: Environment, why: Callable[[], str]
) -> Callable[[ReleaseFile], str]:
    release = request.release
    lines = [
        intent.delivery_title(request.service.name, release.version, environment.name),
        "",
        f"Source: {request.service.repository}@{release.commit}" + (f" ({release.tag})" if release.tag else ""),
        f"Image: {release.image}@{release.digest}",
        f"Built by: {release.run}",
        *approval.lines(request.asked_by),
    ]
    if context.run_url:
        lines.append(f"Promoted by: {context.run_url}")
    return lambda _: "\n".join([*lines, f"Why: {why()}"]) + "\n"


def _record(
    context: Context, request: PromotionRequest, environment: Environment, done: Delivered | None, outcome: Outcome
) -> None:
    ledger = Ledger(context, request.service)
    if done is None:
        _note(context, environment, request, outcome.decision)
    elif done.commit is not None:
        # A merge has an event of its own, whose run writes it down too.
        is_own = done.new and done.pull is None
        ledger.delivered(environment, request.release, done.commit, request.committed_at, new=is_own)
        delivery.tidy(context.contents, environment, request.service.name)
    elif done.pull is not None:
        whom = f" and an approval{approval.by_whom(environment)}" if environment.approval else ""
        text = f"{request.release.version}: waits for pull request #{done.pull.number}{whom}"
        ledger.mirror(environment, request.release, "queued", text, done.pull.url)


def _note(context: Context, environment: Environment, request: PromotionRequest, decision: Decision) -> None:
    state, text = _STATES.get(decision.kind), decision.reason
    # Where a pull request delivers, its delivery says what is waited for.
    if decision.kind is Kind.DELIVER and environment.approves_jobs:
        state, text = "queued", f"{request.release.version}: waits for an approval{approval.by_whom(environment)}"
    if state is not None:
        Ledger(context, request.service).mirror(environment, request.release, state, text)


def _link(context: Context, done: Delivered | None) -> str:
    if done is None:
        return ""
    if done.pull is not None:
        return done.pull.url
    return f"{context.platform.server_url}/{context.platform.repository}/commit/{done.commit}" if done.commit else ""


def _report(request: PromotionRequest, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        workflow.say(
            f"{outcome.environment}: {outcome.decision.kind}: {outcome.decision.reason} {outcome.link}".rstrip()
        )
        if outcome.decision.kind in {Kind.HELD, Kind.FROZEN}:
            workflow.warning(f"{outcome.environment}: {outcome.decision.reason}")
    rows = "\n".join(
        f"| {outcome.environment} | {outcome.decision.kind} | {outcome.decision.reason} {outcome.link} |"
        for outcome in outcomes
    )
    workflow.summary(
        f"### {request.service.name} {request.release.version}\n\n| environment | | |\n|---|---|---|\n{rows}"
    )
