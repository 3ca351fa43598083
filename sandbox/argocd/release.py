"""The Helm release of Argo CD where an operation on it was cut off, or failed.

A killed Helm leaves its last record pending, and from then on refuses: "another operation is in progress". After a
failure the objects are half of one version and half of another, and Pulumi compares the values alone: it would see no
difference. So the release is first put back to what it was.
"""

import subprocess

from sandbox.applications import ARGOCD
from sandbox.cluster import Cluster, Object
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.shape import fields

RELEASE = "argocd"
DEPLOYED = "deployed"
AT_REST = {DEPLOYED, "superseded", "uninstalled"}
SECONDS = 300


def mend(config: SandboxConfig, cluster: Cluster) -> list[str]:
    """Rolls back to the revision before, or forgets a first one; nothing else may be at work on the release.

    Returns:
        A word about it, where there was something to do.

    Raises:
        SandboxError: The cluster did not answer, or Helm refused.
    """
    statuses = history(cluster)
    last = statuses[max(statuses)] if statuses else DEPLOYED
    if last in AT_REST:
        return []
    good = [revision for revision, status in statuses.items() if status == DEPLOYED]
    left = f"the Helm release {RELEASE} was left {last} by an interrupted or failed run"
    if good and last != "uninstalling":
        _helm(config, "rollback", RELEASE, str(max(good)))
        return [f"{left}; it was rolled back first"]
    # Without its records, Helm installs it again and takes over the objects that are its own.
    for record in _records(cluster):
        cluster.delete_secret(ARGOCD, record["metadata"]["name"])
    return [f"{left}; it is installed again"]


def history(cluster: Cluster) -> dict[int, str]:
    """The status of each revision; a pending one may be left in the middle by a rollback.

    Raises:
        ClusterError: The cluster did not answer.
    """
    labels = [fields(record, "metadata", "labels") for record in _records(cluster)]
    return {int(found["version"]): str(found["status"]) for found in labels}


def _records(cluster: Cluster) -> list[Object]:
    return cluster.secrets(ARGOCD, f"owner=helm,name={RELEASE}")


def _helm(config: SandboxConfig, *words: str) -> None:
    command = [config.commands / "helm", "--kubeconfig", config.kubeconfig, "--namespace", ARGOCD, *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if ran.returncode:
        raise SandboxError(f"helm {' '.join(words)}: {ran.stderr.strip()}; `make down` and `make up` start again")
