"""The Applications of Argo CD as the cluster has them, and waiting for them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sandbox import pods
from sandbox.cluster import Cluster, ClusterError, Object
from sandbox.errors import SandboxError
from sandbox.shape import at, fields, items

SERVICE_LABEL = "slipway.dev/service"
ENVIRONMENT_LABEL = "slipway.dev/environment"
ARGOCD = "argocd"
"""The namespace of Argo CD and its Applications."""
HERE = "in-cluster"
"""What Argo CD calls the cluster that it runs on."""
LOOK_EVERY = 0.5
PATIENCE = 300.0
REFRESH = "argocd.argoproj.io/refresh"
"""The annotation that has Argo CD compare an Application with Git again; Argo CD takes it off when it has."""
UNMERGED = ("app path does not exist", 'namespaces "')
"""How Argo CD says that a chart or a namespace has not come through Git."""


@dataclass(frozen=True)
class Application:
    """One Application and how it is."""

    name: str
    service: str
    """Empty for those that are not a service's."""
    environment: str
    automated: bool
    sync: str
    health: str
    revision: str
    synced: str
    """The revision of its last sync; empty before the first one, and while one is under way."""
    branch: str
    """What it follows, without `refs/heads/`."""
    cluster: str
    """What Argo CD calls the cluster that its objects are on."""
    namespace: str
    """Where they are on it."""
    is_compared: bool
    """Whether what is said of it is of Git as it was when that was asked for last."""
    problem: str
    """What Argo CD complains of, or says of a sync that is under way; empty if nothing."""

    @property
    def pull_request(self) -> str:
        """The number of the pull request that it runs; empty for what belongs to the platform."""
        return self.name.rpartition("-")[2] if self.service and not self.environment else ""

    @property
    def waits_for_merge(self) -> bool:
        """Whether Git is not yet as the settings are."""
        return any(words in self.problem for words in UNMERGED)

    @property
    def is_done(self) -> bool:
        """Synced and Healthy; where a person syncs, OutOfSync is a state to be in."""
        if not self.is_compared:
            return False
        if not self.automated and self.sync in {"Synced", "OutOfSync"}:
            return True
        return (self.sync, self.health) == ("Synced", "Healthy")

    @property
    def has_drifted(self) -> bool:
        """Whether the cluster differs from what was synced there; a commit that is still to be synced is not drift."""
        return self.automated and self.sync == "OutOfSync" and self.revision == self.synced

    def __str__(self) -> str:
        return f"{self.name} {self.sync}/{self.health}" + (f" ({self.problem[:200]})" if self.problem else "")


def applications(cluster: Cluster, namespace: str = ARGOCD) -> list[Application]:
    """All Applications, by name."""
    found = [_application(item) for item in cluster.applications(namespace)]
    return sorted(found, key=lambda application: application.name)


def _compare_again(cluster: Cluster) -> None:
    """Has Argo CD look at Git for every Application."""
    there = [found for found in cluster.applications(ARGOCD) if not at(found, "metadata", "deletionTimestamp")]
    for found in there:
        cluster.annotate_application(ARGOCD, found["metadata"]["name"], {REFRESH: "normal"})


def wait_for_applications(
    cluster: Cluster,
    tell: Callable[[str], None],
    seconds: float = PATIENCE,
    pull_request: str = "",
    *,
    committed: bool = False,
) -> list[Application]:
    """Waits until every automated Application of the platform is Synced and Healthy; returns these.

    Args:
        cluster: where they are.
        tell: is told how far it is.
        seconds: for how long.
        pull_request: what is to be merged first; Applications that wait for its files are not waited for.
        committed: whether Git has just changed: then each still says how it was before, until Argo CD has looked.

    Raises:
        SandboxError: Some are not in time, or a pod of theirs fails for good; with the first pod that fails.
    """
    deadline = time.monotonic() + seconds
    look = pods.Look(cluster)
    while True:
        late: list[Application] = []
        try:
            if committed:
                _compare_again(cluster)
                committed = False
            # What the author of a pull request runs may be broken; nothing waits for it.
            found = [one for one in applications(cluster) if not one.pull_request]
            late = [one for one in found if not one.is_done and not (pull_request and one.waits_for_merge)]
            if found and not late:
                return found
            look.again({ARGOCD, *(one.namespace for one in late)})
            waiting = list(map(str, late))
        except ClusterError as error:
            found, waiting = [], [str(error)]
        pod = f"; {look.trouble.line}" if look.trouble else ""
        tell(f"{len(found) - len(late)} of {len(found)} Synced and Healthy; waiting for {', '.join(waiting[:3])}{pod}")
        if time.monotonic() > deadline:
            trouble = pods.first_trouble(cluster)
            raise SandboxError(
                f"after {seconds:.0f} s these Applications are not Synced and Healthy: {', '.join(waiting)}"
                + (f"\nmerge {pull_request} and try again" if pull_request else "")
                + (f"\n{trouble}" if trouble else "")
            )
        time.sleep(LOOK_EVERY)


def _application(item: Object) -> Application:
    labels = fields(item, "metadata", "labels")
    status = fields(item, "status")
    complaints = [str(condition.get("message")) for condition in items(status, "conditions")]
    phase = at(status, "operationState", "phase")
    if phase in {"Failed", "Error", "Running"}:
        complaints.append(str(at(status, "operationState", "message") or ""))
    return Application(
        name=item["metadata"]["name"],
        service=labels.get(SERVICE_LABEL, ""),
        environment=labels.get(ENVIRONMENT_LABEL, ""),
        automated=at(item, "spec", "syncPolicy", "automated") is not None,
        sync=at(status, "sync", "status") or "Unknown",
        health=at(status, "health", "status") or "Unknown",
        cluster=at(item, "spec", "destination", "name") or HERE,
        namespace=at(item, "spec", "destination", "namespace") or "",
        branch=str(at(item, "spec", "source", "targetRevision") or "").removeprefix("refs/heads/"),
        revision=at(status, "sync", "revision") or "",
        synced="" if phase == "Running" else at(status, "operationState", "syncResult", "revision") or "",
        is_compared=REFRESH not in fields(item, "metadata", "annotations"),
        problem=complaints[0] if complaints else "",
    )
