"""A provider that reaches nothing: for `plan`, which shows what the program declares where there is no platform.

It takes every resource as it is declared. Only the engine's previews ask it, which create nothing.
"""

import sys
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct

from sandbox.garbage import collect_rarely
from sandbox.pulumi import without_sdk
from sandbox.pulumi.plugin_server import serve

if __name__ == "__main__":
    without_sdk.leave_out()

from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc  # after what it is without

UNKNOWN_ID = "0"
"""Answers of functions have no unknowns; this one can be read as a text and as a number."""


class PlanProvider(provider_pb2_grpc.ResourceProviderServicer):
    """Answers with what it is asked."""

    def __init__(self, version: str) -> None:
        self._version = version

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True, accept_outputs=False)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.CheckResponse(inputs=request.news)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        if not request.preview:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "a plan creates nothing")
        return provider_pb2.CreateResponse(id="", properties=request.properties)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        response = provider_pb2.InvokeResponse()
        answer: Struct = getattr(response, "return")
        answer.CopyFrom(request.args)
        answer["id"] = UNKNOWN_ID
        return response

    def Read(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return provider_pb2.ReadResponse(id=request.id, properties=request.properties)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=self._version)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return Empty()


if __name__ == "__main__":
    collect_rarely()
    provider = PlanProvider(version=sys.argv[1])
    serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))
