"""Puts the server together: one Forge, all routes, one ASGI application."""

import importlib
import logging
import logging.handlers
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from sandbox.github.actions import id_tokens
from sandbox.github.core.forge import Forge
from sandbox.github.core.routing import ROUTES, Router
from sandbox.github.dispatch import Dispatcher
from sandbox.github.git import pushes, transport, webhook_deliveries
from sandbox.github.identity.provider import PATH, Provider

ROUTE_MODULES = (
    "chat",
    "core.downloads",
    "core.faults",
    "deployments.deployment_routes",
    "deployments.environments",
    "deployments.secret_routes",
    "deployments.statuses",
    "git.archives",
    "git.commit_routes",
    "git.contents",
    "git.dispatches",
    "git.fork_routes",
    "git.git_data",
    "git.pushes",
    "git.refs",
    "git.webhooks",
    "graphql.endpoint",
    "meta",
    "organizations.account_routes",
    "organizations.actions_policy",
    "organizations.app_manifests",
    "organizations.apps",
    "organizations.collaborators",
    "organizations.installations",
    "organizations.team_members",
    "organizations.teams",
    "packages.tokens",
    "pulls.issues",
    "pulls.plain_issues",
    "pulls.reviews",
    "pulls.routes",
    "pulls.updates",
    "repositories.labels",
    "repositories.pages",
    "repositories.repository_settings",
    "repositories.routes",
    "rules.organization_rulesets",
    "rules.rulesets",
)
"""Modules whose import registers routes or watchers."""

LOG_SIZE = 10_000_000


def create_forge(directory: Path, url: str, *, run_workflows: bool = True) -> Forge:
    """Opens the state below a folder and starts everything that listens to its events."""
    forge = Forge(directory, url)
    for name in ROUTE_MODULES:
        importlib.import_module(f"sandbox.github.{name}")
    webhook_deliveries.install(forge)
    if run_workflows:
        importlib.import_module("sandbox.github.actions").install(forge)
    return forge


def create_application(forge: Forge, hook_base: str | None = None) -> Starlette:
    """The ASGI application of a Forge.

    Args:
        forge: What it serves.
        hook_base: Where the server can reach itself, for the hooks of its git; the Forge's own URL by default.
    """
    dispatcher = Dispatcher(forge, Router(ROUTES))
    git = transport.GitTransport(forge, f"{hook_base or forge.url}{pushes.HOOK_PATH}")

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        is_git = transport.PATH.fullmatch(scope["path"]) is not None
        response: Response = await git(http) if is_git else await dispatcher(http)
        await response(scope, receive, send)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        forge.close()

    identity = Mount(PATH, app=Provider(forge).application())
    jobs = Mount(id_tokens.PATH, app=id_tokens.IdTokens(forge).application())
    return Starlette(routes=[identity, jobs, Mount("/", app=answer)], lifespan=lifespan)


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
