"""The jobs of a promotion: where a request goes, and its delivery there.

The job that plans also delivers to the environments without approvers. Each of the others gets a job of its
own, which waits for the reviewers of its GitHub environment.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from slipway_release import announce, approval, promotion, workflow
from slipway_release.claims import PromotionRequest
from slipway_release.context import Context
from slipway_release.errors import RefusedError, ReleaseError
from slipway_release.platform_types import Environment
from slipway_release.selection import Kind


def promote(
    context: Context, request: PromotionRequest, only: Sequence[str] = (), *, again: bool = False
) -> list[Environment]:
    """Choose the environments of a request, and deliver to those without approvers.

    The others are the step's output `environments`, a JSON list of names.

    Args:
        context: what is read and written with.
        request: the checked request.
        only: the environments that are asked for by name; all that the request is for where there are none.
        again: whether a person wants it where a person did not want it before.

    Returns:
        The environments that were delivered to.

    Raises:
        ReleaseError: a delivery failed, and the rest was done; or a freeze or a broken file keeps it from all of them.
    """
    outcomes = promotion.consider(context, request, only, again=again)
    wanted = [context.platform.environment(name) for name in promotion.with_work(context, request, outcomes)]
    for outcome in outcomes:
        environment = context.platform.environment(outcome.environment)
        if outcome.decision.kind is Kind.DELIVER and environment.approves_jobs:
            announce.waits_for_approval(_place(context, request, environment), request.release.version, context.run_url)
    # First of all: a delivery that fails must not keep people from approving the others.
    approved = [environment.name for environment in wanted if environment.approves_jobs]
    workflow.output("environments", json.dumps(approved))
    now = [environment for environment in wanted if not environment.approves_jobs]
    _deliver_each(context, request, now, again=again)
    stopped = promotion.stopped(outcomes)
    if stopped is not None:
        raise RefusedError(stopped)
    return now


def deliver(context: Context, request: PromotionRequest, environment: Environment, *, again: bool = False) -> None:
    """Deliver to one environment.

    Raises:
        RefusedError: it lacks an approval, or was frozen since it was planned: the run is what tells a reconciliation
            to start it again.
    """
    approval.check(context, request, environment)
    outcome = promotion.deliver(context, request, environment, again=again)
    # Where a pull request delivers, it is the request that is approved.
    if outcome.decision.kind is Kind.DELIVER and environment.approval and not environment.approves_jobs:
        announce.waits_for_approval(_place(context, request, environment), request.release.version, outcome.link)
    if outcome.decision.kind is Kind.FROZEN:
        raise RefusedError(outcome.decision.reason)


def _place(context: Context, request: PromotionRequest, environment: Environment) -> announce.Place:
    return announce.Place(context.platform, request.service, environment)


def _deliver_each(
    context: Context, request: PromotionRequest, environments: Sequence[Environment], *, again: bool
) -> None:
    failed: list[ReleaseError] = []
    for environment in environments:
        try:
            deliver(context, request, environment, again=again)
        except ReleaseError as error:
            workflow.error(f"{environment.name}: {error}")
            failed.append(error)
    if failed:
        # With the exit code of the first one.
        raise failed[0]
