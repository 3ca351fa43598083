"""What is wrong with pods: who is not ready, and the first one that fails with its last event and log."""

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import shorten

from sandbox.cluster import Cluster, Object
from sandbox.errors import SandboxError
from sandbox.shape import at, fields, items, number

LOG_LINES = 15
LINE = 120
"""How much is said in one line of a reason, an event, a log."""
RESTARTS = 2
"""After so many a container that is not ready keeps failing, also while it happens to run."""
HOPELESS_SECONDS = 60.0
"""How long a pod fails in the same way before it is not waited for any more: a registry may only be late."""
LOOK_EVERY = 2.0
HOPELESS = {
    "CrashLoopBackOff",
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
}


@dataclass(frozen=True)
class Trouble:
    """A pod that does not become ready, or cannot be made, and all that is known about why."""

    namespace: str
    pod: str
    """Its name; of pods that cannot be made, that of the ReplicaSet."""
    reason: str
    container: str = ""
    event: str = ""
    log: str = ""
    hopeless: bool = False
    """Waiting longer is unlikely to help."""
    is_unmade: bool = False

    @property
    def line(self) -> str:
        """The same in one line."""
        said = [self.reason, self.event, self.log.splitlines()[-1].strip() if self.log else ""]
        return f"{self._where}: {'; '.join(shorten(text, LINE, placeholder='…') for text in said if text)}"

    @property
    def _where(self) -> str:
        what = "pods of ReplicaSet" if self.is_unmade else "pod"
        return f"{what} {self.namespace}/{self.pod}" + (f", container {self.container}" if self.container else "")

    def __str__(self) -> str:
        lines = [f"{self._where}: {self.reason}"]
        if self.event:
            lines.append(f"last event: {self.event}")
        if self.log:
            lines += ["end of its log:", *(f"    {line}" for line in self.log.splitlines())]
        return "\n".join(lines)


def is_ready(pod: Object) -> bool:
    """Ready, or done with its work."""
    if at(pod, "status", "phase") == "Succeeded":
        return True
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in items(pod, "status", "conditions"))


class Look:
    """Looks at pods now and then while something is waited for."""

    def __init__(
        self,
        cluster: Cluster,
        patience: float = HOPELESS_SECONDS,
        every: float = LOOK_EVERY,
        since: datetime | None = None,
    ) -> None:
        """Takes what is looked at.

        Args:
            cluster: where the pods are.
            patience: for how many seconds one pod may fail.
            every: after how many seconds it looks again.
            since: older pods are not looked at, because they are about to be replaced.
        """
        self._cluster = cluster
        self._since_made = since
        self._patience = patience
        self._every = every
        self._next = 0.0
        self._failing: tuple[str, str] | None = None
        self._since = 0.0
        self.trouble: Trouble | None = None
        """What was seen last."""

    def again(self, namespaces: Collection[str]) -> None:
        """Looks, if it is time to.

        Raises:
            SandboxError: A pod of these namespaces has failed for so long that waiting is not worth it.
            ClusterError: The cluster did not answer.
        """
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._every
        self.trouble = found = first_trouble(self._cluster, namespaces, self._since_made)
        failing = (found.namespace, found.pod) if found and found.hopeless else None
        if failing is None or failing != self._failing:
            self._failing, self._since = failing, now
        elif now - self._since >= self._patience:
            raise SandboxError(
                f"{found}\nIt has been so for {now - self._since:.0f} s and is not waited for any longer; "
                "mend it and run `make up` again"
            )


def first_trouble(
    cluster: Cluster, namespaces: Collection[str] | None = None, since: datetime | None = None
) -> Trouble | None:
    """The first pod that fails, the hopeless before those that are only late; None if all are ready.

    Raises:
        ClusterError: The cluster did not answer.
    """
    found = [_trouble(pod) for pod in cluster.pods() if not is_ready(pod) and _is_made_since(pod, since)]
    found += [trouble for owner in cluster.replica_sets() if _is_made_since(owner, since) for trouble in _unmade(owner)]
    found = [trouble for trouble in found if namespaces is None or trouble.namespace in namespaces]
    found.sort(key=lambda trouble: not trouble.hopeless)
    return _with_details(cluster, found[0]) if found else None


def _is_made_since(thing: Object, since: datetime | None) -> bool:
    return since is None or datetime.fromisoformat(thing["metadata"]["creationTimestamp"]) >= since


def _unmade(owner: Object) -> list[Trouble]:
    """Why a ReplicaSet cannot make its pods, such as a quota."""
    return [
        Trouble(
            owner["metadata"]["namespace"],
            owner["metadata"]["name"],
            f"cannot be made: {condition.get('message', '')}",
            hopeless=True,
            is_unmade=True,
        )
        for condition in items(owner, "status", "conditions")
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True"
    ]


def _trouble(pod: Object) -> Trouble:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    for status in items(pod, "status", "initContainerStatuses") + items(pod, "status", "containerStatuses"):
        waiting, ended = fields(status, "state", "waiting"), fields(status, "state", "terminated")
        failing = number(status, "restartCount") >= RESTARTS and not status.get("ready")
        if waiting and waiting.get("reason") not in {"ContainerCreating", "PodInitializing"}:
            reason = f"{waiting.get('reason')} {waiting.get('message', '')}".strip()
            return Trouble(
                namespace, name, reason, status["name"], hopeless=failing or waiting.get("reason") in HOPELESS
            )
        if ended and number(ended, "exitCode"):
            reason = f"ended with exit code {ended['exitCode']} {ended.get('reason', '')}".strip()
            return Trouble(namespace, name, reason, status["name"], hopeless=failing)
        if fields(status, "state", "running") and not status.get("ready"):
            return Trouble(namespace, name, "runs, but is not ready", status["name"], hopeless=failing)
    for condition in items(pod, "status", "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Trouble(namespace, name, f"not scheduled: {condition.get('message', '')}", hopeless=True)
    return Trouble(namespace, name, f"is {at(pod, 'status', 'phase')}")


def _with_details(cluster: Cluster, trouble: Trouble) -> Trouble:
    """Adds the last event and the end of the log; of the run before, if the present one has said nothing."""
    events = cluster.events(trouble.namespace, trouble.pod)
    told = f"{events[-1].get('reason')}: {events[-1].get('message')}" if events else ""
    log = ""
    if trouble.container:
        where = (trouble.namespace, trouble.pod, trouble.container)
        log = cluster.log(*where, lines=LOG_LINES) or cluster.log(*where, lines=LOG_LINES, previous=True)
    return replace(trouble, event=told, log=log.rstrip())
