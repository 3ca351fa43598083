"""What delivers a promotion request."""

from __future__ import annotations

import argparse

from slipway_release import claims, context, deliveries, workflow
from slipway_release.claims import PromotionRequest
from slipway_release.commands.naming import claimed


def plan(_: argparse.Namespace) -> None:
    around = context.from_environment()
    deliveries.promote(around, _request(around), _only(), again=_again())


def deliver(_: argparse.Namespace) -> None:
    around = context.from_environment()
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    deliveries.deliver(around, _request(around), environment, again=_again())


def _request(around: context.Context) -> PromotionRequest:
    name, run = claimed()
    service, digest = around.platform.service(name), workflow.variable("DIGEST")
    return claims.check(around, service, run or workflow.variable("RUN"), digest)


def _only() -> list[str]:
    """The environments that were asked for by name."""
    return workflow.optional("ENVIRONMENTS").split()


def _again() -> bool:
    """Whether a person wants it where a person did not want it before."""
    return workflow.optional("AGAIN") == "true"
