"""A language host for a pulumi CLI that came without the one for Python.

The engine starts it as `pulumi-language-python … ENGINE`, reads the port that it prints, and kills it at the end. For
one operation it starts two, and asks the first only whether it is there: the SDK, which takes most of the time to
start, is imported once the engine asks for a program.
"""

import sys
import threading
from collections.abc import Callable
from importlib import metadata
from typing import Any, cast

import grpc

from sandbox.garbage import collect_rarely
from sandbox.pulumi.plugin_server import serve

Answer = Callable[[bytes, object], bytes]


def _plain_answers() -> dict[str, Answer | None]:
    """What needs no SDK, by method, as protobuf writes it: most of it without any field. None is not implemented."""
    version = metadata.version("pulumi").encode()
    information = bytes([1 << 3 | 2, len(version)]) + version  # the first field, a text

    def nothing(_request: bytes, _context: object) -> bytes:
        return b""

    def plugin(_request: bytes, _context: object) -> bytes:
        return information

    answers: dict[str, Answer | None] = {
        "Handshake": nothing, "GetPluginInfo": plugin, "About": None, "Cancel": nothing,
    }  # fmt: skip
    return {f"/pulumirpc.LanguageRuntime/{method}": answer for method, answer in answers.items()}


class Host(grpc.GenericRpcHandler):
    """Says that it is there, and leaves all else to the host of programs, imported by then."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._plain = _plain_answers()
        self._lock = threading.Lock()
        self._programs: grpc.GenericRpcHandler | None = None

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        if method in self._plain:
            answer, made = self._plain[method], cast(Any, grpc).unary_unary_rpc_method_handler
            return answer and made(answer)
        with self._lock:
            if self._programs is None:
                self._programs = _host_of_programs(self._engine)
        return self._programs.service(handler_call_details)


class _Taker:
    """Takes what generated code adds to a server."""

    def __init__(self) -> None:
        self.handlers: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: tuple[grpc.GenericRpcHandler, ...]) -> None:
        self.handlers += handlers


def _host_of_programs(engine: str) -> grpc.GenericRpcHandler:
    from pulumi.runtime.proto import language_pb2_grpc  # noqa: PLC0415  # when it is asked for, as said above

    from sandbox.pulumi.program_host import LanguageHost  # noqa: PLC0415

    taker: Any = _Taker()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(engine), taker)
    (handler,) = taker.handlers
    return handler


if __name__ == "__main__":
    collect_rarely()
    serve(lambda server: server.add_generic_rpc_handlers((Host(engine=sys.argv[-1]),)))
