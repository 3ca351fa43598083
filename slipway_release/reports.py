"""Argo CD's reports: what a deployment status says about which release, trusted only as far as it can be checked."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from slipway_release import ledger, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.ledger import Entry, Status
from slipway_release.platform_file import Environment, Service
from slipway_release.release_file import Release, ReleaseFile

_PLACEMENT = re.compile(r"(?P<environment>[a-z0-9-]+)/(?P<service>[a-z0-9-]+)")
STALE_AFTER = dt.timedelta(minutes=30)


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

    @property
    def is_current(self) -> bool:
        """Whether the reported release is still the wanted one."""
        return self.release is not None and self.release.same_image(self.head.release)

    @property
    def age(self) -> dt.timedelta:
        return workflow.now() - workflow.moment(self.status.created_at)


def read(context: Context, number: str) -> Report | None:
    """The newest report on a deployment; None for deployments that are none of this program's.

    Only the deployment's number is taken from the event: everything else is asked for.
    """
    if not number.isascii() or not number.isdecimal():
        raise RefusedError(f"deployment {number!r}: not the number of a deployment")
    entry, name = ledger.entry(context.reader, context.platform.repository, int(number))
    placement = _PLACEMENT.fullmatch(name)
    if placement is None:
        return None
    environment = context.platform.environment(placement["environment"])
    service = context.platform.service(placement["service"])
    status = entry.latest
    if status is None:
        return None
    wanted = context.platform.argocd_login
    if wanted and entry.creator not in {wanted, ""} and status.state == "success" and not entry.payload:
        raise RefusedError(f"deployment {number}: made by {entry.creator}, not by {wanted}; it verifies nothing")
    return Report(
        entry=entry,
        status=status,
        environment=environment,
        service=service,
        release=context.contents.release(environment.name, service.name, entry.sha).release,
        head=context.contents.release(environment.name, service.name, environment.target_branch),
    )
