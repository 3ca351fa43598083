"""Runs a Pulumi program without an engine and keeps every registration, with its options."""

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from pulumi.runtime import rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import SETTINGS, get_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

SECRET_SIGNATURE = "4dabf18193072939515e22adb298388d"


@dataclass(frozen=True)
class Registration:
    """A resource as the program declared it."""

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    custom: bool
    parent: str
    provider: str
    protect: bool
    retain_on_delete: bool
    dependencies: frozenset[str]


@dataclass
class Recording:
    """All that a program declared."""

    resources: list[Registration] = field(default_factory=list[Registration])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])

    def of(self, kind: str) -> list[Registration]:
        """The resources whose type ends so, such as `:Repository`."""
        return [resource for resource in self.resources if resource.type.endswith(kind)]

    def one(self, name: str) -> Registration:
        """The resource of a logical name that is not a component."""
        (found,) = [resource for resource in self.resources if resource.name == name and resource.custom]
        return found

    def dependencies(self, resource: Registration) -> set[str]:
        """The names of everything that must be there before it, directly or not."""
        by_urn = {one.urn: one for one in self.resources}
        seen: set[str] = set()
        pending = [resource]
        while pending:
            for urn in pending.pop().dependencies - seen:
                seen.add(urn)
                pending += [by_urn[urn]] if urn in by_urn else []
        return {by_urn[urn].name for urn in seen if urn in by_urn}


class Answers(Mocks):
    """Answers as a provider would, where the program looks."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        number = sum(args.name.encode())
        identifier = str(number) if args.typ == "github:index/team:Team" else f"{args.name}-id"
        # What Kubernetes puts into the token of a service account, base64 as always.
        token = str(args.inputs.get("type", "")).endswith("-account-token")
        filled = {"data": {"token": "dG9r", "ca.crt": "Y2E="}} if token else {}
        return args.resource_id or identifier, {**args.inputs, **filled, "htmlUrl": f"https://github.test/{args.name}"}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token == "pulumi:pulumi:readStackResourceOutputs":
            # Outside of a clone of the platform repository it is asked which commit was deployed last.
            return {"outputs": {}}, []
        assert args.token == "github:index/getTeam:getTeam", f"no answer to {args.token}"
        return {"id": str(sum(args.args["slug"].encode())), "slug": args.args["slug"]}, []


class _Recorder(MockMonitor):
    """The SDK's mock keeps the last of two resources of one URN; this one refuses the second."""

    def __init__(self, answers: Mocks) -> None:
        super().__init__(answers)
        self.recording = Recording()
        self._urns: set[str] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        urn = self.make_urn(request.parent, request.type, request.name)
        assert urn not in self._urns, f"declared twice: {urn}"
        self._urns.add(urn)
        if request.type != "pulumi:pulumi:Stack":
            self.recording.resources.append(
                Registration(
                    urn,
                    request.type,
                    request.name,
                    rpc.deserialize_properties(request.object),
                    request.custom,
                    request.parent,
                    request.provider,
                    request.protect,
                    request.retainOnDelete,
                    frozenset(request.dependencies),
                )
            )
        return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.recording.outputs = rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)


def record(
    program: Callable[[], object],
    *,
    config: dict[str, str] | None = None,
    secrets: list[str] | None = None,
    stack: str = "test",
    preview: bool = False,
    answers: Mocks | None = None,
) -> Recording:
    """Runs a program to its end; its errors come out as they are."""
    given = (program, config or {}, secrets or [], stack, preview, answers or Answers())
    return contextvars.copy_context().run(_record, *given)


def _record(
    program: Callable[[], object], config: dict[str, str], secrets: list[str], stack: str, preview: bool, answers: Mocks
) -> Recording:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = _Recorder(answers)
    try:
        set_all_config(config, secrets)
        set_mocks(answers, project="slipway", stack=stack, preview=preview, monitor=recorder)
        # A run that failed leaves outputs of its closed loop behind, and the next one would wait for them.
        cast("set[object]", SETTINGS.outputs).clear()  # pyright: ignore[reportAttributeAccessIssue]

        def run() -> None:
            program()
            root = get_root_resource()
            if isinstance(root, Stack):
                root.register_outputs(root.outputs)

        loop.run_until_complete(run_pulumi_func(run))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        asyncio.set_event_loop(None)
        loop.close()
    return recorder.recording


def is_secret(value: Any) -> bool:
    """Whether an input is marked secret."""
    return isinstance(value, dict) and SECRET_SIGNATURE in value


def plain(value: Any) -> Any:
    """An input without the marks of secrets."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
