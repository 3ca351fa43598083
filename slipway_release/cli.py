"""The commands. Each is what one step of a workflow runs; what a client sent arrives in environment variables only."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway_release import workflow
from slipway_release.errors import RefusedError, ReleaseError

Command = Callable[[argparse.Namespace], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the process's exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        _command(options.run)(options)
    except ReleaseError as error:
        workflow.error(str(error))
        workflow.summary(f"**Refused:** {error}" if isinstance(error, RefusedError) else f"**Failed:** {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _command(name: str) -> Command:
    """What a command runs, as `<module>.<function>` of `slipway_release.commands`; no other module is imported."""
    module, _, function = name.partition(".")
    return getattr(importlib.import_module(f"slipway_release.commands.{module}"), function)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slipway_release", description=__doc__)
    subcommands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: str, help_text: str) -> argparse.ArgumentParser:
        command = subcommands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(run=run)
        return command

    add("check-tag", "release.check_tag", "service: may this tag or branch be released (GITHUB_REF, GITHUB_SHA)")
    add("build", "release.build", "service: build and push the image of this run's commit")
    add(
        "pull-request",
        "release.run_pull_request",
        "service: build and announce a pull request (PULL_REQUEST, COMMIT, ADDRESS)",
    )
    add(
        "pull-request-gone",
        "release.end_pull_request",
        "service: say that a pull request does not run any more (PULL_REQUEST)",
    )
    add(
        "expire-pull-requests",
        "release.expire_pull_requests",
        "service: take LABEL off pull requests without a change for DAYS",
    )
    add("request", "release.request", "service: ask for promotion (RUN, DIGEST)")
    add(
        "name",
        "naming.name_repository",
        "the repository of a service (SERVICE or REQUEST), report (PLACEMENT or DEPLOYMENT) or pull request (BRANCH)",
    )
    add(
        "plan",
        "promotion.plan",
        "check a promotion request and deliver it at once where it may (REQUEST or SERVICE, RUN; DIGEST)",
    )
    add(
        "deliver",
        "promotion.deliver",
        "deliver a request that was approved to one environment (as plan, and ENVIRONMENT)",
    )
    add("merged", "events.record_merged", "record a merged pull request (BRANCH, COMMIT)")
    add("forward", "events.forward_report", "start what handles a report (DEPLOYMENT, PLACEMENT, STATE)")
    add("verified", "events.record_verified", "handle a deployment reported as success (DEPLOYMENT)")
    add("rollback", "events.roll_back", "handle a deployment reported as failure (DEPLOYMENT)")
    add(
        "reachable",
        "naming.name_reachable",
        "the repositories of services that the App reaches (INSTALLATION_TOKEN)",
    )
    fix = add("reconcile", "reconciliation.reconcile_all", "finish what an event, a run or a rate limit has lost")
    fix.add_argument("folder", type=Path, nargs="?", help="a work tree of main, to save calls")
    add("hold", "by_hand.put_on_hold", "put a version on hold (SERVICE, ENVIRONMENT, VERSION, REASON)")
    add("unhold", "by_hand.release_from_hold", "release a version from hold (SERVICE, ENVIRONMENT, VERSION, PROMOTE)")
    add("roll-back", "by_hand.roll_back_by_hand", "take back what runs (SERVICE, ENVIRONMENT, VERSION, REASON)")
    status = add("page", "show.write_page", "the status page as one HTML file")
    status.add_argument("output", type=Path, help="where it is written")
    status.add_argument("--folder", type=Path, default=Path(), help="a clone of this repository (default: .)")
    told = add("releases", "show.show_releases", "the newest releases and DORA's figures as the page has them, as text")
    told.add_argument("--folder", type=Path, default=Path(), help="a clone of this repository (default: .)")
    add(
        "forward-review",
        "reconciliation.forward_review",
        "start the reconciliation that judges a reviewed pull request again",
    )
    add("freeze", "by_hand.freeze_environment", "promote nothing to an environment for a while (ENVIRONMENT, REASON)")
    add("unfreeze", "by_hand.end_freeze", "end the freeze of an environment (ENVIRONMENT)")
    _add_validation(add)
    figures = add("dora", "show.show_dora", "DORA's four figures for each service and environment, from the ledger")
    figures.add_argument("--days", type=int, default=30, help="how far to look back (default: 30)")
    figures.add_argument("--service", help="only this service")
    figures.add_argument("--environment", help="only this environment")
    figures.add_argument("--json", action="store_true", help="JSON instead of a table")
    return parser


def _add_validation(add: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    checks = add("validate", "judge.validate", "check the files of the environment repository")
    checks.add_argument("folder", type=Path, nargs="?", default=Path(), help="its work tree (default: .)")
    checks.add_argument("--base", type=Path, help="a work tree of the base branch, to see what has changed")
    onto = add("check-base", "verdicts.check_base", "refuse to judge a proposal onto what is not on main")
    onto.add_argument("commit", help="what the proposal was merged onto")
    add("install-helm", "verdicts.install_helm", "install the Helm that Argo CD renders with (RUNNER_TEMP)")
    add(
        "verdict",
        "verdicts.give_verdict",
        "say of a proposed commit whether it may be merged (PULL_REQUEST, COMMIT, RESULT)",
    )
    diff = add("diff", "judge.show_diff", "the rendered difference between two work trees, as Markdown")
    diff.add_argument("base", type=Path)
    diff.add_argument("head", type=Path)
    diff.add_argument("--output", type=Path, help="write it there instead of to the log")
    comment = add("diff-comment", "verdicts.comment_diff", "keep the pull request's comment up to date (PULL_REQUEST)")
    comment.add_argument("markdown", type=Path, nargs="?", help="the comment (default: DIFFERENCE)")
