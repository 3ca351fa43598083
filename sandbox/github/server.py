"""Runs the server on the addresses it was given, until it is told to stop."""

import asyncio
import logging
import socket
from pathlib import Path

import uvicorn

from sandbox.errors import ExitCode, SandboxError
from sandbox.github import application, seed

logger = logging.getLogger(__name__)

IDLE_SECONDS = 120
"""After which an idle connection is closed: later than its clients give it up (Go's default is 90 s, httpx's 5 s).

A server that closes at the same moment as a client sends resets that request.
"""

IP_FREEBIND = getattr(socket, "IP_FREEBIND", 15)


def listen(address: str) -> socket.socket:
    """A socket that listens on `host:port`; the host may be an address that this machine gets only later.

    Raises:
        SandboxError: something else listens there.
    """
    host, _, port = address.rpartition(":")
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # The address of the link to the node is there only while the node runs.
    listener.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    try:
        listener.bind((host, int(port)))
    except OSError as error:
        listener.close()
        raise SandboxError(
            f"GitHub cannot listen on {address}: {error.strerror}; stop what listens there, or choose another network"
            " by SLIPWAY_SANDBOX_NETWORK",
            exit_code=ExitCode.UNABLE,
        ) from error
    listener.listen(512)
    listener.setblocking(False)
    return listener


def serve(directory: Path, url: str, listeners: list[socket.socket], seed_file: Path | None) -> None:
    """Serves until SIGTERM or SIGINT."""
    directory.mkdir(parents=True, exist_ok=True)
    application.write_logs(directory)
    forge = application.create_forge(directory, url)
    if seed_file is not None:
        seed.apply_file(forge, seed_file)
    host, port = listeners[0].getsockname()[:2]
    app = application.create_application(forge, hook_base=f"http://{host}:{port}")
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=IDLE_SECONDS,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    asyncio.run(server.serve(sockets=listeners))
