"""A rehearsal looks at running services again and again while they are replaced."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes.client
import pytest

from sandbox.config import SandboxConfig
from sandbox.rehearsal import Rehearsal


def test_each_visit_of_a_service_makes_a_connection_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is kept leads to the pod of before, as long as that is not gone."""
    connections: list[Any] = []

    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.client_address)

        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_said: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    spec = SimpleNamespace(cluster_ip="127.0.0.1", ports=[SimpleNamespace(port=server.server_port)])
    core = SimpleNamespace(read_namespaced_service=lambda *_name: SimpleNamespace(spec=spec))
    monkeypatch.setattr(kubernetes.client, "CoreV1Api", lambda _cluster: core)
    monkeypatch.setattr(Rehearsal, "cluster_of", lambda *_place: None)
    rehearsal = Rehearsal(SandboxConfig(root=tmp_path, directory=tmp_path, network="127.9", cache=tmp_path))
    assert [rehearsal.get("dev", "guestbook").status_code for _ in range(3)] == [204, 204, 204]
    server.shutdown()
    server.server_close()
    assert len(connections) == 3
