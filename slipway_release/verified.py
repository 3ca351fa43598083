"""What happens once Argo CD has verified a release: it is written down, mirrored, and goes on."""

from __future__ import annotations

from slipway_release import (
    announce,
    ask,
    delivery,
    promotions,
    record,
    reports,
    settling,
    situations,
    verified_releases,
    workflow,
)
from slipway_release.context import Context
from slipway_release.delivery import Verified
from slipway_release.ledger import Ledger
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release
from slipway_release.reports import Report


def verified(context: Context, number: str) -> None:
    """Handle the newest report of a deployment, if it is one of success."""
    report = reports.read(context, number)
    if report is None or report.status.state != "success":
        workflow.say(f"deployment {number}: reports no verified release")
        return
    accept(context, report)


def accept(context: Context, report: Report) -> None:
    """Record a success and promote what waited for it."""
    place = f"{report.environment.name}/{report.service.name}"
    release = report.release
    if release is None:
        workflow.say(f"{place}: verified at {report.entry.sha[:12]}, where nothing is released yet")
        return
    reported = f"{report.status.creator or 'Argo CD'} at {report.status.created_at} {report.status.log_url}".rstrip()
    ledger = Ledger(context, report.service)
    # What is recorded is done with for a reconciliation: a run that dies before leaves all of this to it. Each may be
    # done twice, and none of it stops the record, which lets the release go on.
    ledger.verified(report.environment, release, report.entry)
    text = f"{release.version}: verified" + (
        f"; {release.rollback.version} was rolled back" if release.rollback else ""
    )
    # A late report on what is no longer wanted must not overwrite what became of it.
    tell = ledger.mirror if report.is_current else ledger.settle
    tell(report.environment, release, "success", text, report.status.log_url or None)
    _settle(context, report, release)
    if report.is_current:
        settling.settle_older(context, report.environment, report.service, release)
    is_news = record.write(context, report.environment, report.service, release, report.entry.sha, reported)
    workflow.notice(f"{place}: {text}")
    workflow.summary(f"### {place}\n\n{text}. {context.platform.story_of(report.service)}")
    if not report.is_current:
        workflow.say(f"{place}: {release.version} is no longer the wanted version; it goes no further")
    elif release.rollback is not None:
        workflow.say(f"{place}: a rollback goes no further")
    else:
        seen = Verified(release.version, report.entry.sha)
        delivery.tidy(context.contents, report.environment, report.service.name, verified=seen)
        _go_on(context, report, release)
    if is_news:
        announce.verified(announce.Place(context.platform, report.service, report.environment), text, report.entry.sha)


def _go_on(context: Context, report: Report, release: Release) -> None:
    """Ask again for what waited, by the same workflow: what a promotion request is checked for holds for it too."""
    run = release.run_number
    waiting = [
        environment
        for environment in situations.waiting_for(context.platform, report.service, report.environment, release)
        if situations.is_ready(context, environment, report.service, release)
        and not _is_rejected(context, environment, report.service, run)
    ]
    if not waiting:
        return
    if run is None:
        workflow.warning(
            f"{release.version}: its run {release.run!r} is unknown; re-run its release to promote it further"
        )
        return
    names = [environment.name for environment in waiting]
    ask.ask(context.platform, context.own, report.service, run, release.digest, names)
    workflow.say(f"goes on to {', '.join(names)}")


def _is_rejected(context: Context, environment: Environment, service: Service, run: str | None) -> bool:
    """Whether one of those who approve has said no to what a run has built. Rejected runs end as failures."""
    if run is None or not environment.approves_jobs:
        return False
    return promotions.is_rejected(context, promotions.failed(context, ["failure"]), environment.name, service.name, run)


def _settle(context: Context, report: Report, release: Release) -> None:
    """Tell what became of the version that was rolled back, should the run that did so have died before."""
    back = release.rollback
    if back is None or not report.is_current:
        return
    before = verified_releases.releases(context, report.environment, report.service)
    failed = next((item for item in before if item.version == back.version), None)
    if failed is not None:
        text = f"{back.version}: rolled back to {release.version}: {back.reason}"
        Ledger(context, report.service).settle(report.environment, failed, "failure", text)
