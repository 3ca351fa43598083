"""git over HTTP: authorises, then hands the conversation to `git http-backend`."""

import asyncio
import logging
import re
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response, StreamingResponse

from sandbox.github.access import authentication
from sandbox.github.access.authorization import granted, satisfies
from sandbox.github.core.errors import GitHubError
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import environment
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.store import Document
from sandbox.github.git import listing, pushes
from sandbox.github.git.fork_routes import maintained_refs

PATH = re.compile(r"/([^/]+)/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")

HOOK = Path(__file__).with_name("hook.py")

Call = Callable[..., Awaitable[Any]]
"""Calls a function with its arguments, somewhere."""

requests_log = logging.getLogger("sandbox.github.requests")


@dataclass(frozen=True)
class Visit:
    """One request of git: what it asks for and who sends it."""

    http: HttpRequest
    owner: str
    name: str
    action: str
    """`info/refs`, `git-upload-pack` or `git-receive-pack`."""
    principal: Principal

    @property
    def service(self) -> str:
        """The git service, also where only its refs are asked for."""
        return self.http.query_params.get("service", "") if self.action == "info/refs" else self.action


class GitTransport:
    """Answers git's smart protocol."""

    def __init__(self, forge: Forge, hook_url: str, call: Call = run_in_threadpool) -> None:
        """Prepares to serve.

        Args:
            forge: The server.
            hook_url: Where this very server answers its own hooks.
            call: How what blocks is called.
        """
        self._forge = forge
        self._call = call
        self._hook_url = hook_url
        self._hooks = forge.directory / "hooks"
        self._hooks.mkdir(exist_ok=True)
        script = self._hooks / "pre-receive"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{HOOK}"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    async def __call__(self, http: HttpRequest) -> Response:
        """The answer to one request of git."""
        response = await self._respond(http)
        requests_log.info("%s %s %d git", http.method, http.url.path, response.status_code)
        return response

    async def _respond(self, http: HttpRequest) -> Response:
        try:
            principal = await self._call(authentication.authenticate, self._forge, http.headers.get("authorization"))
            visit = _visit(http, principal)
            repository = await self._call(self._admit, visit)
        except GitHubError as error:
            headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if error.status == 401 else {}
            return Response(f"{error.message}\n", status_code=error.status, headers=headers)
        if visit.action == "git-upload-pack" and http.headers.get("git-protocol") == "version=2":
            told = await self._call(listing.answer, self._forge.git.by_id(repository["id"]), await http.body())
            if told is not None:
                return Response(told, media_type="application/x-git-upload-pack-result")
        with tempfile.TemporaryFile() as body:
            async for chunk in http.stream():
                body.write(chunk)
            return await self._serve(visit, repository, body)

    def _admit(self, visit: Visit) -> Document:
        repository = self._forge.repository(f"{visit.owner}/{visit.name}")
        grants = granted(self._forge, visit.principal, repository) if repository else {}
        if repository is None or not satisfies(grants, "contents:read"):
            if visit.principal.kind is Kind.ANONYMOUS:
                raise GitHubError(401, "Authentication required")
            if repository is not None and satisfies(grants, "metadata:read"):
                raise GitHubError(403, "Resource not accessible by integration")
            raise GitHubError(404, "Repository not found.")
        if visit.service == "git-receive-pack":
            if visit.principal.kind is Kind.ANONYMOUS:
                raise GitHubError(401, "Authentication required")
            may_push = satisfies(grants, "contents:write")
            if not may_push and not maintained_refs(self._forge, visit.principal, repository):
                text = f"Permission to {repository['full_name']}.git denied to {visit.principal.login}."
                raise GitHubError(403, text)
            if repository["archived"]:
                raise GitHubError(403, "This repository was archived so it is read-only.")
        writes = visit.service == "git-receive-pack"
        self._forge.uses.note(visit.principal, "contents:write" if writes else "contents:read", visit.service)
        return repository

    async def _serve(self, visit: Visit, repository: Document, body: IO[bytes]) -> Response:
        receives = visit.action == "git-receive-pack"
        push = pushes.begin(self._forge, repository, visit.principal) if receives else None
        try:
            status, headers, output = await self._backend(visit, repository, body, push)
        finally:
            if push is not None:
                await self._call(pushes.end, push)
        return StreamingResponse(_chunks(output), status_code=status, headers=headers)

    async def _backend(
        self, visit: Visit, repository: Document, body: IO[bytes], push: pushes.Push | None
    ) -> tuple[int, dict[str, str], IO[bytes]]:
        http, size = visit.http, body.tell()
        body.seek(0)
        directory = self._forge.git.by_id(repository["id"]).directory
        variables = {
            "GIT_PROJECT_ROOT": str(directory.parent),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{directory.name}/{visit.action}",
            "REQUEST_METHOD": http.method,
            "QUERY_STRING": http.url.query,
            "CONTENT_TYPE": http.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(size),
            "HTTP_CONTENT_ENCODING": http.headers.get("content-encoding", ""),
            "GIT_PROTOCOL": http.headers.get("git-protocol", ""),
            "REMOTE_USER": visit.principal.login,
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(self._hooks),
            "GIT_CONFIG_KEY_1": "safe.directory",
            "GIT_CONFIG_VALUE_1": "*",
        }
        if push is not None:
            variables |= {"SLIPWAY_PUSH": push.key, "SLIPWAY_HOOK_URL": self._hook_url}
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the response that sends it
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=body,
            stdout=output,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(variables),
        )
        await process.wait()
        output.seek(0)
        return _head(output)


def _visit(http: HttpRequest, principal: Principal) -> Visit:
    match = PATH.fullmatch(http.url.path)
    if match is None:
        raise GitHubError(404, "Not Found")
    visit = Visit(http, match[1], match[2], match[3], principal)
    if visit.service not in ("git-upload-pack", "git-receive-pack"):
        raise GitHubError(403, "Please upgrade your git client.")
    return visit


def _head(output: IO[bytes]) -> tuple[int, dict[str, str], IO[bytes]]:
    """Reads the CGI headers; the file is left at the body."""
    status, headers = 200, dict[str, str]()
    complete = False
    for line in iter(output.readline, b""):
        text = line.decode("latin-1").strip()
        if not text:
            complete = True
            break
        name, _, value = text.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name] = value.strip()
    return (status if complete else 500), headers, output


async def _chunks(output: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while chunk := await run_in_threadpool(output.read, 65536):
            yield chunk
    finally:
        output.close()
