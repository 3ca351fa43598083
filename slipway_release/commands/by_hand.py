"""What a person starts: holds, rollbacks and freezes."""

from __future__ import annotations

import argparse

from slipway_release import context, freeze, hold, people, reconcile, rollback, workflow
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Environment, Service


def put_on_hold(_: argparse.Namespace) -> None:
    around = context.from_environment()
    service, environment, version, login = _version(around)
    hold.hold(around, environment, service, version, reason=workflow.optional("REASON"), login=login)
    reconcile.start_after_hold(around, environment)


def release_from_hold(_: argparse.Namespace) -> None:
    around = context.from_environment(context.REGISTRY_SECONDS)
    service, environment, version, login = _version(around)
    hold.unhold(around, environment, service, version, login=login)
    reconcile.start_after_hold(around, environment)
    if workflow.optional("PROMOTE") != "true":
        workflow.notice(f"{version} may come to {environment.name}; with `promote`, this workflow asks for it at once")
    elif not hold.promote_again(around, environment, service, version):
        workflow.warning(
            f"{environment.name} never had {version}, and no newer promotion asked for it; run its release again: "
            + hold.remedy(service, version)
        )


def roll_back_by_hand(_: argparse.Namespace) -> None:
    around = context.from_environment(context.REGISTRY_SECONDS)
    service, environment, version, login = _version(around)
    rollback.by_hand(around, environment, service, version, reason=workflow.optional("REASON"), login=login)
    reconcile.start_after_hold(around, environment)


def freeze_environment(_: argparse.Namespace) -> None:
    around = context.from_environment()
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    login = people.starter(around, environment.freezers, f"freeze {environment.name}")
    freeze.freeze(around, environment, why=workflow.optional("REASON"), login=login)
    reconcile.start(around)


def end_freeze(_: argparse.Namespace) -> None:
    around = context.from_environment()
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    login = people.starter(around, environment.freezers, f"end the freeze of {environment.name}")
    freeze.end(around, environment, login=login)
    reconcile.start(around)


def _version(around: context.Context) -> tuple[Service, Environment, str, str]:
    """The version that a person wants held, released or taken back: its service, environment, itself, their login."""
    service = around.platform.service(workflow.variable("SERVICE"))
    environment = around.platform.environment(workflow.variable("ENVIRONMENT"))
    if environment.name not in service.environments:
        raise RefusedError(f"service {service.name!r}: does not run in {environment.name}")
    what = f"hold, release or take back versions of {service.name} in {environment.name}"
    login = people.starter(around, service.holders.get(environment.name, ()), what)
    return service, environment, workflow.variable("VERSION"), login
