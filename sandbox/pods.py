"""What is wrong with pods: who is not ready, and the first one that fails with its last event and log."""

from dataclasses import dataclass

from sandbox.cluster import Cluster, Object
from sandbox.shape import at, fields, items, number

LOG_LINES = 15
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
    """A pod that does not become ready, and all that is known about why."""

    namespace: str
    pod: str
    reason: str
    container: str = ""
    event: str = ""
    log: str = ""
    hopeless: bool = False
    """Waiting longer is unlikely to help."""

    def __str__(self) -> str:
        where = f"pod {self.namespace}/{self.pod}" + (f", container {self.container}" if self.container else "")
        lines = [f"{where}: {self.reason}"]
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


def unready(cluster: Cluster, namespace: str | None = None) -> list[str]:
    """The names of the pods that are not ready."""
    return [pod["metadata"]["name"] for pod in cluster.pods(namespace) if not is_ready(pod)]


def first_trouble(cluster: Cluster, namespace: str | None = None) -> Trouble | None:
    """The first pod that fails, the hopeless before those that are only late; None if all are ready."""
    found = [trouble for pod in cluster.pods(namespace) if not is_ready(pod) for trouble in [_trouble(pod)]]
    found.sort(key=lambda trouble: not trouble.hopeless)
    return _with_details(cluster, found[0]) if found else None


def _trouble(pod: Object) -> Trouble:
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    for status in items(pod, "status", "initContainerStatuses") + items(pod, "status", "containerStatuses"):
        waiting, ended = fields(status, "state", "waiting"), fields(status, "state", "terminated")
        if waiting and waiting.get("reason") not in {"ContainerCreating", "PodInitializing"}:
            reason = f"{waiting.get('reason')} {waiting.get('message', '')}".strip()
            return Trouble(namespace, name, reason, status["name"], hopeless=waiting.get("reason") in HOPELESS)
        if ended and number(ended, "exitCode"):
            reason = f"ended with exit code {ended['exitCode']} {ended.get('reason', '')}".strip()
            return Trouble(namespace, name, reason, status["name"])
        if fields(status, "state", "running") and not status.get("ready"):
            return Trouble(namespace, name, "runs, but is not ready", status["name"])
    for condition in items(pod, "status", "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Trouble(namespace, name, f"not scheduled: {condition.get('message', '')}")
    return Trouble(namespace, name, f"is {at(pod, 'status', 'phase')}")


def _with_details(cluster: Cluster, trouble: Trouble) -> Trouble:
    """Adds the last event and the end of the log; of the run before, if the present one has said nothing."""
    events = cluster.events(trouble.namespace, trouble.pod)
    told = f"{events[-1].get('reason')}: {events[-1].get('message')}" if events else ""
    log = ""
    if trouble.container:
        where = (trouble.namespace, trouble.pod, trouble.container)
        log = cluster.log(*where, lines=LOG_LINES) or cluster.log(*where, lines=LOG_LINES, previous=True)
    return Trouble(
        trouble.namespace, trouble.pod, trouble.reason, trouble.container, told, log.rstrip(), trouble.hopeless
    )
