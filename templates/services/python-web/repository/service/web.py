"""What the service answers over HTTP."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from service.metrics import Metrics
from service.settings import Settings

JSON = "application/json"
METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Application:
    """The service without its sockets: answers to paths."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics(settings.version, settings.commit)
        self.draining = threading.Event()

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, content type and text of the answer to a GET."""
        routes = {"/": self._root, "/healthz": self._health, "/readyz": self._readiness, "/metrics": self._metrics}
        route = routes.get(path)
        return route() if route else _json(404, {"error": "not found"})

    def known(self, path: str) -> str:
        """The path as a label of metrics; paths that somebody tried out are one."""
        return path if path in {"/", "/healthz", "/readyz", "/metrics"} else "other"

    def _root(self) -> tuple[int, str, str]:
        settings = self.settings
        return _json(200, {"greeting": settings.greeting, "version": settings.version, "commit": settings.commit})

    def _health(self) -> tuple[int, str, str]:
        return _json(200, {"status": "alive"})

    def _readiness(self) -> tuple[int, str, str]:
        if self.draining.is_set():
            return _json(503, {"status": "stopping"})
        if self.settings.fault == "unready":
            return _json(503, {"status": "not ready, as asked for by REHEARSE_FAULT"})
        return _json(200, {"status": "ready"})

    def _metrics(self) -> tuple[int, str, str]:
        return 200, METRICS, self.metrics.text()


def serve(application: Application) -> ThreadingHTTPServer:
    """A server on the settings' port, bound and not yet running; port 0 takes a free one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            began = time.perf_counter()
            path = self.path.partition("?")[0]
            status, kind, text = application.answer(path)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            application.metrics.observe(self.command, application.known(path), status, time.perf_counter() - began)

        def log_message(self, format: str, *args: object) -> None:
            if self.path not in {"/healthz", "/readyz", "/metrics"}:
                print(f"{self.address_string()} {format % args}", flush=True)

    return ThreadingHTTPServer(("", application.settings.port), Handler)


def _json(status: int, content: dict[str, str]) -> tuple[int, str, str]:
    return status, JSON, json.dumps(content) + "\n"
