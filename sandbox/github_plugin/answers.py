"""Answers to the engine, errors too, in its own forms."""

from collections.abc import Iterable
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from sandbox.github_plugin.checking import Failure
from sandbox.github_plugin.client import PluginError
from sandbox.github_plugin.differences import Change
from sandbox.github_plugin.lifecycle import UnfinishedError
from sandbox.github_plugin.settings import SettingsError
from sandbox.github_plugin.wire import Json, encoded

KINDS_OF_CHANGE = {
    (False, True): ("ADD", "ADD_REPLACE"),
    (True, False): ("DELETE", "DELETE_REPLACE"),
    (True, True): ("UPDATE", "UPDATE_REPLACE"),
    (False, False): ("UPDATE", "UPDATE_REPLACE"),
}


class Sentences(grpc.ServerInterceptor):
    """Ends a call that fails with a sentence, never with a traceback."""

    def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = continuation(handler_call_details)
        if handler is None:
            return None

        def answer(request: Any, context: Any) -> Any:
            try:
                return handler.unary_unary(request, context)
            except (PluginError, SettingsError) as error:
                return context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
                method = handler_call_details.method.rpartition("/")[2]
                said = f"{method} of the sandbox's GitHub plugin failed: {type(error).__name__}: {error}"
                return context.abort(grpc.StatusCode.INTERNAL, said)

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def failures(found: Iterable[Failure]) -> list[provider_pb2.CheckFailure]:
    return [provider_pb2.CheckFailure(property=failure.property, reason=failure.reason) for failure in found]


def diff_response(found: list[Change], *, delete_first: bool) -> provider_pb2.DiffResponse:
    """The answer to a comparison.

    Args:
        found: what differs.
        delete_first: whether the old resource is in the way of the new one, where it is replaced.
    """
    kinds = provider_pb2.PropertyDiff.Kind
    replaced = sorted({_top(change) for change in found if change.replaces})
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE,
        replaces=replaced,
        diffs=sorted({_top(change) for change in found}),
        deleteBeforeReplace=bool(replaced) and delete_first,
        detailedDiff={
            change.path: provider_pb2.PropertyDiff(
                kind=kinds.Value(KINDS_OF_CHANGE[change.had, change.has][change.replaces])
            )
            for change in found
        },
        hasDetailedDiff=True,
    )


def _top(change: Change) -> str:
    return change.path.partition(".")[0]


def abort_unfinished(context: Any, error: UnfinishedError, inputs: Json) -> NoReturn:
    """Tells the engine that a resource is there and unfinished, so that it is in the state."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id, properties=encoded(error.state), inputs=encoded(inputs), reasons=[str(error)]
    )
    status = status_pb2.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message=str(error))
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    raise error
