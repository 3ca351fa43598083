"""Timing, medians and ratios, shown as a table and kept as JSON: shared by all benchmarks."""

import argparse
import contextlib
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.errors import SandboxError

RESULTS = Path(__file__).parent / "results"


@dataclass
class Series:
    """One quantity, measured several times."""

    name: str
    unit: str = "s"
    values: list[float] = field(default_factory=list[float])

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @contextlib.contextmanager
    def timed(self) -> Generator[None]:
        """Adds the time that the block takes; a block that fails adds nothing."""
        began = time.monotonic()
        yield
        self.values.append(time.monotonic() - began)

    def text(self, value: float) -> str:
        return f"{value:.0f} {self.unit}" if self.unit != "s" and value == int(value) else f"{value:.2f} {self.unit}"


@dataclass(frozen=True)
class Verdict:
    """A number that was promised, and what came out."""

    claim: str
    value: float
    limit: float

    @property
    def met(self) -> bool:
        return self.value <= self.limit


@dataclass
class Report:
    """Everything that one benchmark measured."""

    title: str
    series: list[Series] = field(default_factory=list[Series])
    verdicts: list[Verdict] = field(default_factory=list[Verdict])
    notes: list[str] = field(default_factory=list[str])
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    """How many processes wanted a core in the minute before it began: more than there are cores, and work waited."""

    def measure(self, name: str, unit: str = "s") -> Series:
        """The series of that name; made when it is asked for first."""
        found = next((series for series in self.series if series.name == name), None)
        if found is None:
            found = Series(name, unit)
            self.series.append(found)
        return found

    def ratio(self, claim: str, measured: Series, against: Series, limit: float) -> None:
        """Compares two medians of the same run."""
        self.verdicts.append(Verdict(claim, measured.median / against.median, limit))

    def at_most(self, claim: str, value: float, limit: float) -> None:
        self.verdicts.append(Verdict(claim, value, limit))

    def show(self, console: Console) -> None:
        table = Table(title=self.title, title_justify="left")
        for heading in ("measured", "median", "least", "most", "runs"):
            table.add_column(heading, justify="left" if heading == "measured" else "right")
        for series in self.series:
            if series.values:
                numbers = (series.median, min(series.values), max(series.values))
                table.add_row(series.name, *map(series.text, numbers), str(len(series.values)))
        console.print(table)
        for verdict in self.verdicts:
            word = "met" if verdict.met else "MISSED"
            console.print(f"{word}: {verdict.claim}: {verdict.value:.2f} (goal: at most {verdict.limit:g})")
        for note in self.notes:
            console.print(note)

    def document(self) -> dict[str, Any]:
        return {
            "benchmark": self.title,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": {
                "cores": os.cpu_count(),
                "load": round(self.load, 1),
                "system": platform.platform(),
                "python": platform.python_version(),
            },
            "series": [
                {"name": series.name, "unit": series.unit, "median": series.median, "values": series.values}
                for series in self.series
                if series.values
            ],
            "goals": [
                {"claim": verdict.claim, "value": verdict.value, "limit": verdict.limit, "met": verdict.met}
                for verdict in self.verdicts
            ],
            "notes": self.notes,
        }


def benchmark(
    name: str,
    run: Callable[[argparse.Namespace, Report], None],
    *,
    description: str,
    runs: int = 5,
    arguments: Callable[[argparse.ArgumentParser], None] = lambda _parser: None,
    argv: Sequence[str] | None = None,
) -> int:
    """Reads the command line, measures, shows the table and writes `benchmarks/results/<name>.json`.

    The exit code is 1 where a goal was missed, so that a benchmark can be a gate too.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--runs", type=int, default=runs, help=f"how often each thing is measured (default: {runs})")
    parser.add_argument("--json", action="store_true", help="print the JSON document instead of the table")
    parser.add_argument("--output", type=Path, default=RESULTS / f"{name}.json", help="where the document is written")
    arguments(parser)
    options = parser.parse_args(argv)
    report = Report(description)
    # Progress goes to stderr, so that stdout is the table or the document alone.
    try:
        run(options, report)
    except SandboxError as error:
        sys.exit(f"error: {error}")
    document = json.dumps(report.document(), indent=2)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(document + "\n")
    if options.json:
        print(document)
    else:
        report.show(Console())
    return 0 if all(verdict.met for verdict in report.verdicts) else 1


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
