"""Makes the GitHub Apps of a stack: `make apps STACK=acme` opens a page on this machine that has a button for each.

GitHub makes an App from a manifest that a browser sends it, and hands its key over for a code that comes back. Keys
and ids go into the stack by the pulumi CLI, which encrypts the keys and keeps the comments of the file.
"""

import argparse
import http.server
import secrets
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, cast
from urllib.parse import parse_qs, urlsplit

from components.github.apps import OPERATOR, ROLES, AppRole
from components.github.errors import GitHubError
from slipway_release.output import ended
from stacks.app_maker import AppMaker, State
from stacks.app_page import render
from stacks.stack_file import StackFile, StackFileError

ROOT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"
MADE = "/made/"


class _Handler(http.server.BaseHTTPRequestHandler):
    """The page, and the way back from GitHub."""

    maker: ClassVar[AppMaker]
    state: ClassVar[str]
    finished: ClassVar[threading.Event]

    @property
    def port(self) -> int:
        return cast(http.server.HTTPServer, self.server).server_port

    def do_GET(self) -> None:
        where = urlsplit(self.path)
        given = {name: values[0] for name, values in parse_qs(where.query).items()}
        problem = ""
        try:
            if where.path.startswith(MADE):
                # Another page could send a browser here with an App of its own.
                if not secrets.compare_digest(given.get("state", ""), self.state):
                    self.send_error(403, "this is not the answer to a button of the page")
                    return
                self.maker.made(where.path.removeprefix(MADE), given.get("code", ""))
                self._answer(303, "", {"Location": "/"})
                return
            if where.path != "/":
                self.send_error(404)
                return
            self.maker.look_for_installations()
        except (GitHubError, StackFileError) as error:
            problem = str(error)
        self._answer(200, render(self.maker, f"http://{LOOPBACK}:{self.port}{MADE}", self.state, problem))
        if all(state is State.READY for state in self.maker.states().values()):
            self.finished.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Says nothing: a code is in the addresses."""

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def serve(maker: AppMaker, *, port: int = 0) -> tuple[http.server.ThreadingHTTPServer, threading.Event]:
    """Serves the page on loopback; the event is set when every App is ready."""
    finished = threading.Event()
    names = {"maker": maker, "state": secrets.token_urlsafe(24), "finished": finished}
    server = http.server.ThreadingHTTPServer((LOOPBACK, port), type("Handler", (_Handler,), names))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, finished


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until every App is made and installed, or until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make apps", description="Makes the GitHub Apps of a stack.")
    parser.add_argument("stack", help="the stack, as in stacks/Pulumi.<stack>.yaml")
    parser.add_argument("--with-app", action="store_true", help="also the App that `pulumi up` acts as, not a token")
    given = parser.parse_args(arguments)
    roles: list[AppRole] = [*ROLES, *([OPERATOR] if given.with_app else [])]
    try:
        maker = AppMaker(StackFile(ROOT, given.stack), roles, tell=lambda text: print(text, flush=True))
        server, finished = serve(maker)
    except (StackFileError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    address = f"http://{LOOPBACK}:{server.server_port}/"
    print(f"Open {address} in a browser that is logged in to {maker.base_url} as an owner of {maker.owner}.")
    webbrowser.open(address)
    try:
        finished.wait()
    except KeyboardInterrupt:
        print("Stopped. Run it again to go on: what is made is kept.")
        return 130
    finally:
        server.shutdown()
    print("All Apps are made and installed, and the stack knows them.")
    return 0


if __name__ == "__main__":
    sys.exit(ended(main))
