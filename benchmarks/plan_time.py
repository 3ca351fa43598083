"""Time of the program for 100 and 1,000 services in three environments, from start to the last resource declared.

Each run is a process of its own, as `make plan` is one: the time of importing the SDK is part of what a person waits
for. The platform is planned, so nothing is there that could be slow but the program itself.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Report, benchmark, say
from sandbox.engine.plan import record
from sandbox.engine.stackfile import read_stack
from stacks.problems import NAMESPACE
from stacks.secrets import SECRETS

ROOT = Path(__file__).parent.parent
SMALL, LARGE = 100, 1000
LIMIT_SECONDS = 600


def plan_once(services: int) -> dict[str, float]:
    """Plans the sandbox's platform with that many services in this process."""
    overlay = {
        f"{NAMESPACE}:services": [
            {"name": f"service-{number:04}", "template": "python-web", "team": "web"} for number in range(services)
        ],
        # The surroundings are not there: this is about the program.
        f"{NAMESPACE}:preflight": False,
    }
    secrets = {f"{NAMESPACE}:{name}": "placeholder" for name in SECRETS}
    config = read_stack(ROOT, "sandbox", overlay, secrets)
    began = time.monotonic()
    monitor = record(ROOT, config)
    return {"seconds": time.monotonic() - began, "resources": len(monitor.registrations)}


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
            report.measure(f"{services} services, program").values.append(said["seconds"])
            resources[services] = said["resources"]
    small, large = (report.measure(f"{services} services, program") for services in (SMALL, LARGE))
    for services, count in resources.items():
        report.measure(f"{services} services, resources", "").values.append(count)
    report.at_most(f"{SMALL} services, seconds", report.measure(f"{SMALL} services, whole process").median, 10)
    per_resource = [series.median / resources[services] for services, series in ((SMALL, small), (LARGE, large))]
    report.at_most("linear: time per resource at 1,000 services against 100", per_resource[1] / per_resource[0], 1.25)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", type=int, metavar="SERVICES", help=argparse.SUPPRESS)


if __name__ == "__main__":
    sys.exit(
        benchmark(
            "plan_time", measured, description="Program time of 100 and 1,000 services", runs=3, arguments=arguments
        )
    )
