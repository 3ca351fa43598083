"""What the cluster asks a worker over HTTP: whether it is alive and ready, and its counts."""

from http.server import ThreadingHTTPServer

from worker import metrics
from worker.answering import Answers
from worker.loop import Loop


def serve(loop: Loop, port: int) -> ThreadingHTTPServer:
    """A server, bound and not yet running; port 0 takes a free one."""

    def answer(path: str) -> tuple[int, str, str]:
        if path == "/healthz":
            return 200, "text/plain", "alive\n"
        if path == "/readyz":
            return (200, "text/plain", "ready\n") if loop.ready else (503, "text/plain", "not ready\n")
        if path == "/metrics":
            return 200, metrics.TEXT, loop.metrics.text()
        return 404, "text/plain", "not found\n"

    class Handler(Answers):
        def do_GET(self) -> None:
            self.send(*answer(self.path.partition("?")[0]))

        def log_message(self, format: str, *args: object) -> None:
            """The cluster asks all the time."""

    return ThreadingHTTPServer(("", port), Handler)
