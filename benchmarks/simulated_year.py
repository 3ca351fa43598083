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
from slipway_release import workflow
from slipway_release.blame import MANY
from tests.release import serving
from tests.release.builders import SERVICES
from tests.release.year import promises, rush, times
from tests.release.year.places import PLACES, SHAPES
from tests.release.year.year import Year


def measured(options: argparse.Namespace, report: Report) -> None:
    if options.rush:
        many_at_once(options, report)
        return
    seeds = range(options.seed, options.seed + max(1, options.releases // options.each))
    broken = 0
    released = report.measure("releases", "")
    killed, lost, taken_back = (report.measure(name, "") for name in ("killed runs", "lost events", "rolled back"))
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder, serving.github(Path(folder)) as github:
            several = options.services or (MANY + 3 if seed % 5 == 0 else len(SERVICES))
            services = [*SERVICES, *(f"service-{number:02}" for number in range(several - len(SERVICES)))]
            year = Year(github.world(SHAPES[seed % len(SHAPES)], services, direct=True), seed)
            workflow.now = year.now
            began = time.monotonic()
            year.live(options.each)
            year.settle()
            report.measure("time of one platform").values.append(time.monotonic() - began)
            found = promises.broken(year)
        times.end()
        broken += len(found)
        report.notes += [f"seed {seed}: {text}" for text in found]
        say(f"seed {seed}: {options.each} releases, {dict(year.counts)}; {'; '.join(found) or 'all promises kept'}")
        released.values.append(year.counts["released"])
        killed.values.append(year.counts["killed"])
        lost.values.append(year.counts["lost"])
        taken_back.values.append(year.counts["rolled back"])
    report.at_most("promises broken", broken, 0)


def many_at_once(options: argparse.Namespace, report: Report) -> None:
    """100 releases (`--each`) of 20 services in five minutes, and the same ones without any fault to compare with."""
    took: dict[bool, float] = {}
    for faults in (False, True):
        with tempfile.TemporaryDirectory() as folder, serving.github(Path(folder)) as github:
            services = [f"service-{number:02}" for number in range(max(1, options.each // 5))]
            year = Year(github.world(PLACES, services, direct=True), options.seed)
            workflow.now = year.now
            began = time.monotonic()
            rush.rush(year, options.each, 3 * options.each, faults=faults)
            took[faults] = time.monotonic() - began
            found = rush.broken_promises(year)
        times.end()
        what = "with faults" if faults else "without faults"
        say(f"{what}: {dict(year.counts)}; {'; '.join(found) or 'all promises kept'}")
        report.notes += [f"{what}: {text}" for text in found]
        report.at_most(f"lost, blamed wrongly, reordered or not recorded, {what}", len(found), 0)
        for name in ("errors", "killed", "lost", "rolled back", "rounds"):
            report.measure(f"{name}, {what}", "").values.append(year.counts[name])
    ratio = report.measure("time of the program until it is quiet, against the same without faults", "times")
    ratio.values.append(took[True] / took[False])


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--releases", type=int, default=5000, help="how many there are in the year (default: 5000)")
    parser.add_argument("--each", type=int, default=100, help="how many each platform sees (default: 100)")
    parser.add_argument("--services", type=int, help="of each platform (default: 2, and 6 of every fifth)")
    parser.add_argument("--rush", action="store_true", help="100 releases of 20 services in five minutes instead")
    parser.add_argument("--seed", type=int, default=1, help="the first platform's seed (default: 1)")


if __name__ == "__main__":
    sys.exit(benchmark("simulated_year", measured, description="A year of releases", runs=1, arguments=arguments))
