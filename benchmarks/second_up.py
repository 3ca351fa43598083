"""`make up` and `make preview` on a platform that is up: they look at everything, and nothing is to be changed."""

import argparse
import sys

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import command, running

UP_SECONDS = 8
PREVIEW_SECONDS = 5


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        changed = 0
        for run in range(options.runs):
            say(f"run {run + 1} of {options.runs}")
            with report.measure("second up").timed():
                said = command(config, "up")
            changed += "nothing changed" not in said
            with report.measure("preview").timed():
                said = command(config, "preview")
            changed += "nothing would change" not in said
        report.at_most("second up, in seconds", report.measure("second up").median, UP_SECONDS)
        report.at_most("preview, in seconds", report.measure("preview").median, PREVIEW_SECONDS)
        report.at_most("runs that changed something", changed, 0)


if __name__ == "__main__":
    sys.exit(benchmark("second_up", measured, description="The second up, and a preview"))
