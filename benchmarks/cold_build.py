"""The build of each tool on empty caches, and of all of them in one go, as the first `make up` makes it.

Each build has a Go cache and a module cache of its own, so that nothing is shared that a first build does not share.
Modules are downloaded in the measured time; `--tool` measures single tools.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import Report, benchmark, say
from sandbox.toolchain import TOOLS

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 7200
GOAL_MINUTES = 20
BUILD = """
import sys
from sandbox import toolchain
from sandbox.config import SandboxConfig
from sandbox.progress import Progress
toolchain.ensure(SandboxConfig.from_environment(), Progress(), sys.argv[1:])
"""


def build(tools: Sequence[str]) -> None:
    """Builds some tools on empty caches."""
    with tempfile.TemporaryDirectory(prefix="slipway-cold-") as folder:
        caches = {"XDG_CACHE_HOME": folder, "GOCACHE": f"{folder}/go-build", "GOMODCACHE": f"{folder}/modules"}
        environment = {**os.environ, **caches}
        ran = subprocess.run(
            [sys.executable, "-c", BUILD, *tools], cwd=ROOT, env=environment, timeout=LIMIT_SECONDS, check=False
        )
    if ran.returncode:
        sys.exit(f"{', '.join(tools)}: the build failed; its reason stands above")


def measured(options: argparse.Namespace, report: Report) -> None:
    chosen: list[str] = options.tool or list(TOOLS)
    for run in range(options.runs):
        for tool in chosen:
            say(f"run {run + 1} of {options.runs}: {tool}")
            with report.measure(f"{tool}, empty caches").timed():
                build([tool])
        if not options.tool:
            say(f"run {run + 1} of {options.runs}: all tools")
            with report.measure("all tools, empty caches").timed():
                build(chosen)
    if not options.tool:
        minutes = report.measure("all tools, empty caches").median / 60
        report.at_most("all tools on empty caches, in minutes", minutes, GOAL_MINUTES)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tool", action="append", choices=sorted(TOOLS), help="build this one only; may be repeated")


if __name__ == "__main__":
    sys.exit(benchmark("cold_build", measured, description="Builds on empty caches", runs=1, arguments=arguments))
