"""A year of 5,000 releases: people, bad versions, killed runs, lost events and outages, on the model with the program.

Time is the model's clock. Several platforms live through a part of the year each, so that what one of them does wrong
can be played again by its seed. The goals are promises: nothing lost, blamed wrongly or stuck.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Report, benchmark, say
from sandbox.github.core import clock
from slipway_release import workflow
from tests.release import serving
from tests.release.year import APPROVED_PLACES, PLACES, Year


def measured(options: argparse.Namespace, report: Report) -> None:
    seeds = range(options.seed, options.seed + max(1, options.releases // options.each))
    broken = 0
    released = report.measure("releases", "")
    killed, lost, taken_back = (report.measure(name, "") for name in ("killed runs", "lost events", "rolled back"))
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder, serving.github(Path(folder)) as github:
            year = Year(github.world(APPROVED_PLACES if seed % 2 else PLACES), seed)
            workflow.now = year.now
            began = time.monotonic()
            year.live(options.each)
            year.settle()
            report.measure("time of one platform").values.append(time.monotonic() - began)
            found = year.broken_promises()
        clock.move(0)
        broken += len(found)
        report.notes += [f"seed {seed}: {text}" for text in found]
        say(f"seed {seed}: {options.each} releases, {dict(year.counts)}; {'; '.join(found) or 'all promises kept'}")
        released.values.append(year.counts["released"])
        killed.values.append(year.counts["killed"])
        lost.values.append(year.counts["lost"])
        taken_back.values.append(year.counts["rolled back"])
    report.at_most("promises broken", broken, 0)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--releases", type=int, default=5000, help="how many there are in the year (default: 5000)")
    parser.add_argument("--each", type=int, default=100, help="how many each platform sees (default: 100)")
    parser.add_argument("--seed", type=int, default=1, help="the first platform's seed (default: 1)")


if __name__ == "__main__":
    sys.exit(benchmark("simulated_year", measured, description="A year of releases", runs=1, arguments=arguments))
