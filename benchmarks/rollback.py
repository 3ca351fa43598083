"""A bad release: Degraded → rollback commit → healthy again, against the same by kubectl alone in the same run.

By kubectl a bad image is set, waited for until it has failed, and the good one is set and rolled out again.
"""

import argparse
import sys
import time
from collections.abc import Callable

from benchmarks.by_hand import NAME, ByHand, by_hand
from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import fail_fast, next_minor, running, service_argument
from sandbox.clone import Clone
from sandbox.demo import FAULT
from sandbox.people import change
from sandbox.rehearsal import Rehearsal
from sandbox.story import Environment, environments

GOAL_COMMIT_SECONDS = 5
GOAL_MORE_SECONDS = 4
"""To healthy again, beyond what kubectl alone needs."""


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        rehearsal = Rehearsal(config)
        service: str = options.service
        stage = next(one for one in environments(rehearsal, service) if one.name == options.environment)
        fail_fast(rehearsal, stage.name, service)
        minor = next_minor(rehearsal, service)
        good = f"0.{minor}.0"
        with rehearsal.clone(service, "dana") as clone:
            say(f"{good}, a good version to go back to")
            clone.tag(f"v{good}")
            rehearsal.wait_for_version(stage.name, service, good, seconds=600)
            rehearsal.wait(
                f"{good} verified", lambda: rehearsal.verdict(stage.name, service, good) == "success", seconds=120
            )
            dockerfile = (clone.directory / "Dockerfile").read_text()
            with by_hand(config, rehearsal, service, stage.name) as hand:
                good_image = hand.build(good)
                hand.roll_out(good_image)
                change(
                    rehearsal,
                    clone,
                    "Break readiness",
                    {"Dockerfile": dockerfile + FAULT},
                    author="dana",
                    reviewer="sam",
                )
                hand.source.git("pull", "--quiet", "origin", "main")
                bad_image = hand.build(f"0.{minor + 1}.0")
                try:
                    for run in range(options.runs):
                        bad = f"0.{minor + 1}.{run}"
                        say(f"run {run + 1} of {options.runs}: {bad}, a bad version")
                        roll_back(rehearsal, clone, service, stage, good, bad, report)
                        roll_back_by_hand(rehearsal, hand, good_image, bad_image, report)
                finally:
                    change(
                        rehearsal, clone, "Mend readiness", {"Dockerfile": dockerfile}, author="dana", reviewer="sam"
                    )
        commit, healthy = report.measure("Degraded → rollback commit"), report.measure("Degraded → healthy again")
        alone = report.measure("bad → rolled out again, by kubectl alone")
        report.at_most("Degraded → rollback commit, in seconds", commit.median, GOAL_COMMIT_SECONDS)
        report.at_most(
            "Degraded → healthy again, in seconds beyond kubectl alone",
            healthy.median - alone.median,
            GOAL_MORE_SECONDS,
        )


def roll_back(
    rehearsal: Rehearsal, clone: Clone, service: str, stage: Environment, good: str, bad: str, report: Report
) -> None:
    """Releases a bad version and adds how long each step of its rollback took."""
    environment, application = stage.name, f"{service}-{stage.name}"
    clone.tag(f"v{bad}")
    seen(rehearsal, f"{bad} written", lambda: rehearsal.version(environment, service, stage.branch) == bad)
    degraded = seen(rehearsal, f"{bad} Degraded", lambda: rehearsal.state(application) == ("Synced", "Degraded"))
    back = seen(rehearsal, f"back to {good}", lambda: rehearsal.version(environment, service, stage.branch) == good)
    rehearsal.wait_for_state(application, "Synced", "Healthy", seconds=300)
    rehearsal.wait_for_version(environment, service, good)
    healthy = time.monotonic()
    report.measure("Degraded → rollback commit").values.append(back - degraded)
    report.measure("rollback commit → healthy again").values.append(healthy - back)
    report.measure("Degraded → healthy again").values.append(healthy - degraded)


def roll_back_by_hand(rehearsal: Rehearsal, hand: ByHand, good: str, bad: str, report: Report) -> None:
    hand.set_image(bad)
    reason = 'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}'
    seen(
        rehearsal,
        "the bad image failing",
        lambda: hand.kubectl("get", "deployment", NAME, "--output", reason) == "ProgressDeadlineExceeded",
    )
    with report.measure("bad → rolled out again, by kubectl alone").timed():
        hand.roll_out(good)


def seen(rehearsal: Rehearsal, what: str, look: Callable[[], bool]) -> float:
    """Waits for something and says when it was seen."""
    rehearsal.wait(what, look, seconds=600)
    return time.monotonic()


def arguments(parser: argparse.ArgumentParser) -> None:
    service_argument(parser)
    parser.add_argument("--environment", default="staging", help="where it happens (default: staging)")


if __name__ == "__main__":
    sys.exit(benchmark("rollback", measured, description="Rollback of a bad release", arguments=arguments))
