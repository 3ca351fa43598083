"""What finishes what was lost."""

from __future__ import annotations

import argparse

from slipway_release import context, reconcile


def reconcile_all(options: argparse.Namespace) -> None:
    reconcile.reconcile(context.from_environment(context.REGISTRY_SECONDS), options.folder)


def forward_review(_: argparse.Namespace) -> None:
    reconcile.start(context.from_environment())
