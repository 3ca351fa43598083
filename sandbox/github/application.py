"""Puts the server together: one Forge, all routes, one ASGI application."""

import importlib
import importlib.util
import logging
import logging.handlers
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from sandbox.github.dispatch import Dispatcher
from sandbox.github.kernel import ROUTES, Forge, Router

ROUTE_MODULES = ("faults",)
"""Modules whose import registers routes."""

LOG_SIZE = 10_000_000


def create_forge(directory: Path, url: str) -> Forge:
    """Opens the state below a folder and starts everything that listens to its events."""
    forge = Forge(directory, url)
    for name in ROUTE_MODULES:
        importlib.import_module(f"sandbox.github.{name}")
    # Actions is a part of its own: without it the server is a GitHub on which no workflow ever runs.
    if importlib.util.find_spec("sandbox.github.actions") is not None:
        importlib.import_module("sandbox.github.actions").install(forge)
    return forge


def create_application(forge: Forge) -> Starlette:
    """The ASGI application of a Forge."""
    dispatcher = Dispatcher(forge, Router(ROUTES))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        response = await dispatcher(HttpRequest(scope, receive))
        await response(scope, receive, send)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        forge.close()

    application = Starlette(lifespan=lifespan)
    application.mount("/", answer)
    return application


def write_logs(directory: Path) -> None:
    """Sends the logs of requests and of unknown routes to files in a folder."""
    for name, file in (
        ("sandbox.github.requests", "requests.log"),
        ("sandbox.github.unknown", "unknown-routes.log"),
    ):
        handler = logging.handlers.RotatingFileHandler(directory / file, maxBytes=LOG_SIZE, backupCount=1, delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        log = logging.getLogger(name)
        log.handlers = [handler]
        log.setLevel(logging.INFO)
        log.propagate = False
