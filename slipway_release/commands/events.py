"""What handles a merge, and a report of Argo CD."""

from __future__ import annotations

import argparse

from slipway_release import context, forward, merged, rollback, verified, workflow


def record_merged(_: argparse.Namespace) -> None:
    merged.record(context.from_environment(), workflow.variable("BRANCH"), workflow.variable("COMMIT"))


def forward_report(_: argparse.Namespace) -> None:
    around = context.from_environment()
    deployment, placement = workflow.variable("DEPLOYMENT"), workflow.variable("PLACEMENT")
    forward.forward(around.platform, around.own, deployment, placement, workflow.variable("STATE"))


def record_verified(_: argparse.Namespace) -> None:
    verified.verified(context.from_environment(), workflow.variable("DEPLOYMENT"))


def roll_back(_: argparse.Namespace) -> None:
    rollback.rollback(context.from_environment(context.REGISTRY_SECONDS), workflow.variable("DEPLOYMENT"))
