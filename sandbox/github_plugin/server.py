"""The gRPC service that the engine talks to."""

import argparse
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from sandbox.github_plugin import checking, lifecycle
from sandbox.github_plugin.answers import Sentences, abort_unfinished, diff_response, failures
from sandbox.github_plugin.client import GitHub, PluginError
from sandbox.github_plugin.differences import previewed
from sandbox.github_plugin.functions import FUNCTIONS
from sandbox.github_plugin.kinds import KINDS
from sandbox.github_plugin.package_schema import package_schema
from sandbox.github_plugin.schema import Kind
from sandbox.github_plugin.settings import SettingsError, settings
from sandbox.github_plugin.wire import decoded, encoded

VERSION = "6.15.0"
"""The version of the real plugin that this one behaves as."""
WORKERS = 64
"""Requests at a time; the engine sends as many as its `--parallel`."""
MESSAGE_LIMIT = 400 * 1024 * 1024


class GitHubPlugin(provider_pb2_grpc.ResourceProviderServicer):
    """Everything that an engine asks of a provider of resources."""

    def __init__(self) -> None:
        self._github: GitHub | None = None

    @property
    def github(self) -> GitHub:
        if self._github is None:
            raise PluginError("the GitHub provider is not configured yet")
        return self._github

    def Handshake(self, request: Any, context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False, accept_resources=False, accept_outputs=False
        )

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        return provider_pb2.GetSchemaResponse(schema=package_schema(VERSION))

    def GetMapping(self, request: Any, context: Any) -> provider_pb2.GetMappingResponse:
        return provider_pb2.GetMappingResponse()

    def CheckConfig(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        wrong: list[checking.Failure] = []
        try:
            settings(decoded(request.news))
        except SettingsError as error:
            name, _, reason = str(error).partition(": ")
            wrong.append(checking.Failure(name, reason))
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures(wrong))

    def DiffConfig(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        old, new = decoded(request.old_inputs), decoded(request.news)
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=changed,
        )

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Any) -> provider_pb2.ConfigureResponse:
        given = {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        self._github = GitHub(settings(given))
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Any) -> provider_pb2.InvokeResponse:
        if request.tok not in FUNCTIONS:
            raise PluginError(f"{request.tok}: the sandbox's GitHub plugin has no such function")
        names, function = FUNCTIONS[request.tok]
        arguments = decoded(request.args)
        if wrong := sorted(arguments.keys() - names):
            raise PluginError(f"{', '.join(wrong)}: {request.tok} takes {', '.join(sorted(names))}")
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(encoded(function(self.github, arguments)))
        return answer

    def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        kind = _kind(request.urn)
        own_name = decoded(request.olds).get("name") or f"{_name(request.urn)}-{request.randomSeed.hex()[:7] or 'x'}"
        inputs, wrong = checking.check(kind, decoded(request.news), own_name)
        return provider_pb2.CheckResponse(inputs=encoded(inputs), failures=failures(wrong))

    def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        kind = _kind(request.urn)
        state, inputs = decoded(request.olds), decoded(request.news)
        found = lifecycle.changes(self.github, kind, state, inputs, list(request.ignoreChanges))
        same_name = kind.named and state.get("name") == inputs.get("name")
        return diff_response(found, delete_first=same_name)

    def Create(self, request: provider_pb2.CreateRequest, context: Any) -> provider_pb2.CreateResponse:
        kind, inputs = _kind(request.urn), decoded(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=encoded(previewed(kind, inputs, {})))
        try:
            made = lifecycle.create(self.github, kind, inputs)
        except lifecycle.UnfinishedError as error:
            abort_unfinished(context, error, inputs)
        return provider_pb2.CreateResponse(id=made.id, properties=encoded(made.state))

    def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:
        kind = _kind(request.urn)
        known, inputs = decoded(request.properties), decoded(request.inputs)
        found = lifecycle.read(self.github, kind, request.id, known, inputs)
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(id=found.id, properties=encoded(found.state), inputs=encoded(found.inputs))

    def Update(self, request: provider_pb2.UpdateRequest, context: Any) -> provider_pb2.UpdateResponse:
        kind, state, inputs = _kind(request.urn), decoded(request.olds), decoded(request.news)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=encoded(previewed(kind, inputs, state)))
        after = lifecycle.update(self.github, kind, request.id, state, inputs)
        return provider_pb2.UpdateResponse(properties=encoded(after))

    def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:
        _kind(request.urn).delete(self.github, request.id, decoded(request.properties))
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        if self._github is not None:
            self._github.cancel()
        return empty_pb2.Empty()


def _kind(urn: str) -> Kind:
    token = urn.split("::")[2].rpartition("$")[2]
    if token not in KINDS:
        raise PluginError(f"{token}: the sandbox's GitHub plugin does not know this kind of resource")
    return KINDS[token]


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def listen() -> tuple[grpc.Server, int]:
    """Starts the service on a free port of the loopback interface."""
    options = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    server = grpc.server(ThreadPoolExecutor(WORKERS), interceptors=[Sentences()], options=options)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(GitHubPlugin(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve() -> int:
    """Serves until the engine ends; the exit code."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-github", description="A GitHub provider for rehearsals.")
    parser.add_argument("engine", nargs="?", help="the engine's address")
    parser.parse_known_args()
    parent = os.getppid()
    server, port = listen()
    print(port, flush=True)
    threading.Thread(target=_end_with, args=(parent, server), daemon=True).start()
    try:
        server.wait_for_termination()
    except KeyboardInterrupt:
        return 130
    return 0


def _end_with(parent: int, server: grpc.Server) -> None:
    """An engine that was killed stops nothing; its plugins notice."""
    while os.getppid() == parent:
        time.sleep(1)
    server.stop(None)
