"""Open pull requests of this program that lead nowhere any more: nobody else would close them, and some could merge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slipway_release import fields, pulls
from slipway_release.choices import Delivery
from slipway_release.context import Context
from slipway_release.platform_types import MAIN, Platform
from slipway_release.pulls import PullRequest


@dataclass(frozen=True)
class Open:
    """An open pull request of this program."""

    pull: PullRequest
    base: str
    """The branch that it leads to."""


def list_open(context: Context) -> Iterator[Open]:
    """Those of all places; a fork may give its branches the same names."""
    repository = context.platform.repository
    path = f"/repos/{repository}/pulls"
    for item in context.writer.pages(path, {"state": "open"}):
        head = fields.child(item, "head", path)
        branch = fields.text(head, "ref", path)
        if pulls.is_own(head, repository) and pulls.placement_of(branch) is not None:
            yield Open(pulls.read(item, branch), fields.text(fields.child(item, "base", path), "ref", path))


def reason(platform: Platform, found: Open) -> str | None:
    """Why an open pull request has to be closed, or None."""
    placement = pulls.placement_of(found.pull.branch)
    if placement is None:
        return None
    service = next((item for item in platform.services if item.name == placement[1]), None)
    environment = next((item for item in platform.environments if item.name == placement[0]), None)
    if service is None or environment is None or environment.name not in service.environments:
        return f"{placement[1]} does not run in {placement[0]} any more."
    base = MAIN if found.pull.kind == "restore" else environment.target_branch
    if found.base != base:
        return f"It leads to {found.base} and not to {base}."
    if found.pull.kind == "release" and environment.delivery is not Delivery.PULL_REQUEST:
        return f"{environment.name} does not take releases by pull requests any more."
    return None
