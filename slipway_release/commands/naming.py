"""What names the repositories that a job needs tokens for."""

from __future__ import annotations

import argparse
import dataclasses

from slipway_release import ask, context, mirrors, platform_file, pulls, reports, workflow
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Service


def name_repository(_: argparse.Namespace) -> None:
    service = _named()
    # Tokens are minted for a repository of the platform's owner, named without the owner.
    workflow.output("repository", service.repository.rpartition("/")[2] if service else "")


def name_reachable(_: argparse.Namespace) -> None:
    around = context.from_environment()
    github = dataclasses.replace(around.own, token=workflow.variable("INSTALLATION_TOKEN"))
    workflow.output("repositories", ",".join(mirrors.reachable(around.platform, github)))


def _named() -> Service | None:
    """The service that a step is about; None for a deployment that Argo CD does not report a release on."""
    placement = workflow.optional("PLACEMENT")
    if placement:
        # A claim: it names whose repository the ledger is mirrored in, and what is acted on is asked for.
        found = reports.placement_of(platform_file.load(), placement)
        return found and found[1]
    if deployment := workflow.optional("DEPLOYMENT"):
        report = reports.read(context.from_environment(), deployment)
        if report is None:
            workflow.say("no report of Argo CD's on a release")
        return report and report.service
    branch = workflow.optional("BRANCH")
    placement = pulls.placement_of(branch)
    if branch and placement is None:
        raise RefusedError(f"branch {branch!r}: not one of a release")
    return platform_file.load().service(placement[1] if placement else claimed()[0])


def claimed() -> tuple[str, str]:
    """The service and the run of a promotion request, as a commit status or the workflow's inputs name them."""
    status = workflow.optional("REQUEST")
    return ask.claimed(status) if status else (workflow.variable("SERVICE"), workflow.optional("RUN"))
