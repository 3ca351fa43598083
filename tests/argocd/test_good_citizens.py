"""What a service of each template does once it runs: logs, counts, traces, and an end that loses nothing."""

import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from templates.service_template import service_template, service_templates
from templates.starting_files import starting_files
from tests.argocd.starting import VARIABLES, write

CALLER = f"00-{'a' * 32}-{'b' * 16}-01"
PACKAGES = {"python-web": "service", "python-worker": "worker", "python-job": "job"}
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(params=service_templates())
def template(request: pytest.FixtureRequest) -> str:
    if request.param not in PACKAGES and not shutil.which("go"):
        pytest.skip("there is no Go here")
    return request.param


@pytest.fixture
def start(template: str, tmp_path: Path) -> Iterator[Start]:
    """Starts the service as its image does, or as a command does."""
    files = dict(starting_files(service_template(template), {}, VARIABLES).files)
    folder = write(files, tmp_path / "repository")
    started: list[subprocess.Popen[str]] = []

    def command() -> list[str]:
        if template in PACKAGES:
            return [sys.executable, "-m", PACKAGES[template]]
        subprocess.run(["go", "build", "-o", tmp_path / "service", "."], cwd=folder, check=True)
        return [str(tmp_path / "service")]

    def start(*words: str, **environment: str) -> "subprocess.Popen[str]":
        # What the `make` that runs the tests hands on is not a team's.
        outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        given = {**outside, "PORT": "0", "QUEUE_URL": "memory:", "VERSION": "1.2.3", **environment}
        process = subprocess.Popen(
            words or command(), cwd=folder, env=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """The address of something that takes traces, and what it took."""
    taken: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - it is called so there
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()


def ask(port: int, path: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"traceparent": CALLER})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def logged(process: "subprocess.Popen[str]", name: str = "") -> dict[str, Any]:
    """The next line of the log that has such a field."""
    for line in cast("Iterator[str]", process.stdout):
        found = json.loads(line)
        assert {"time", "level", "message"} <= set(found), line
        if name in found or not name:
            return found
    raise AssertionError(f"it logged no {name} before it ended")


def test_it_logs_counts_and_traces_what_it_does(template: str, start: Start, collector: tuple[str, list[Any]]) -> None:
    address, taken = collector
    process = start(OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_SERVICE_NAME="guestbook", DRAIN_SECONDS="0")
    if template == "python-job":
        traced = logged(process, "trace_id")
    else:
        port = logged(process, "port")["port"]
        if template != "python-worker":
            assert ask(port, "/")[0] == 200
        traced = logged(process, "trace_id")
        # It counts a moment after it has logged. The worker of the tests has a message a second.
        counted = r"^\w+_duration_seconds_count(\{.*\})? " + (r"[1-9]" if template == "python-worker" else "1$")
        while not re.search(counted, counts := ask(port, "/metrics")[1], re.MULTILINE):
            time.sleep(0.05)
        assert re.search(r'^service_info\{version="1\.2\.3",commit="\w+"\} 1$', counts, re.MULTILINE)
        process.terminate()
    assert process.wait() == 0
    (resource,) = taken[0]["resourceSpans"]
    about = {one["key"]: one["value"]["stringValue"] for one in resource["resource"]["attributes"]}
    assert (about["service.name"], about["service.version"]) == ("guestbook", "1.2.3")
    spans = resource["scopeSpans"][0]["spans"]
    assert spans[0]["traceId"] == traced["trace_id"]
    if "web" in template or "site" in template:
        assert (spans[0]["traceId"], spans[0]["parentSpanId"]) == ("a" * 32, "b" * 16)
        # The cluster's own probes are not traced.
        assert not [span for span in spans if "/metrics" in span["name"]]


def test_told_to_stop_it_answers_on_and_is_not_ready(template: str, start: Start) -> None:
    if template in {"python-job", "python-worker"}:
        pytest.skip("a job is not asked over HTTP")
    process = start(DRAIN_SECONDS="600")
    port = logged(process, "port")["port"]
    assert ask(port, "/readyz")[0] == 200
    process.terminate()
    while ask(port, "/readyz")[0] == 200:
        pass
    assert (ask(port, "/readyz")[0], ask(port, "/healthz")[0], ask(port, "/")[0]) == (503, 200, 200)


def test_make_dev_runs_it_on_a_laptop_with_logs_for_people(template: str, start: Start) -> None:
    process = start("make", "dev", PYTHON=sys.executable)
    for line in cast("Iterator[str]", process.stdout):
        assert not line.startswith("{")
        if found := re.search(r"port=(\d+)", line):
            assert ask(int(found[1]), "/healthz")[0] == 200
            return
    assert (template, process.wait()) == ("python-job", 0)


def test_make_dev_says_in_a_sentence_what_this_machine_lacks(template: str, start: Start) -> None:
    missing = start("make", "dev", PYTHON="no-python", GO="no-go")
    said = [*cast("Iterator[str]", missing.stdout)]
    assert missing.wait() == 2
    assert len([line for line in said if not line.startswith("make: ")]) == 1, said
    assert re.search(r"^(Python 3\.11 or newer|Go) is needed, and no-\w+ is ", said[0])


def test_a_port_that_is_taken_is_a_sentence_and_no_traceback(template: str, start: Start) -> None:
    if template == "python-job":
        pytest.skip("a job does not listen")
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start(PORT=port)
        (line,) = cast("Iterator[str]", process.stdout)
    told = json.loads(line)["message"]
    assert (process.wait(), port in told, "ddress already in use" in told) == (1, True, True), told
