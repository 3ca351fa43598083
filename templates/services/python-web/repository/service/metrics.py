"""Counts for Prometheus, in its text format."""

import threading
import time
from collections import Counter


class Metrics:
    """How many requests were answered how, and how long that took."""

    def __init__(self, version: str, commit: str) -> None:
        self._labels = f'version="{_escaped(version)}",commit="{_escaped(commit)}"'
        self._started = time.time()
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds = 0.0

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, path, status] += 1
            self._seconds += seconds

    def text(self) -> str:
        with self._lock:
            requests, seconds = dict(self._requests), self._seconds
        lines = [
            "# HELP service_info What runs.",
            "# TYPE service_info gauge",
            f"service_info{{{self._labels}}} 1",
            "# HELP service_start_time_seconds When it started.",
            "# TYPE service_start_time_seconds gauge",
            f"service_start_time_seconds {self._started:.3f}",
            "# HELP http_requests_total Requests answered.",
            "# TYPE http_requests_total counter",
            *(
                f'http_requests_total{{method="{method}",path="{path}",status="{status}"}} {count}'
                for (method, path, status), count in sorted(requests.items())
            ),
            "# HELP http_request_seconds_sum Time spent on them.",
            "# TYPE http_request_seconds_sum counter",
            f"http_request_seconds_sum {seconds:.6f}",
        ]
        return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
