"""What says of a proposed commit whether it may be merged. It runs without PyYAML, as releases do."""

from __future__ import annotations

import argparse
from pathlib import Path

from slipway_release import context, gates, platform_file, verdict, workflow
from slipway_release.validation import comment, installation


def check_base(options: argparse.Namespace) -> None:
    verdict.check_base(context.from_environment(), options.commit)


def install_helm(_: argparse.Namespace) -> None:
    program = installation.install(platform_file.load().helm, Path(workflow.variable("RUNNER_TEMP")))
    if program is not None:
        installation.announce(program)


def give_verdict(_: argparse.Namespace) -> None:
    around = context.from_environment()
    commit, branch = workflow.variable("COMMIT"), workflow.optional("BRANCH")
    if verdict.turned_away(around, workflow.variable("PULL_REQUEST"), commit, branch):
        return
    reason = gates.refusal(around, branch, commit) if branch else None
    result = workflow.variable("RESULT")
    verdict.give(around, commit, result, gates.closing(reason) if reason else None)
    if branch and result == "success":
        gates.merge(around, branch)


def comment_diff(options: argparse.Namespace) -> None:
    around = context.from_environment()
    text = options.markdown.read_text(encoding="utf-8") if options.markdown else workflow.variable("DIFFERENCE")
    comment.keep(around, workflow.variable("PULL_REQUEST"), text)
