"""What is tried again, what is final, and when the program gives up."""

import http.server
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from slipway_release.errors import UnavailableError
from slipway_release.transport import Transport
from tests.release.builders import Clock

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def server(*answers: Answer, seen: list[dict[str, str]] | None = None) -> Generator[str]:
    """A server that gives these answers in turn; after the last it repeats it."""
    waiting = list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if seen is not None:
                seen.append(dict(self.headers))
            status, headers, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


def transport(clock: Clock, deadline: float = 600) -> Transport:
    return Transport(deadline, clock.sleep, clock, lambda: 0.5, lambda _: None)


@pytest.mark.parametrize(
    "first",
    [
        (500, {}, b""),
        (502, {}, b"<html>bad gateway</html>"),
        (503, {}, b""),
        (504, {}, b""),
        (429, {}, b""),
        (0, {}, b""),
        (403, {}, b'{"message": "You have exceeded a secondary rate limit"}'),
        (403, {"Retry-After": "1"}, b"{}"),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again(first: Answer) -> None:
    clock = Clock()
    with server(first, (200, {}, b"[]")) as url:
        assert transport(clock).send("GET", url).status == 200
    assert len(clock.slept) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_a_definite_answer_is_final(status: int) -> None:
    clock = Clock()
    with server((status, {}, b'{"message": "no"}')) as url:
        assert transport(clock).send("GET", url).status == status
    assert clock.slept == []


def test_the_server_decides_how_long_to_wait() -> None:
    clock = Clock()
    with server((429, {"Retry-After": "42"}, b""), (200, {}, b"")) as url:
        transport(clock).send("GET", url)
    assert clock.slept == [42]


def test_pauses_grow_and_stay_bounded() -> None:
    clock = Clock()
    with server(*[(503, {}, b"")] * 9, (200, {}, b"")) as url:
        transport(clock).send("GET", url)
    assert clock.slept == sorted(clock.slept)
    assert max(clock.slept) <= 30


def test_after_the_deadline_it_says_that_nothing_is_lost() -> None:
    clock = Clock()
    with server((503, {}, b"")) as url, pytest.raises(UnavailableError, match="re-run"):
        transport(clock, deadline=60).send("GET", url)
    assert clock.now <= 60


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    clock = Clock()
    with server((429, {"Retry-After": "3600"}, b"")) as url, pytest.raises(UnavailableError):
        transport(clock, deadline=60).send("GET", url)
    assert clock.slept == []


def _redirected(to: Callable[[str], str]) -> list[dict[str, str]]:
    seen: list[dict[str, str]] = []
    with server((200, {}, b""), seen=seen) as target, server((302, {"Location": to(target)}, b""), seen=seen) as url:
        transport(Clock()).send("GET", url, {"Authorization": "Bearer secret"})
    return seen


def test_a_redirect_to_another_host_does_not_carry_the_credential() -> None:
    """Registries redirect blobs to storage of somebody else."""
    first, second = _redirected(lambda target: target)
    assert first["Authorization"] == "Bearer secret"
    assert "Authorization" not in second
