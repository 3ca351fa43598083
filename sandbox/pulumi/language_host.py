"""A language host for a pulumi CLI that came without the one for Python: it runs the program in its own process.

The engine starts it as `pulumi-language-python … ENGINE`, reads the port that it prints, and kills it at the end.
"""

import os
import runpy
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from google.protobuf.empty_pb2 import Empty
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.pulumi.plugin_server import serve


class LanguageHost(LanguageServer):
    """The SDK's own host of inline programs, given the program of a folder."""

    def __init__(self, engine: str) -> None:
        super().__init__(lambda: None)
        self._engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return language_pb2.LanguageHandshakeResponse()

    def Run(self, request: Any, context: Any) -> Any:  # noqa: N802
        folder = Path(request.info.program_directory)
        # The engine gives its address to the process; the host of inline programs reads it from the arguments.
        request.args[:] = [self._engine]
        os.chdir(request.pwd or folder)
        sys.path.insert(0, str(folder))
        self.program = lambda: _run(folder)
        answer: Any = super().Run(request, context)  # pyright: ignore[reportUnknownMemberType]  # it has no types
        if answer.error:
            # It has been logged, and the engine would say it once more.
            answer.error, answer.bail = "", True
        return answer

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: ARG002, N802
        """`make install` has done it, from the lock file."""
        return iter(())

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def Cancel(self, request: Any, context: Any) -> Empty:  # noqa: ARG002, N802
        return Empty()


def _run(folder: Path) -> None:
    runpy.run_path(str(folder / "__main__.py"), run_name="__main__")


if __name__ == "__main__":
    host = LanguageHost(engine=sys.argv[-1])
    serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server))
