"""Deploys the program in this process: every resource is applied for real, in the order that its inputs allow."""

import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sandbox.engine.dynamic import PREFIX as DYNAMIC_PREFIX
from sandbox.engine.dynamic import DynamicResources
from sandbox.engine.github import FUNCTIONS as GITHUB_FUNCTIONS
from sandbox.engine.github import KINDS as GITHUB_KINDS
from sandbox.engine.github import LOOK_UPS as GITHUB_LOOK_UPS
from sandbox.engine.github.api import GitHubApi
from sandbox.engine.github.kind import Context
from sandbox.engine.kubernetes import objects
from sandbox.engine.kubernetes.api import KubernetesApi
from sandbox.engine.kubernetes.helm import Helm
from sandbox.engine.kubernetes.release import RELEASE_TYPE, Releases
from sandbox.engine.memory import Memory
from sandbox.engine.monitor import PROVIDER_PREFIX, Handler, Registration, unknown_function
from sandbox.engine.outcome import Applied, ApplyError, Outcome, Tally
from sandbox.engine.program import run_program
from sandbox.engine.stackfile import StackConfig

Api = TypeVar("Api")
Tell = Callable[[str], None]
NOT_AVAILABLE_HERE = ("Patch", "List")


@dataclass(frozen=True)
class Deployed:
    """What a run did."""

    tally: Tally
    exports: dict[str, Any]
    """The stack's outputs, without secrets."""
    messages: tuple[str, ...] = ()
    """What the program said with `pulumi.log`."""


def deploy(root: Path, config: StackConfig, state: Path, helm: Path, tell: Tell = lambda _text: None) -> Deployed:
    """Runs the program of the work tree and applies what it declares.

    Args:
        root: The work tree.
        config: The stack's settings.
        state: Folder for what cannot be read back, and for helm's own files.
        helm: The helm command.
        tell: Is told what is being applied.

    Raises:
        ProgramError: The program or its settings are wrong.
        ResourceError: A resource failed; it is named.
    """
    with contextlib.closing(_Deployment(config, state, helm, tell)) as deployment:
        monitor = run_program(root, config, deployment, preview=False)
        return Deployed(deployment.tally, monitor.exports, tuple(deployment.messages))


@dataclass
class _Running:
    """What is being applied right now, oldest first."""

    names: dict[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        shown = list(self.names.values())[:3]
        more = len(self.names) - len(shown)
        return ", ".join(shown) + (f" and {more} more" if more else "")


class _Deployment(Handler):
    """Gives each resource to what knows its type."""

    def __init__(self, config: StackConfig, state: Path, helm: Path, tell: Tell) -> None:
        self.tally = Tally()
        self.messages: list[str] = []
        self._memory = Memory(state / "memory.json")
        self._dynamic = DynamicResources(config, self._memory)
        self._helm, self._state, self._tell = helm, state, tell
        self._defaults_disabled = "*" in str(config.values.get("pulumi:disable-default-providers", ""))
        self._lock = threading.Lock()
        self._running = _Running()
        self._stopping = threading.Event()
        self._github: dict[str, GitHubApi] = {}
        self._kubernetes: dict[str, KubernetesApi] = {}

    def close(self) -> None:
        """Closes every connection."""
        for api in (*self._github.values(), *self._kubernetes.values()):
            api.close()

    def register(self, registration: Registration) -> Applied:
        if not registration.custom:
            return Applied(id="", outputs={})
        if registration.type.startswith(PROVIDER_PREFIX):
            return self._provider(registration)
        with self._told(registration):
            applied = self._apply(registration)
        with self._lock:
            self.tally.counts[applied.outcome] += 1
        return applied

    def read(self, registration: Registration) -> Applied:
        if registration.package == "kubernetes":
            return objects.read_object(self._kubernetes_api(registration), registration)
        if look_up := GITHUB_LOOK_UPS.get(registration.type):
            return look_up(Context(self._github_api(registration), self._memory), registration.existing_id)
        raise ApplyError("the in-process deployment cannot look up resources of this type; pass on what is known")

    def invoke(self, token: str, arguments: dict[str, Any], provider: str) -> dict[str, Any]:
        known = GITHUB_FUNCTIONS.get(token)
        if known is None:
            raise unknown_function(token)
        api = self._github.get(provider)
        if api is None:
            raise self._without_provider("github")
        argument, look_up = known
        found = look_up(Context(api, self._memory), str(arguments.get(argument, "")))
        return {**arguments, **found.outputs, "id": found.id}

    def message(self, text: str) -> None:
        self.messages.append(text)

    def _apply(self, registration: Registration) -> Applied:
        if registration.type.startswith(DYNAMIC_PREFIX):
            return self._dynamic.apply(registration)
        if registration.type == RELEASE_TYPE:
            api = self._kubernetes_api(registration)
            helm = Helm(self._helm, self._state / "helm", api)
            return Releases(helm, api, lambda text: self._say(registration, text)).apply(registration)
        if registration.package == "kubernetes" and _is_object(registration):
            api = self._kubernetes_api(registration)
            return objects.apply_object(api, registration, lambda text: self._say(registration, text))
        if kind := GITHUB_KINDS.get(registration.type):
            context = Context(self._github_api(registration), self._memory, frozenset(registration.ignore_changes))
            return kind(context, registration.inputs)
        raise ApplyError(
            "the in-process deployment does not know this type of resource; docs/sandbox.md lists those it knows, "
            "all others need the pulumi CLI"
        )

    def _provider(self, registration: Registration) -> Applied:
        name = registration.type.removeprefix(PROVIDER_PREFIX)
        if name == "github":
            self._github[registration.urn] = GitHubApi(registration.inputs)
        elif name == "kubernetes":
            inputs = registration.inputs
            if not inputs.get("kubeconfig"):
                raise ApplyError("kubeconfig: it has none; the ambient one is never used, name one")
            self._kubernetes[registration.urn] = KubernetesApi(inputs["kubeconfig"], inputs.get("context"))
        elif name != "pulumi-python":
            raise ApplyError("the in-process deployment has no such provider; it needs the pulumi CLI")
        return Applied(id=registration.name, outputs=registration.inputs, outcome=Outcome.UNCHANGED)

    def _github_api(self, registration: Registration) -> GitHubApi:
        return self._known(self._github, registration, "github")

    def _kubernetes_api(self, registration: Registration) -> KubernetesApi:
        return self._known(self._kubernetes, registration, "kubernetes")

    def _known(self, providers: dict[str, Api], registration: Registration, name: str) -> Api:
        found = providers.get(registration.provider)
        if found is None:
            raise self._without_provider(name)
        return found

    def _without_provider(self, name: str) -> ApplyError:
        why = "is disabled" if self._defaults_disabled else "is not there in an in-process deployment"
        return ApplyError(f"the default provider for {name!r} {why}; give the resource an explicit provider")

    def stop(self) -> None:
        self._stopping.set()

    def _say(self, registration: Registration, text: str) -> None:
        """Says more about a resource; whoever waits calls it again and again, and is stopped here."""
        if self._stopping.is_set():
            raise ApplyError("stopped while it was waited for")
        with self._lock:
            self._running.names[registration.urn] = f"{registration.name} {text}".strip()
            self._tell(str(self._running))

    @contextlib.contextmanager
    def _told(self, registration: Registration) -> Generator[None]:
        """Says what is being applied, as long as it is."""
        with self._lock:
            self._running.names[registration.urn] = registration.name
            self._tell(str(self._running))
        try:
            yield
        finally:
            with self._lock:
                del self._running.names[registration.urn]
                if self._running.names:
                    self._tell(str(self._running))


def _is_object(registration: Registration) -> bool:
    """Whether it is one object of the cluster: patches, lists, charts and YAML files are not."""
    kind = registration.type.rpartition(":")[2]
    return "apiVersion" in registration.inputs and not kind.endswith(NOT_AVAILABLE_HERE)
