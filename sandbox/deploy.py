"""Deploys the platform, and looks at the pods of Argo CD meanwhile: one that fails for good is not waited for."""

import contextlib
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sandbox import pods
from sandbox.applications import ARGOCD
from sandbox.argocd import release
from sandbox.cluster import Cluster, ClusterError
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.pulumi import operations, processes
from sandbox.pulumi.events import Tell
from sandbox.pulumi.operations import PulumiError, Run
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.workspace import Workspace

ADOPTING = {"slipway:adopt": ["everything"]}
"""After an interrupted run: all that is in the sandbox is its own."""


def deploy(config: SandboxConfig, tell: Tell, place: Workspace, settings: StackConfig) -> Run:
    """`pulumi up` of the sandbox's stack.

    Args:
        config: the sandbox; its GitHub and its node run.
        tell: is told what is being done, and of the first pod that fails.
        place: where the stack lives.
        settings: the stack's.

    Raises:
        SandboxError: It failed, or a pod of Argo CD does; with the pod's last event and the end of its log.
    """
    with contextlib.closing(Cluster(config)) as cluster, _PodWatch(cluster, place, tell) as watch:
        try:
            return operations.up(
                place, settings, watch.tell, adopting=ADOPTING, mend=lambda: release.mend(config, cluster)
            )
        except PulumiError as error:
            if watch.hopeless is not None:
                raise watch.hopeless from None
            raise PulumiError(f"{error}{_trouble(cluster)}", exit_code=error.exit_code) from None


class _PodWatch:
    """Looks at the pods of Argo CD while the engine works, and ends the engine when one fails for good."""

    def __init__(self, cluster: Cluster, place: Workspace, tell: Tell) -> None:
        # What an interrupted or failed run has left is to be replaced by this one.
        self._look = pods.Look(cluster, since=datetime.now(UTC).replace(microsecond=0))
        self._place = place
        self._tell = tell
        self._doing = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.hopeless: SandboxError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def tell(self, text: str) -> None:
        """Tells what is being done, and which pod fails."""
        self._doing = text
        trouble = self._look.trouble
        self._tell(f"{text}; {trouble.line}" if trouble else text)

    def _watch(self) -> None:
        while not self._ended.wait(pods.LOOK_EVERY):
            try:
                self._look.again({ARGOCD})
            except ClusterError:
                continue
            except SandboxError as error:
                self.hopeless = error
                processes.interrupt(self._place.home)
                return
            self.tell(self._doing)


def _trouble(cluster: Cluster) -> str:
    """The first pod that fails, with its last event and log."""
    try:
        trouble = pods.first_trouble(cluster)
    except ClusterError:
        return ""
    return f"\n{trouble}" if trouble and trouble.hopeless else ""
