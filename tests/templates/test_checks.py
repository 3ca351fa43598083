"""The checks of a chart: what they ask, and what they take for good."""

import contextlib
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest

import templates

PROGRAM = Path(templates.__file__).parent / "services/_chart/files/check.py"
UNREACHABLE = "http://127.0.0.1:9"


@contextlib.contextmanager
def answering(body: object, status: int = 200) -> Generator[tuple[str, list[str]]]:
    """A server that always answers so: its address, and what it is asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base names it
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def checked(**variables: str) -> tuple[bool, str]:
    """Whether a check with those variables passes, and what it says."""
    given = {f"CHECK_{name}": value for name, value in {"WITHIN": "0", **variables}.items()}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.read_text()], env=given, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def vector(*values: str) -> dict[str, object]:
    """Prometheus' answer with a series for each value."""
    result = [{"metric": {"pod": str(number)}, "value": [1, value]} for number, value in enumerate(values)]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


@pytest.mark.parametrize(("status", "good"), [(200, True), (204, True), (404, False), (500, False)])
def test_a_path_has_to_answer(status: int, good: bool) -> None:
    with answering({}, status) as (url, asked):
        assert checked(URL=f"{url}/ready")[0] is good
    assert set(asked) == {"/ready"}


def test_what_does_not_answer_fails_and_says_why() -> None:
    good, said = checked(URL=UNREACHABLE)
    assert not good
    assert UNREACHABLE in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("answer", "bounds", "good"),
    [
        (vector("0.05"), {"BELOW": "0.1"}, True),
        (vector("0.1"), {"BELOW": "0.1"}, False),
        (vector("0.05", "0.5"), {"BELOW": "0.1"}, False),
        (vector("0"), {"BELOW": "0"}, False),
        (vector("12"), {"ABOVE": "10"}, True),
        (vector("12"), {"ABOVE": "10", "BELOW": "11"}, False),
        (vector("NaN"), {"BELOW": "0.1"}, False),
        (vector(), {"BELOW": "0.1"}, False),
        ({"data": {"resultType": "scalar", "result": [1, "3"]}}, {"BELOW": "4"}, True),
        ({"status": "error"}, {"BELOW": "4"}, False),
        ([], {"BELOW": "4"}, False),
    ],
)
def test_every_number_of_a_metric_is_compared(answer: object, bounds: dict[str, str], good: bool) -> None:
    with answering(answer) as (url, asked):
        passed, said = checked(URL=url, QUERY='rate(errors{job="a b"}[1m])', **bounds)
    assert passed is good, said
    assert asked == ["/api/v1/query?query=rate%28errors%7Bjob%3D%22a+b%22%7D%5B1m%5D%29"]
    assert "Traceback" not in said
