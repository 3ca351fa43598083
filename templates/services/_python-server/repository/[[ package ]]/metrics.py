"""Counts for Prometheus, in its text format."""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of what a histogram counts, in seconds."""
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters, gauges and histograms by name and labels; each is described once, before it is used."""

    def __init__(self, version: str, commit: str) -> None:
        self._lock = threading.Lock()
        self._described: dict[str, tuple[str, str]] = {}
        self._values: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self._gauges: dict[str, Callable[[], float]] = {}
        self._histograms: dict[str, dict[str, list[float]]] = defaultdict(dict)
        self.describe("service_info", "gauge", "What runs.")
        self.add("service_info", version=version, commit=commit)
        started = time.time()
        self.gauge("service_start_time_seconds", "When it started.", lambda: started)

    def describe(self, name: str, kind: str, text: str) -> None:
        self._described[name] = (kind, text)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A value that is read whenever somebody asks."""
        self.describe(name, "gauge", text)
        self._gauges[name] = read

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        with self._lock:
            self._values[name][_labels(labels)] += amount

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Counts a duration."""
        with self._lock:
            counts = self._histograms[name].setdefault(_labels(labels), [0.0] * (len(BUCKETS) + 2))
            counts[bisect_left(BUCKETS, seconds)] += 1
            counts[-1] += seconds

    def text(self) -> str:
        gauges = {name: read() for name, read in self._gauges.items()}
        lines: list[str] = []
        with self._lock:
            for name, (kind, text) in self._described.items():
                lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
                if name in gauges:
                    lines.append(f"{name} {gauges[name]:.15g}")
                lines += [f"{name}{_braces(at)} {value:.15g}" for at, value in sorted(self._values[name].items())]
                for at, counts in sorted(self._histograms[name].items()):
                    lines += _histogram(name, at, counts)
        return "\n".join(lines) + "\n"


def _histogram(name: str, labels: str, counts: list[float]) -> list[str]:
    lines: list[str] = []
    total = 0.0
    for end, count in zip((*BUCKETS, "+Inf"), counts[:-1], strict=True):
        total += count
        lines.append(f"{name}_bucket{_braces(labels, _labels({'le': str(end)}))} {total:.15g}")
    return [*lines, f"{name}_sum{_braces(labels)} {counts[-1]:.6f}", f"{name}_count{_braces(labels)} {total:.15g}"]


def _braces(*labels: str) -> str:
    given = ",".join(filter(None, labels))
    return f"{{{given}}}" if given else ""


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
