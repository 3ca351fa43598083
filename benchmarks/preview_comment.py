"""A pull request on the platform repository: pushed → the preview's comment, by the real workflow in the sandbox."""

import argparse
import sys
import time

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import command, running
from sandbox.merged_settings import REPOSITORY
from sandbox.people import propose
from sandbox.rehearsal import Rehearsal

GOAL_SECONDS = 30
SETTINGS = "stacks/Pulumi.sandbox.yaml"
COMMENTED = "pull request opened → comment"


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        command(config, "platform-repository")
        rehearsal = Rehearsal(config)
        for run in range(options.runs):
            say(f"run {run + 1} of {options.runs}")
            commented(rehearsal, report)
        report.at_most("pull request → comment, in seconds", report.measure(COMMENTED).median, GOAL_SECONDS)


def commented(rehearsal: Rehearsal, report: Report) -> None:
    """Opens a pull request that renames a group, waits for the comment, and closes it again."""
    path = rehearsal.repository_path(REPOSITORY)
    with rehearsal.clone(REPOSITORY, "dana") as clone:
        text = (clone.directory / SETTINGS).read_text(encoding="utf-8")
        changed = text.replace('"acme web"', '"acme developers"')
        number = propose(rehearsal, clone, f"Rename a group at {time.time():.0f}", {SETTINGS: changed}, author="dana")
    began = time.monotonic()
    rehearsal.wait("the comment", lambda: rehearsal.github("GET", f"{path}/issues/{number}/comments"), seconds=600)
    report.measure(COMMENTED).values.append(time.monotonic() - began)
    run = rehearsal.wait_for_run(REPOSITORY, "preview.yml")
    if run["conclusion"] != "success":
        sys.exit(f"the preview ended with {run['conclusion']}: {rehearsal.run_log(REPOSITORY, run['id'])}")
    rehearsal.github("PATCH", f"{path}/pulls/{number}", body={"state": "closed"})


if __name__ == "__main__":
    sys.exit(benchmark("preview_comment", measured, description="Preview of a pull request", runs=3))
