"""Time of a preview of 100 and of 300 services in three environments, by the engine of `pulumi`.

Each run is a process of its own, as `make plan` is one: the time of importing the SDK is part of what a person waits
for. The providers reach nothing, so that nothing can be slow but the program and the engine.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Report, benchmark, say
from sandbox.config import SandboxConfig
from sandbox.progress import Progress
from sandbox.pulumi.plan import plan
from sandbox.pulumi.settings import StackConfig, read_stack
from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS

ROOT = Path(__file__).parent.parent
SMALL, LARGE = 100, 300
LIMIT_SECONDS = 600


def settings_of(services: int, **more: Any) -> StackConfig:
    """The sandbox's platform with that many services, and more settings by name."""
    overlay = {
        f"{NAMESPACE}:services": [
            {"name": f"service-{number:04}", "template": "python-web", "team": "web"} for number in range(services)
        ],
        # The surroundings are not there: this is about the program.
        f"{NAMESPACE}:preflight": False,
    }
    secrets = {f"{NAMESPACE}:{name}": "placeholder" for name in SECRETS}
    more = {f"{NAMESPACE}:{name}": value for name, value in more.items()}
    return read_stack(ROOT, "sandbox", overlay | more, secrets)


def plan_once(services: int) -> dict[str, float]:
    """Plans the sandbox's platform with that many services in this process."""
    settings = settings_of(services)
    began = time.monotonic()
    run = plan(SandboxConfig.from_environment(), settings, Progress(quiet=True))
    return {"seconds": time.monotonic() - began, "resources": run.total}


def measured(options: argparse.Namespace, report: Report) -> None:
    if options.once:
        print(json.dumps(plan_once(options.once)))
        sys.exit(0)
    resources: dict[int, float] = {}
    # As people run it: with the compiled modules of the run before.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for run in range(options.runs):
        for services in (SMALL, LARGE):
            say(f"run {run + 1} of {options.runs}: {services} services")
            with report.measure(f"{services} services, whole process").timed():
                ran = subprocess.run(
                    [sys.executable, "-m", "benchmarks.plan_time", "--once", str(services)],
                    cwd=ROOT,
                    env=environment,
                    capture_output=True,
                    text=True,
                    timeout=LIMIT_SECONDS,
                    check=False,
                )
            if ran.returncode:
                sys.exit(f"plan of {services} services failed: {ran.stderr.strip()[-2000:]}")
            said = json.loads(ran.stdout.splitlines()[-1])
            report.measure(f"{services} services, preview").values.append(said["seconds"])
            resources[services] = said["resources"]
    small, large = (report.measure(f"{services} services, preview") for services in (SMALL, LARGE))
    for services, count in resources.items():
        report.measure(f"{services} services, resources", "").values.append(count)
    report.at_most(f"{SMALL} services, seconds", report.measure(f"{SMALL} services, whole process").median, 60)
    per_resource = [series.median / resources[services] for services, series in ((SMALL, small), (LARGE, large))]
    report.at_most("linear: time per resource at 300 services against 100", per_resource[1] / per_resource[0], 1.25)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", type=int, metavar="SERVICES", help=argparse.SUPPRESS)


if __name__ == "__main__":
    sys.exit(
        benchmark(
            "plan_time", measured, description="A preview of 100 and of 300 services", runs=3, arguments=arguments
        )
    )
