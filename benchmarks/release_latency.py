"""Tag pushed → Synced, Healthy and answering in the first environment, less the test and build jobs of the release.

By webhook, as platforms with a reachable Argo CD have it, and in the same run with the webhook switched off, when
Argo CD finds the commit by polling.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Generator

from benchmarks.measure import Report, Series, benchmark, say
from benchmarks.sandboxes import job_seconds, next_minor, running, service_argument
from sandbox.demo import environments
from sandbox.rehearsal import Clone, Rehearsal

EXCLUDED_JOBS = ("test", "build")
GOAL_SECONDS = 10


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        rehearsal = Rehearsal(config)
        service: str = options.service
        first = environments(rehearsal, service)[0].name
        minor = next_minor(rehearsal, service)
        total = report.measure(f"tag pushed → answering in {first}, webhook")
        less = report.measure(f"the same less {' and '.join(EXCLUDED_JOBS)}, webhook")
        polled = report.measure(f"the same less {' and '.join(EXCLUDED_JOBS)}, polling")
        with rehearsal.clone(service) as clone:
            for run in range(options.runs):
                say(f"webhook, run {run + 1} of {options.runs}")
                release(rehearsal, clone, service, first, f"0.{minor}.{run}", total, less)
            with without_webhook(rehearsal):
                for run in range(options.polling_runs):
                    say(f"polling, run {run + 1} of {options.polling_runs}")
                    version = f"0.{minor + 1}.{run}"
                    release(rehearsal, clone, service, first, version, Series("unused"), polled)
        report.at_most("tag pushed → Synced and Healthy, less test and build, in seconds", less.median, GOAL_SECONDS)
        report.notes.append(
            "Times of jobs have whole seconds, as on GitHub: the difference is exact to about a second."
        )


def release(
    rehearsal: Rehearsal, clone: Clone, service: str, environment: str, version: str, total: Series, less: Series
) -> None:
    """Releases a version and adds what it took."""
    # Without a commit of its own, so that no image of main is on its way at the same time.
    clone.git("tag", f"v{version}", "HEAD")
    began = time.monotonic()
    clone.git("push", "--quiet", "origin", f"refs/tags/v{version}")
    rehearsal.wait_for_version(environment, service, version, seconds=600)
    rehearsal.wait_for_state(f"{service}-{environment}", "Synced", "Healthy")
    took = time.monotonic() - began
    run = rehearsal.wait_for_run(service, "release.yml", head=f"v{version}")
    settle(rehearsal)
    total.values.append(took)
    less.values.append(max(0.0, took - job_seconds(rehearsal, service, run["id"], *EXCLUDED_JOBS)))


def settle(rehearsal: Rehearsal) -> None:
    """Waits until the release has gone its way through the other environments, which is not measured here."""

    def is_quiet() -> bool:
        return all(run["status"] == "completed" for run in rehearsal.runs(rehearsal.environment_repository))

    rehearsal.wait("an end of all runs", is_quiet, seconds=300)


@contextlib.contextmanager
def without_webhook(rehearsal: Rehearsal) -> Generator[None]:
    """Switches the webhooks of the environment repository off for a while."""
    path = f"{rehearsal.repository_path(rehearsal.environment_repository)}/hooks"
    active = [hook["id"] for hook in rehearsal.github("GET", path) if hook["active"]]
    try:
        for hook in active:
            rehearsal.github("PATCH", f"{path}/{hook}", body={"active": False})
        yield
    finally:
        for hook in active:
            rehearsal.github("PATCH", f"{path}/{hook}", body={"active": True})


def arguments(parser: argparse.ArgumentParser) -> None:
    service_argument(parser)
    parser.add_argument("--polling-runs", type=int, default=2, help="runs without webhook (default: 2; minutes each)")


if __name__ == "__main__":
    sys.exit(benchmark("release_latency", measured, description="Latency of a release", arguments=arguments))
