"""The benchmarks of a rehearsal one after the other, in about ten minutes; at the end their tables as Markdown.

Left out are those that take longer than that (`cold_build`, `kills`, `simulated_year`) and those of releases; `--also`
adds them by name.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, say

ROOT = Path(__file__).parent.parent
CHOSEN = {"lines": 1, "github_writes": 1, "plan_time": 1, "up": 1, "second_up": 3}
"""How often each measures; `up` takes a sandbox down and up again, so that it goes before what needs one."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.all", description=__doc__)
    parser.add_argument("--also", action="append", default=[], metavar="NAME", help="run this one too, once")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="run this one alone")
    options = parser.parse_args(argv)
    chosen = dict.fromkeys(options.only, 1) or CHOSEN | dict.fromkeys(options.also, 1)
    if unknown := sorted(name for name in chosen if not (Path(__file__).parent / f"{name}.py").exists()):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    say(f"load average before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; below 0.5 the machine is idle")
    failed: list[str] = []
    for name, runs in chosen.items():
        say(f"==> {name}")
        if subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", "--runs", str(runs)], cwd=ROOT, check=False
        ).returncode:
            failed.append(name)
    print("\n".join(markdown([result(name) for name in chosen])))
    if failed:
        say(f"a goal was missed, or it failed: {', '.join(failed)}")
    return bool(failed)


def result(name: str) -> dict[str, Any]:
    """What a benchmark wrote last; empty if it wrote nothing."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def markdown(documents: Sequence[dict[str, Any]]) -> list[str]:
    """Rows as `docs/measurements.md` has them."""
    rows = ["| measured | median (least to most) | runs | load |", "|---|---|---|---|"]
    goals = ["", "| promised | measured | goal | |", "|---|---|---|---|"]
    for document in filter(None, documents):
        for series in document["series"]:
            values, unit = series["values"], series["unit"]
            spread = f" ({min(values):.1f} to {max(values):.1f})" if len(values) > 1 else ""
            load = document["machine"].get("load", "")
            rows.append(f"| {series['name']} | {series['median']:.1f} {unit}{spread} | {len(values)} | {load} |")
        for goal in document["goals"]:
            word = "met" if goal["met"] else "missed"
            goals.append(f"| {goal['claim']} | {goal['value']:.2f} | {goal['limit']:g} | {word} |")
    return rows + goals


if __name__ == "__main__":
    sys.exit(main())
