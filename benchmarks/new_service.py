"""`make service` → answering in dev: proposed, previewed, merged, deployed, its settings merged, its first tag pushed.

Everything goes the way that it goes at a company, by the platform repository of the sandbox; people answer at once.
Its files in the environment repository take a second pull request, by `ownedFiles: pull-request`. The deployment after
that is measured by itself: the service runs without it.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.measure import Report, benchmark, say
from benchmarks.release_latency import settle
from benchmarks.sandboxes import command, running
from sandbox.merged_settings import REPOSITORY
from sandbox.overlay import STACK
from sandbox.people import agree, numbered
from sandbox.rehearsal import Rehearsal
from sandbox.story import environments
from slipway_release.pulls import SETTINGS_BRANCH

GOAL_SECONDS = 60
VERSION = "0.1.0"
PATIENCE = 900
WHOLE = "make service → answering in dev"


def measured(options: argparse.Namespace, report: Report) -> None:
    with running() as config:
        command(config, "platform-repository")
        rehearsal = Rehearsal(config)
        try:
            for run in range(options.runs):
                say(f"run {run + 1} of {options.runs}")
                made(rehearsal, f"made-{time.time():.0f}", options.template, report)
        finally:
            command(config, "up")  # takes back what was merged, since this tree does not have it
    report.at_most("make service → answering in dev, in seconds", report.measure(WHOLE).median, GOAL_SECONDS)


def made(rehearsal: Rehearsal, name: str, template: str, report: Report) -> None:
    """Makes a service and releases it; adds what the parts took."""
    began = time.monotonic()
    with report.measure("make service → pull request").timed():
        number = proposed(rehearsal, name, template)
    with report.measure("pull request → preview").timed():
        rehearsal.wait_for_run(REPOSITORY, "preview.yml", head=f"add-service-{name}", seconds=PATIENCE)
    with report.measure("merge → deployed").timed():
        deployed(rehearsal, lambda: agree(rehearsal, REPOSITORY, number, reviewer="pat", seconds=PATIENCE))
    with report.measure("deployed → settings merged").timed():
        for pull in waiting(rehearsal):
            agree(rehearsal, rehearsal.environment_repository, pull, reviewer="pat", seconds=PATIENCE)
    with report.measure("tag pushed → answering in dev").timed(), rehearsal.clone(name, "dana") as clone:
        clone.tag(f"v{VERSION}")
        rehearsal.wait_for_version("dev", name, VERSION, seconds=PATIENCE)
    report.measure(WHOLE).values.append(time.monotonic() - began)
    with report.measure("deployed once more").timed():
        path = f"{rehearsal.repository_path(REPOSITORY)}/actions/workflows/deploy.yml/dispatches"
        deployed(rehearsal, lambda: rehearsal.github("POST", path, body={"ref": "main"}))
    settle(rehearsal, name, environments(rehearsal, name), VERSION)


def proposed(rehearsal: Rehearsal, name: str, template: str) -> int:
    """The pull request of `make service … PROPOSE=1`, as dana makes it in a clone."""
    words = ["service", "--stack", STACK, "--name", name, "--template", template, "--team", "web", "--yes", "--propose"]
    environment = {
        **os.environ,
        "GITHUB_TOKEN": rehearsal.token("dana"),
        "GITHUB_API_URL": f"{rehearsal.config.github_url.rstrip('/')}/api/v3",
    }
    with rehearsal.clone(REPOSITORY, "dana") as clone:
        ran = subprocess.run(
            [sys.executable, "-m", "stacks.new", *words], cwd=clone.directory, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    if ran.returncode:
        sys.exit(f"make service: {ran.stderr}")
    return numbered(ran.stdout.strip())[1]


def deployed(rehearsal: Rehearsal, begin: Callable[[], object]) -> None:
    """Does something that starts deploy.yml, and waits for its end."""
    last = max((run["id"] for run in rehearsal.runs(REPOSITORY, workflow="deploy.yml")), default=0)
    begin()
    run = rehearsal.wait_for_run(REPOSITORY, "deploy.yml", after=last, seconds=PATIENCE)
    if run["conclusion"] != "success":
        sys.exit(f"deploy.yml ended with {run['conclusion']}: {rehearsal.run_log(REPOSITORY, run['id'])}")


def waiting(rehearsal: Rehearsal) -> list[int]:
    """The pull requests of the environment repository with files of the platform."""
    found = rehearsal.open_pull_requests(rehearsal.environment_repository)
    return [pull["number"] for pull in found if pull["head"]["ref"] == SETTINGS_BRANCH]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--template", default="python-web", help="what it is made from (default: python-web)")


if __name__ == "__main__":
    sys.exit(benchmark("new_service", measured, description="A new service", runs=1, arguments=arguments))
