"""What looks at the files that a pull request proposes: it alone needs PyYAML, and no release depends on it."""

from __future__ import annotations

import argparse

from slipway_release import workflow
from slipway_release.validation import check, difference, ownership


def validate(options: argparse.Namespace) -> None:
    branch = workflow.optional("HEAD_BRANCH")
    fork = workflow.optional("HEAD_REPOSITORY").lower() != workflow.optional("GITHUB_REPOSITORY").lower()
    check.run(options.folder, options.base, ownership.Proposal(branch, fork) if branch else None)


def show_diff(options: argparse.Namespace) -> None:
    difference.run(options.base, options.head, options.output)
