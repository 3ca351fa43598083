"""Tag pushed → verified in the first environment, against the same release by hand in the same run.

Verified is the record in Git, after Argo CD has reported Synced and Healthy. By hand is `buildah build`, `git push` and
`kubectl rollout status`, as `benchmarks/by_hand.py` has it. With `--polling-runs` also with the webhook switched off,
when Argo CD finds the commit by polling.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Generator

from benchmarks.by_hand import by_hand
from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import job_seconds, next_minor, running, service_argument
from sandbox.clone import Clone
from sandbox.rehearsal import Rehearsal
from sandbox.story import Environment, environments

JOBS = ("test", "build", "ask for promotion")
GOAL_RATIO = 1.5


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        rehearsal = Rehearsal(config)
        service: str = options.service
        stages = environments(rehearsal, service)
        first = stages[0].name
        minor = next_minor(rehearsal, service)
        with rehearsal.clone(service) as clone:
            say("a first release, to have something to start from")
            release(rehearsal, clone, service, stages, f"0.{minor}.0", Report(""))
            with by_hand(config, rehearsal, service, first) as hand:
                hand.release(f"0.{minor}.0")
                for run in range(1, options.runs + 1):
                    version = f"0.{minor}.{run}"
                    say(f"run {run} of {options.runs}: {version}")
                    release(rehearsal, clone, service, stages, version, report)
                    report.measure("the same by hand").values.append(hand.release(version))
            with without_webhook(rehearsal):
                for run in range(options.polling_runs):
                    say(f"polling, run {run + 1} of {options.polling_runs}")
                    polled = Report("")
                    release(rehearsal, clone, service, stages, f"0.{minor + 1}.{run}", polled)
                    report.measure("the same, polling").values += polled.measure(_verified(first)).values
        verified, bound = report.measure(_verified(first)), report.measure("the same by hand")
        report.ratio("tag pushed → verified, in times of the same by hand", verified, bound, GOAL_RATIO)
        report.notes.append("Times of jobs have whole seconds, as on GitHub.")


def _verified(environment: str) -> str:
    return f"tag pushed → verified in {environment}"


def release(
    rehearsal: Rehearsal, clone: Clone, service: str, stages: list[Environment], version: str, report: Report
) -> None:
    """Releases a version, adds when each part of its way was over, and waits until it is everywhere."""
    # Without a commit of its own, so that no image of main is on its way at the same time.
    clone.git("tag", f"v{version}", "HEAD")
    first = stages[0].name
    path = rehearsal.repository_path(rehearsal.environment_repository)
    record = f"{path}/git/matching-refs/tags/verified/{first}/{service}/{version}"
    began = time.monotonic()
    clone.git("push", "--quiet", "origin", f"refs/tags/v{version}")
    looks = {
        f"tag pushed → written for {first}": lambda: rehearsal.version(first, service) == version,
        f"tag pushed → answering in {first}": lambda: version in rehearsal.get(first, service).text,
        f"tag pushed → reported by Argo CD in {first}": lambda: rehearsal.verdict(first, service, version) == "success",
        _verified(first): lambda: bool(rehearsal.github("GET", record)),
    }
    for name, look in looks.items():
        rehearsal.wait(f"{name}: {version}", look, seconds=600)
        report.measure(name).values.append(time.monotonic() - began)
    run = rehearsal.wait_for_run(service, "release.yml", head=f"v{version}")
    for job in JOBS:
        report.measure(f"job: {job}").values.append(job_seconds(rehearsal, service, run["id"], job))
    settle(rehearsal, service, stages, version)


def settle(rehearsal: Rehearsal, service: str, stages: list[Environment], version: str) -> None:
    """Waits until the release has gone its way through the other environments, which is not measured here."""
    for stage in stages:
        if not stage.manual:
            rehearsal.wait(
                f"{version} verified in {stage.name}",
                lambda stage=stage: rehearsal.verdict(stage.name, service, version) == "success",
                seconds=300,
            )

    def is_quiet() -> bool:
        repositories = (rehearsal.environment_repository, service)
        return all(run["status"] == "completed" for name in repositories for run in rehearsal.runs(name))

    # What the last report starts is on its way for a moment.
    time.sleep(2)
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
    parser.add_argument("--polling-runs", type=int, default=0, help="runs without webhook (default: 0; minutes each)")


if __name__ == "__main__":
    sys.exit(benchmark("release_latency", measured, description="Latency of a release", arguments=arguments))
