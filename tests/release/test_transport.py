"""What is tried again, what is final, and when the program gives up."""

import http.server
import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from slipway_release.errors import RefusedError, UnavailableError
from slipway_release.transport import Transport
from tests.keys import pem, rsa_key
from tests.release.builders import Clock

Answer = tuple[int, dict[str, str], bytes]


@contextmanager
def server(*answers: Answer, seen: list[dict[str, str]] | None = None) -> Generator[str]:
    """A server that gives these answers in turn; after the last it repeats it."""
    waiting = list(answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            if seen is not None:
                seen.append({**self.headers, "Method": self.command, "Body": body})
            status, headers, content = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_GET  # noqa: N815 - the names of the standard library

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()
        thread.join()


@contextmanager
def tls_server(folder: Path) -> Generator[str]:
    """A server with a certificate that nothing vouches for."""
    key = rsa_key("tls")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(pem("tls").encode() + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection, suppress(ssl.SSLError):
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listening:
        yield f"https://localhost:{listening.getsockname()[1]}/"
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
        (403, {"Retry-After": "Sat, 01 Jan 2000 00:00:01 GMT"}, b"{}"),
        (403, {}, b'{"message": "You have triggered an abuse detection mechanism."}'),
        (200, {}, b'[{"id": 1}, {"id"'),
        (201, {}, b'{"commit": {"sha": "c0ffee'),
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
    assert clock.slept == [42.5], "with a jitter, so that those who were sent away together do not come back together"


NOON = "Fri, 27 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    "asked",
    [
        {"Retry-After": "Fri, 27 Nov 2026 12:05:00 GMT"},
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795781100"},
    ],
)
def test_a_moment_is_waited_for_by_the_servers_clock(asked: dict[str, str]) -> None:
    clock = Clock()
    with server((403, {"Date": NOON, **asked}, b"{}"), (200, {}, b"")) as url:
        transport(clock).send("GET", url)
    assert clock.slept == [300.5]


def test_what_only_looks_like_json_is_not_asked_for_again() -> None:
    clock = Clock()
    with server((200, {}, b"<html>[")) as url:
        assert transport(clock).send("GET", url).body == b"<html>["
    assert clock.slept == []


def test_a_limit_that_names_no_time_takes_a_minute() -> None:
    clock = Clock()
    with server((403, {}, b'{"message": "You have exceeded a secondary rate limit"}'), (200, {}, b"")) as url:
        transport(clock).send("GET", url)
    assert clock.slept == [60.5]


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


Seen = list[dict[str, str]]


def _redirected(to: Callable[[str], str], method: str = "GET", status: int = 302, body: bytes | None = None) -> Seen:
    seen: Seen = []
    with server((200, {}, b""), seen=seen) as target, server((status, {"Location": to(target)}, b""), seen=seen) as url:
        transport(Clock()).send(method, url, {"Authorization": "Bearer secret"}, body)
    return seen


def test_a_redirect_to_another_host_does_not_carry_the_credential() -> None:
    """Registries redirect blobs to storage of somebody else."""
    first, second = _redirected(lambda target: target)
    assert first["Authorization"] == "Bearer secret"
    assert "Authorization" not in second


def test_what_is_written_is_not_sent_to_another_host() -> None:
    (only,) = _redirected(lambda target: target, "POST", 307, b"for GitHub alone")
    assert only["Body"] == "for GitHub alone"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_read_follows_a_renamed_repository_with_its_credential(status: int) -> None:
    seen: Seen = []
    with server((status, {"Location": "/repositories/7"}, b""), (200, {}, b"[]"), seen=seen) as url:
        assert transport(Clock()).send("GET", url, {"Authorization": "Bearer secret"}).ok
    assert [request["Authorization"] for request in seen] == ["Bearer secret"] * 2


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_follows_as_it_is(status: int) -> None:
    seen: Seen = []
    with server((status, {"Location": "/repositories/7"}, b""), (201, {}, b""), seen=seen) as url:
        assert transport(Clock()).send("PATCH", url, {}, b"change").ok
    assert [(request["Method"], request["Body"]) for request in seen] == [("PATCH", "change")] * 2


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_write_never_becomes_a_read(status: int) -> None:
    seen: Seen = []
    with server((status, {"Location": "/repositories/7"}, b""), seen=seen) as url:
        assert transport(Clock()).send("POST", url, {}, b"change").status == status
    assert len(seen) == 1


def test_redirects_that_lead_round_come_to_an_end() -> None:
    with server((301, {"Location": "/"}, b"")) as url:
        assert transport(Clock()).send("GET", url).status == 301


def test_a_redirect_to_a_file_of_this_machine_is_not_followed() -> None:
    with server((302, {"Location": "file:///etc/hostname"}, b"")) as url:
        assert transport(Clock()).send("GET", url).status == 302


def test_a_certificate_that_is_not_trusted_is_final(tmp_path: Path) -> None:
    clock = Clock()
    with tls_server(tmp_path) as url, pytest.raises(RefusedError, match="certificate"):
        transport(clock).send("GET", url)
    assert clock.slept == []


def test_what_is_repeated_ends_with_its_own_error_after_the_last_attempt() -> None:
    clock = Clock()

    def fail() -> None:
        raise KeyError("it")

    with pytest.raises(KeyError):
        transport(clock).repeat(fail, KeyError, attempts=3)
    assert len(clock.slept) == 2
    with pytest.raises(KeyError):
        transport(clock).repeat(fail, ValueError)
    assert len(clock.slept) == 2
