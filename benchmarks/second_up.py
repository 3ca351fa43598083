"""`make up` on a platform that is up already: it looks at everything, changes nothing, and says so."""

import argparse
import sys

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import command, running

GOAL_SECONDS = 15


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        changed = 0
        for run in range(options.runs):
            say(f"run {run + 1} of {options.runs}")
            with report.measure("second up").timed():
                said = command(config, "up")
            changed += "nothing changed" not in said
        report.at_most("second up, in seconds", report.measure("second up").median, GOAL_SECONDS)
        report.at_most("runs that changed something", changed, 0)


if __name__ == "__main__":
    sys.exit(benchmark("second_up", measured, description="The second up"))
