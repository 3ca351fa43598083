"""Lines of `sandbox/`, by kind of file, now and at another commit: what the rehearsal costs to keep."""

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path, PurePosixPath

from benchmarks.measure import Report, benchmark

ROOT = Path(__file__).parent.parent
FOLDER = "sandbox"
GENERATED = {".sum", ".lock"}
"""Files that are generated."""


def lines(commit: str) -> Counter[str]:
    """Lines of the folder's files at a commit, by the ends of their names; those without one are under ``other``."""
    counted: Counter[str] = Counter()
    for path in git("ls-tree", "-r", "--name-only", commit, FOLDER).splitlines():
        kind = PurePosixPath(path).suffix
        if kind not in GENERATED:
            counted[kind or "other"] += git("show", f"{commit}:{path}").count("\n")
    return counted


def git(*words: str) -> str:
    ran = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    if ran.returncode:
        sys.exit(f"git {' '.join(words)}: {ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout.decode(errors="replace")


def measured(options: argparse.Namespace, report: Report) -> None:
    for commit in ["HEAD", *options.before]:
        counted = lines(commit)
        report.measure(f"lines of {FOLDER}/ at {commit}", "").values.append(counted.total())
        kinds = ", ".join(f"{count} {kind}" for kind, count in counted.most_common(5))
        report.notes.append(f"{commit}: {kinds}")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--before", action="append", default=[], metavar="COMMIT", help="count this one too")


if __name__ == "__main__":
    sys.exit(benchmark("lines", measured, description="Lines of the sandbox", runs=1, arguments=arguments))
