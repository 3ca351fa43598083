"""What the service answers over HTTP."""

import json
import logging
import threading
import time
from http.server import ThreadingHTTPServer

from service import metrics
from service.answering import Answers
from service.settings import Settings
from service.traces import SERVER, Tracer

JSON = "application/json"
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
"""What the cluster asks for all the time: counted, and neither logged nor traced."""
log = logging.getLogger(__name__)


class Application:
    """The service without its sockets: answers to paths."""

    def __init__(self, settings: Settings, tracer: Tracer | None = None) -> None:
        self.settings = settings
        self.tracer = tracer or Tracer({})
        self.metrics = metrics.Metrics(settings.version, settings.commit)
        self.metrics.describe("http_requests_total", "counter", "Requests answered.")
        self.metrics.describe("http_request_duration_seconds", "histogram", "How long they took.")
        self.draining = threading.Event()

    def answer(self, path: str) -> tuple[int, str, str]:
        """Status, content type and text of the answer to a GET."""
        routes = {"/": self._root, "/healthz": self._health, "/readyz": self._readiness, "/metrics": self._metrics}
        route = routes.get(path)
        return route() if route else _json(404, {"error": "not found"})

    def known(self, path: str) -> str:
        """The path as a label of metrics; paths that somebody tried out are one."""
        return path if path == "/" or path in QUIET else "other"

    def observe(self, path: str, status: int, seconds: float) -> None:
        """Counts an answer."""
        self.metrics.add("http_requests_total", method="GET", path=self.known(path), status=str(status))
        self.metrics.observe("http_request_duration_seconds", seconds, path=self.known(path))

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
        return 200, metrics.TEXT, self.metrics.text()


def serve(application: Application) -> ThreadingHTTPServer:
    """A server on the settings' port, bound and not yet running; port 0 takes a free one."""

    class Handler(Answers):
        def do_GET(self) -> None:
            began = time.perf_counter()
            path = self.path.partition("?")[0]
            if path in QUIET:
                self.reply(*application.answer(path), path, began)
                return
            with application.tracer.span(f"GET {application.known(path)}", SERVER, self.headers.get("traceparent")) as span:
                answer = application.answer(path)
                self.reply(*answer, path, began)
                span.attributes |= {"http.request.method": "GET", "http.response.status_code": answer[0]}
                span.attributes |= {"http.route": application.known(path), "url.path": path}
                seconds = round(time.perf_counter() - began, 6)
                fields = {"path": path, "status": answer[0], "seconds": seconds, "client": self.client_address[0]}
                log.info("request", extra={"fields": fields})

        def reply(self, status: int, kind: str, text: str, path: str, began: float) -> None:
            # Before it is sent, so that a client which has the answer finds it counted.
            application.observe(path, status, time.perf_counter() - began)
            self.send(status, kind, text)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are logged where they are answered; this is for everything else."""
            if not args or not str(args[0]).startswith("GET "):
                log.warning("refused: %s", format % args)

    return ThreadingHTTPServer(("", application.settings.port), Handler)


def _json(status: int, content: dict[str, str]) -> tuple[int, str, str]:
    return status, JSON, json.dumps(content) + "\n"
