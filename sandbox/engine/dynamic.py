"""Runs dynamic resources: their provider is Python code that travels with the resource.

The engine's own protocol is kept: configure, check, then create, or read, diff and update, as `pulumi up --refresh`.
"""

import base64
import threading
from typing import Any

import dill  # pyright: ignore[reportMissingTypeStubs]  # what the SDK itself packs providers with
from pulumi.dynamic import Config, ConfigureRequest, ResourceProvider

from sandbox.engine.memory import Memory
from sandbox.engine.monitor import Registration
from sandbox.engine.outcome import Applied, ApplyError, Outcome
from sandbox.engine.shape import Json, fields
from sandbox.engine.stackfile import StackConfig

PREFIX = "pulumi-python:dynamic"
PROVIDER_KEY = "__provider"


class DynamicResources:
    """The dynamic resources of one run."""

    def __init__(self, config: StackConfig, memory: Memory) -> None:
        self._config = config
        self._memory = memory
        # Unpickling imports modules and is not to happen twice at once.
        self._lock = threading.Lock()

    def apply(self, registration: Registration) -> Applied:
        """Makes the resource be as declared, through its provider.

        Raises:
            ApplyError: The provider refused the inputs.
        """
        provider = self._provider(registration)
        known = self._memory.dynamic(registration.urn)
        old_inputs, old_outputs = fields(known, "inputs"), fields(known, "outputs")
        given = {key: value for key, value in registration.inputs.items() if key != PROVIDER_KEY}
        checked = provider.check(old_inputs, given)
        if checked.failures:
            raise ApplyError("; ".join(f"{failure.property}: {failure.reason}" for failure in checked.failures))
        inputs = checked.inputs
        if known is not None:
            seen = provider.read(known["id"], old_outputs)
            if seen.id:
                current = seen.outs if seen.outs is not None else old_outputs
                return self._converge(provider, registration, seen.id, current, inputs)
        created = provider.create(inputs)
        outputs = created.outs or {}
        return self._done(registration, created.id, inputs, outputs, Outcome.CREATED)

    def _converge(
        self, provider: ResourceProvider, registration: Registration, id_: str, current: Json, inputs: Json
    ) -> Applied:
        difference = provider.diff(id_, current, inputs)
        changes = difference.changes if difference.changes is not None else _differs(current, inputs)
        if difference.replaces:
            created = provider.create(inputs)
            return self._done(registration, created.id, inputs, created.outs or {}, Outcome.UPDATED)
        if not changes:
            return self._done(registration, id_, inputs, current, Outcome.UNCHANGED)
        updated = provider.update(id_, current, inputs).outs or {}
        return self._done(registration, id_, inputs, updated, Outcome.UPDATED)

    def _done(self, registration: Registration, id_: str, inputs: Json, outputs: Json, outcome: Outcome) -> Applied:
        self._memory.remember_dynamic(registration.urn, {"id": id_, "inputs": inputs, "outputs": outputs})
        return Applied(id=id_, outputs=outputs, outcome=outcome)

    def _provider(self, registration: Registration) -> ResourceProvider:
        packed = registration.inputs.get(PROVIDER_KEY)
        if not isinstance(packed, str):
            raise ApplyError("the dynamic resource carries no provider")
        with self._lock:
            provider: Any = dill.loads(base64.b64decode(packed))  # pyright: ignore[reportUnknownMemberType]  # noqa: S301
        if not isinstance(provider, ResourceProvider):
            raise ApplyError("the dynamic resource carries something that is no ResourceProvider")
        provider.configure(ConfigureRequest(Config(self._config.as_text(), self._config.project)))
        return provider


def _differs(old: Json, new: Json) -> bool:
    """The engine's own comparison, for providers that do not say."""
    return any(old.get(key) != value for key, value in new.items())
