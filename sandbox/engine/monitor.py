"""The resource monitor that the SDK talks to instead of the engine's: it sees every registration with all its options.

The SDK's own `MockMonitor` hides two things that matter: a URN used twice, and the options. Both are here.
"""

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.sync_await import (
    _ensure_event_loop,  # pyright: ignore[reportPrivateUsage]  # as MockMonitor does: each call has its own thread
    _sync_await,  # pyright: ignore[reportPrivateUsage]
)

from sandbox.engine.outcome import Applied, ApplyError, ResourceError
from sandbox.engine.values import mark_secret, plain, secret_keys, secret_texts

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class StoppedError(Exception):
    """Another resource failed; this one is not started."""


@dataclass(frozen=True)
class Registration:
    """One resource as the program declares it."""

    urn: str
    type: str
    name: str
    parent: str
    """The URN of its parent; the stack's own for those that have none."""
    custom: bool
    """False for components, which exist only in the program."""
    inputs: dict[str, Any]
    """Plain values; secrets are unwrapped."""
    secrets: frozenset[str] = frozenset()
    """Top-level inputs that hold a secret."""
    provider: str = ""
    """The URN of the explicit provider; empty if there is none."""
    existing_id: str = ""
    """The id to read, of a `get`."""
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    create_timeout: float | None = None
    """Seconds, from `custom_timeouts`."""

    @property
    def package(self) -> str:
        return self.type.partition(":")[0]


class Handler(ABC):
    """What is done with each registration; called from several threads."""

    @abstractmethod
    def register(self, registration: Registration) -> Applied:
        """Makes a resource be as declared, and says what it is now."""

    @abstractmethod
    def read(self, registration: Registration) -> Applied:
        """Looks up an existing resource."""

    def invoke(self, token: str, arguments: dict[str, Any], provider: str) -> dict[str, Any]:
        """Calls a provider function."""
        del arguments, provider
        raise unknown_function(token)

    def message(self, text: str) -> None:
        """Shows what the program says with `pulumi.log`."""
        del text

    def stop(self) -> None:  # noqa: B027  # most handlers never wait
        """Ends what only waits: the run has failed, or somebody interrupted it."""


def unknown_function(token: str) -> ApplyError:
    """The error for a provider function that nothing here can call."""
    return ApplyError(f"{token}: the in-process deployment does not know this function; use a resource's outputs")


class _NoMocks(Mocks):
    """What `set_mocks` asks for; the monitor answers everything itself."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise NotImplementedError(args.name)


@dataclass
class _Log:
    """Everything that was registered, in order."""

    registrations: dict[str, Registration] = field(default_factory=dict[str, Registration])
    secrets: set[str] = field(default_factory=set[str])
    exports: dict[str, Any] = field(default_factory=dict[str, Any])


class Monitor(MockMonitor):
    """Turns the SDK's requests into `Registration`s and stops at the first that fails."""

    # Names and untyped requests are gRPC's.

    def __init__(self, handler: Handler) -> None:
        super().__init__(_NoMocks())
        self.mocks: Mocks = _NoMocks()
        self._handler = handler
        self._lock = threading.Lock()
        self._log = _Log()
        self.failure: Exception | None = None

    @property
    def registrations(self) -> dict[str, Registration]:
        """Everything that was registered, in order, by URN."""
        return self._log.registrations

    @property
    def exports(self) -> dict[str, Any]:
        """The outputs of the stack; secret ones are replaced by `[secret]`."""
        return self._log.exports

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does: the chain of parent types, without the stack's own."""
        stack, project = rpc.settings.get_stack(), rpc.settings.get_project()
        chain = parent.split("::")[2] if parent else STACK_TYPE
        return f"urn:pulumi:{stack}::{project}::{type_ if chain == STACK_TYPE else f'{chain}${type_}'}::{name}"

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=self.make_urn("", request.type, request.name))
        _ensure_event_loop()
        self._refuse_unsupported(request)
        registration = self._registration(request, request.object)
        applied = self._run(registration, self._handler.register)
        outputs = self._serialized(applied.outputs, registration, frozenset(request.additionalSecretOutputs))
        return resource_pb2.RegisterResourceResponse(urn=registration.urn, id=applied.id, object=outputs)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        _ensure_event_loop()
        registration = self._registration(request, request.properties, existing_id=request.id)
        applied = self._run(registration, self._handler.read)
        outputs = self._serialized(applied.outputs, registration, frozenset(request.additionalSecretOutputs))
        return resource_pb2.ReadResourceResponse(urn=registration.urn, properties=outputs)

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        _ensure_event_loop()
        arguments = plain(rpc.deserialize_properties(request.args))
        result = self._handler.invoke(request.tok, arguments, _provider_urn(request.provider))
        answer = _sync_await(rpc.serialize_properties(result, {}))
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(answer)
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn.split("::")[2] == STACK_TYPE:
            _ensure_event_loop()
            outputs = cast(dict[str, Any], rpc.deserialize_properties(request.outputs))
            hidden = secret_keys(outputs)
            # `set_mocks` registers an empty set by itself; the two arrive in any order.
            self._log.exports |= {key: "[secret]" if key in hidden else plain(value) for key, value in outputs.items()}
        return empty_pb2.Empty()

    def clean(self, text: str) -> str:
        """The text without any secret that passed through here."""
        for secret in sorted(self._log.secrets, key=len, reverse=True):
            text = text.replace(secret, "[secret]")
        return text

    def _registration(self, request: Any, struct: Any, existing_id: str = "") -> Registration:
        inputs = cast(dict[str, Any], rpc.deserialize_properties(struct, keep_internal=True))
        timeouts = getattr(request, "customTimeouts", None)
        registration = Registration(
            urn=self.make_urn(request.parent, request.type, request.name),
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=bool(getattr(request, "custom", True)),
            inputs=plain(inputs),
            secrets=secret_keys(inputs),
            provider=_provider_urn(request.provider),
            existing_id=existing_id,
            protect=bool(getattr(request, "protect", False)),
            retain_on_delete=bool(getattr(request, "retainOnDelete", False)),
            ignore_changes=tuple(getattr(request, "ignoreChanges", ())),
            dependencies=tuple(request.dependencies),
            create_timeout=_seconds(timeouts.create) if timeouts is not None else None,
        )
        with self._lock:
            if self.failure is not None:
                raise StoppedError
            if registration.urn in self._log.registrations:
                self.failure = ResourceError(
                    registration.name,
                    registration.type,
                    "the program declares this URN twice; give one of them another name",
                )
                raise self.failure
            self._log.registrations[registration.urn] = registration
            # The serialized provider of a dynamic resource is marked secret as a whole; it is no text to look for.
            self._log.secrets |= secret_texts({k: v for k, v in inputs.items() if k != "__provider"})
        return registration

    def _run(self, registration: Registration, action: Callable[[Registration], Applied]) -> Applied:
        try:
            return action(registration)
        except Exception as error:
            told = isinstance(error, ApplyError | pulumi.RunError)
            reason = self.clean(str(error) if told else f"{type(error).__name__}: {error}")
            failed = ResourceError(registration.name, registration.type, reason)
            with self._lock:
                self.failure = self.failure or failed
            self._handler.stop()
            raise failed from error

    def _serialized(self, outputs: dict[str, Any], registration: Registration, more: frozenset[str]) -> Any:
        marked = mark_secret(outputs, registration.secrets | more)
        return _sync_await(rpc.serialize_properties(marked, {}))

    def _refuse_unsupported(self, request: Any) -> None:
        """Options that would be silently without effect here."""
        hooks = request.hooks
        used = [
            what
            for what, given in (
                ("transforms", bool(request.transforms)),
                ("resource hooks", any(hooks.ListFields()) if request.HasField("hooks") else False),
                ("a component of another language", request.remote),
            )
            if given
        ]
        if used:
            raise ResourceError(
                request.name, request.type, f"{', '.join(used)}: only the pulumi CLI can do that; see docs/sandbox.md"
            )


def _provider_urn(reference: str) -> str:
    """A provider reference is its URN, two colons, and its id."""
    return reference.rpartition("::")[0]


def _seconds(text: str) -> float | None:
    """Go's duration text, such as `1m30s`."""
    parts = cast(list[tuple[str, str]], re.findall(r"([\d.]+)(ms|h|m|s)", text or ""))
    return sum(float(number) * UNITS[unit] for number, unit in parts) if parts else None
