"""The provider of `CommittedFiles` in the CLI's own plugin process, over the engine's protocol."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from components.github.files_provider import FilesProvider
from tests.components.builders import platform
from tests.components.git_data import GitData
from tests.components.test_committed_files import OWNED, properties
from tests.recorder import plain

ROOT = Path(__file__).parents[2]


@pytest.fixture
def data() -> GitData:
    return GitData.initialised()


@pytest.fixture
def server(data: GitData) -> Iterator[str]:
    """The repository in memory, behind real HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            content = self.rfile.read(int(self.headers.get("content-length") or 0))
            found = data._answer(httpx.Request(self.command, f"http://github.test{self.path}", content=content))
            self.send_response(found.status_code)
            self.send_header("content-length", str(len(found.content)))
            self.end_headers()
            self.wfile.write(found.content)

        do_GET = do_POST = do_PATCH = do_PUT = answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}/"
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def plugin(server: str) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """The plugin, configured as the program's `FilesHost` declares it."""
    process = subprocess.Popen([sys.executable, "-m", "pulumi.dynamic"], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        port = process.stdout.readline().decode().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            given = plain(platform().one("files").inputs)
            given["slipway:github"] = given["slipway:github"].replace("https://github.com/", server)
            stub.Configure(provider_pb2.ConfigureRequest(args=serialized(given)), timeout=60)
            yield stub
    finally:
        process.kill()
        process.wait()


def serialized(values: dict[str, Any]) -> Any:
    return asyncio.run(rpc.serialize_properties(values, {}))


def declared(**changes: Any) -> Any:
    return serialized({**properties(**changes), PROVIDER_KEY: serialize_provider(FilesProvider())})


def test_it_creates_reads_and_sees_no_difference(plugin: Any, data: GitData) -> None:
    created = plugin.Create(provider_pb2.CreateRequest(properties=declared()), timeout=60)
    assert created.id == "acme/guestbook"
    assert set(OWNED) <= set(data.files())
    read = plugin.Read(provider_pb2.ReadRequest(id=created.id, properties=created.properties), timeout=60)
    assert read.properties == created.properties
    request = provider_pb2.DiffRequest(id=created.id, olds=read.properties, news=declared())
    assert plugin.Diff(request, timeout=60).changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_refusal_reaches_the_user_without_a_traceback(plugin: Any, data: GitData) -> None:
    data.refuse = lambda request: (
        httpx.Response(404, json={"message": "Not Found"}) if request.method == "POST" else None
    )
    with pytest.raises(grpc.RpcError) as raised:
        plugin.Create(provider_pb2.CreateRequest(properties=declared()), timeout=60)
    details = str(raised.value.details())
    assert "workflows: write" in details
    assert "File " not in details
