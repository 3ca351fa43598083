"""Rollback: a bad release is taken back through Git, once, and stays away.

Owns the decision whether a failure is one to act on, and the commit or pull request that writes the
last verified release back and puts the bad version on hold.
"""

from __future__ import annotations

from slipway_release import blame, limits, proposals, pulls, reports, taking_back, verified_releases, workflow
from slipway_release.blame import Configuration
from slipway_release.choices import Rollback
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.ledger import Ledger
from slipway_release.platform_types import MAIN, Environment, Service
from slipway_release.release_file import Release
from slipway_release.reports import Report
from slipway_release.taking_back import Answer, Cause


def rollback(context: Context, number: str) -> Answer:
    """Handle the newest report of a deployment, if it is one of failure."""
    report = reports.read(context, number)
    if report is None:
        return _say(Answer(f"deployment {number}: none of a release"))
    if report.status.state == "success":
        return _say(Answer(f"deployment {number}: stale, its newest report is {report.status.state}"))
    answer = act(context, report)
    workflow.summary(context.platform.story_of(report.service))
    return _say(answer)


def act(context: Context, report: Report) -> Answer:
    """Roll back, or say why not; the service's repository is told."""
    answer = _acted(context, report)
    _tell(context, report, answer)
    return answer


def _acted(context: Context, report: Report) -> Answer:
    guarded = guard(report)
    if guarded:
        return Answer(guarded)
    failed = report.release
    assert failed is not None  # noqa: S101 - the guard has refused a report without a release
    environment, service = report.environment, report.service
    if blame.is_outage(report):
        return Answer(
            f"{failed.version} could not be applied because something in the cluster did not answer; nothing is held. "
            "Sync it again once that is mended, or release a newer version"
        )
    was_good = blame.was_good(context, report, failed)
    past = blame.Past(context, environment, service)
    changed = blame.configuration(past, report, failed, good=was_good)
    if changed is not None:
        return _propose(context, report, failed, changed, good=was_good)
    if failed.rollback is not None:
        return Answer(
            f"{failed.version} is itself a rollback (from {failed.rollback.version}) and is not rolled back "
            "again; a person has to look"
        )
    if was_good:
        return Answer(
            f"{failed.version} was verified before, with the same chart and values, so the release is not what broke; "
            "look for what it depends on (quota, node, registry, another service). Nothing is held; it is looked at "
            "again with the next report"
        )
    found = verified_releases.target(context, environment, service, failed, report.head)
    if found.good is None:
        return Answer(found.nothing(failed, environment))
    others = blame.others_failing(context, report)
    if len(others) >= blame.MANY:
        workflow.error(f"{environment.name}: {len(others) + 1} services fail at once")
        return Answer(
            f"{len(others) + 1} services of {environment.name} failed within minutes ({service.name}, "
            f"{', '.join(others[:5])}), so it is not their releases; a person has to look at the cluster. Nothing is "
            "taken back or held; what still fails alone later is"
        )
    if _is_declined(context, report, failed):
        return Answer(
            f"{failed.version} failed, and a person has closed the pull request that takes it back; it stays until it "
            "is delivered again or a newer version comes"
        )
    link = report.status.log_url or failed.run
    reason = report.status.description or "Argo CD reported a failure"
    changed = blame.together(past, report, failed, found.good.commit)
    if changed is not None:
        first = "" if environment.target_branch == MAIN else f"mend the configuration on {MAIN}, then "
        reason += (
            f"; {', '.join(changed.paths[:3])} came with it{_by(changed)} in {changed.commit[:12]}, and either may be "
            f"what broke. Both are put back; {first}release {failed.version} from hold to try it without the other"
        )
    cause = Cause(reason, f"{service.name} {failed.version} at {report.entry.sha}", link)
    by_request = environment.rollback is Rollback.PULL_REQUEST
    return taking_back.take_back(context, environment, service, failed, found, cause, by_request=by_request)


def guard(report: Report) -> str | None:
    """Why a failure is not one to act on, from the report alone; None if it is."""
    release, environment = report.release, report.environment
    if release is None:
        return f"nothing of {report.service.name} was released at {report.entry.sha[:12]}"
    if not report.is_current:
        now = report.head.release.version if report.head.release else "nothing"
        return f"superseded: {release.version} failed, but {now} is wanted now"
    if environment.rollback is Rollback.OFF:
        return f"rollback is off in {environment.name}; release a newer version or revert by hand"
    return None


def _is_declined(context: Context, report: Report, failed: Release) -> bool:
    """Whether a person has decided against the rollback of this delivery."""
    contents, environment, service = context.contents, report.environment, report.service
    came = reports.delivered(context, environment, service, failed, environment.target_branch)
    after = came.sha if came else None
    return pulls.is_declined(contents, environment, service.name, failed.version, "rollback", after)


def by_hand(
    context: Context, environment: Environment, service: Service, version: str, *, reason: str, login: str
) -> Answer:
    """Take back what runs because a person says so, to what was verified before; a request where people approve.

    Raises:
        RefusedError: that version is not what is wanted there, or nothing was verified before it.
    """
    file = context.contents.release(environment.name, service.name, environment.target_branch)
    failed = file.release
    if failed is None or failed.version != version:
        raise RefusedError(
            f"version {version!r}: not in {environment.name}, which has {failed.version if failed else 'nothing'}; "
            "name the version that is to go"
        )
    found = verified_releases.target(context, environment, service, failed, file)
    if found.good is None:
        raise RefusedError(found.nothing(failed, environment))
    words = f"{limits.reason(reason) or 'no reason given'} ({login})"
    cause = Cause(words, f"{login} says so of {service.name} {version}", context.run_url, by_hand=True)
    by_request = environment.approval or environment.rollback is Rollback.PULL_REQUEST
    answer = taking_back.take_back(context, environment, service, failed, found, cause, by_request=by_request)
    Ledger(context, service).mirror(environment, failed, "failure", f"{version}: {answer.reason}: {words}")
    return _say(answer)


def _propose(context: Context, report: Report, failed: Release, changed: Configuration, *, good: bool) -> Answer:
    """Ask the author of a change of configuration to take it back; the release stays, and nothing is held."""
    environment, service, contents = report.environment, report.service, context.contents
    before = "was verified before and " if good else ""
    reason = (
        f"{failed.version} {before}is not what broke: {', '.join(changed.paths[:3])} changed{_by(changed)} in "
        f"{changed.commit[:12]}, and it fails since"
    )
    if environment.target_branch != MAIN:
        return Answer(f"{reason}; mend the configuration on {MAIN} and release again. Nothing is held")
    title = f"Restore the configuration of {service.name} in {environment.name}"
    mention = f"\n@{changed.author}: please look.\n" if changed.author else "\n"
    paths = ", ".join(changed.paths)
    body = (
        f"{reason}.\n\nWhy: {report.status.description}\n"
        f"Where to look: {report.status.log_url or failed.run}\n\nMerge this to restore {paths} as of "
        f"{changed.since}, or close it and mend it another way. {failed.version} is not on hold.\n{mention}"
    )
    branch = pulls.branch_of(environment.name, service.name, changed.commit[:12], "restore")
    pull = proposals.propose_restore(contents, branch, changed.since, changed.paths, title=title, body=body)
    if pull is None:
        return Answer(f"{reason}; somebody has mended it meanwhile")
    return Answer(f"{reason}; pull request #{pull.number} proposes to restore it. Nothing is held")


def _by(changed: Configuration) -> str:
    return f" by {changed.author}" if changed.author else ""


def _tell(context: Context, report: Report, answer: Answer) -> None:
    """Mirror the failure, and what was done about it, to the service's repository."""
    release = report.release
    if release is None:
        return
    why = f": {report.status.description}" if answer.target is not None and report.status.description else ""
    text = f"{release.version}: {answer.reason}{why}"
    # A report on a version that is no longer wanted must not overwrite what its release became.
    if report.is_current or answer.target is not None:
        Ledger(context, report.service).mirror(
            report.environment, release, "failure", text, report.status.log_url or None
        )


def _say(answer: Answer) -> Answer:
    if answer.target is None:
        workflow.notice(f"no rollback: {answer.reason}")
    else:
        workflow.warning(answer.reason)
    workflow.summary(f"### Rollback\n\n{answer.reason}")
    return answer
