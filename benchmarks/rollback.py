"""A bad release: Degraded → rollback commit → healthy again, in an environment that is synced automatically."""

import argparse
import sys
import time
from collections.abc import Callable

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import fail_fast, next_minor, running, service_argument
from sandbox.demo import FAULT
from sandbox.people import change
from sandbox.rehearsal import Clone, Rehearsal

GOAL_SECONDS = 5


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        rehearsal = Rehearsal(config)
        service, environment = options.service, options.environment
        fail_fast(rehearsal, environment, service)
        minor = next_minor(rehearsal, service)
        good = f"0.{minor}.0"
        with rehearsal.clone(service, "dana") as clone:
            say(f"{good}, a good version to go back to")
            clone.tag(f"v{good}")
            rehearsal.wait_for_version(environment, service, good, seconds=600)
            rehearsal.wait(
                f"{good} verified", lambda: rehearsal.verdict(environment, service, good) == "success", seconds=120
            )
            dockerfile = (clone.directory / "Dockerfile").read_text()
            change(
                rehearsal, clone, "Break readiness", {"Dockerfile": dockerfile + FAULT}, author="dana", reviewer="sam"
            )
            try:
                for run in range(options.runs):
                    bad = f"0.{minor + 1}.{run}"
                    say(f"run {run + 1} of {options.runs}: {bad}, a bad version")
                    roll_back(rehearsal, clone, service, environment, good, bad, report)
            finally:
                change(rehearsal, clone, "Mend readiness", {"Dockerfile": dockerfile}, author="dana", reviewer="sam")
        report.at_most(
            "Degraded → rollback commit, in seconds", report.measure("Degraded → rollback commit").median, GOAL_SECONDS
        )


def roll_back(
    rehearsal: Rehearsal, clone: Clone, service: str, environment: str, good: str, bad: str, report: Report
) -> None:
    """Releases a bad version and adds how long each step of its rollback took."""
    application = f"{service}-{environment}"
    clone.tag(f"v{bad}")
    seen(rehearsal, f"{bad} written", lambda: rehearsal.version(environment, service) == bad)
    degraded = seen(rehearsal, f"{bad} Degraded", lambda: rehearsal.state(application) == ("Synced", "Degraded"))
    back = seen(rehearsal, f"back to {good}", lambda: rehearsal.version(environment, service) == good)
    rehearsal.wait_for_state(application, "Synced", "Healthy", seconds=300)
    rehearsal.wait_for_version(environment, service, good)
    healthy = time.monotonic()
    report.measure("Degraded → rollback commit").values.append(back - degraded)
    report.measure("rollback commit → healthy again").values.append(healthy - back)
    report.measure("Degraded → healthy again").values.append(healthy - degraded)


def seen(rehearsal: Rehearsal, what: str, look: Callable[[], bool]) -> float:
    """Waits for something and says when it was seen."""
    rehearsal.wait(what, look, seconds=600)
    return time.monotonic()


def arguments(parser: argparse.ArgumentParser) -> None:
    service_argument(parser)
    parser.add_argument("--environment", default="staging", help="where it happens (default: staging)")


if __name__ == "__main__":
    sys.exit(benchmark("rollback", measured, description="Rollback of a bad release", arguments=arguments))
