"""`make check`: every check of the project, each with its name and its time.

All of them run, side by side and even after one failed, so that one look shows everything. What a check prints is
shown only when it fails.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import generate, template_versions, workflows

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 900


@dataclass(frozen=True)
class Finding:
    """What a check found: nothing, when `text` is empty."""

    text: str

    @property
    def ok(self) -> bool:
        return not self.text


@dataclass(frozen=True)
class Check:
    """One check with the words that show its progress."""

    name: str
    run: Callable[[], Finding]


def tool(name: str, *arguments: str) -> Callable[[], Finding]:
    """A check that is a tool of the virtual environment; it fails when the tool does."""

    def run() -> Finding:
        try:
            ran = subprocess.run(
                [Path(sys.executable).parent / name, *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return Finding(f"{name} did not end within {LIMIT_SECONDS} s")
        if ran.returncode:
            return Finding(f"{ran.stdout}{ran.stderr}".strip() or f"{name} ended with {ran.returncode}")
        return Finding("")

    return run


def generated_files() -> Finding:
    if unraised := template_versions.unraised():
        return Finding("\n".join(unraised))
    stale = [str(path.relative_to(ROOT)) for path, text in generate.files() if generate.is_stale(path, text)]
    return Finding("\n".join(f"{path}: out of date; run make generate and commit it" for path in stale))


def rendered_workflows() -> Finding:
    return Finding("\n".join(workflows.problems()))


CHECKS = (
    Check("format", tool("ruff", "format", "--check", ".")),
    Check("lint", tool("ruff", "check", ".")),
    Check("types", tool("basedpyright", "--warnings")),
    Check("imports", tool("lint-imports")),
    Check("generated", generated_files),
    Check("workflows", rendered_workflows),
)


def main(arguments: Sequence[str] | None = None) -> int:
    names = [check.name for check in CHECKS]
    parser = argparse.ArgumentParser(prog="python -m tools.check", description="Check the project.")
    parser.add_argument("names", nargs="*", metavar="check", help=f"only these ({', '.join(names)})")
    chosen = parser.parse_args(arguments).names
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        parser.error(f"no check is called {', '.join(unknown)}; there are {', '.join(names)}")

    # A cache on stdin, colours or a pager would make a run differ from the next one.
    os.environ.setdefault("NO_COLOR", "1")
    failed: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun = [(check, pool.submit(_timed, check)) for check in CHECKS if not chosen or check.name in chosen]
        for check, timed in begun:
            print(f"==> {check.name:<10}", end=" ", flush=True)
            finding, seconds = timed.result()
            print(f"{'ok' if finding.ok else 'FAILED'}  {seconds:.1f} s", flush=True)
            if not finding.ok:
                failed.append(check.name)
                print(finding.text, flush=True)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _timed(check: Check) -> tuple[Finding, float]:
    started = time.monotonic()
    return check.run(), time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
