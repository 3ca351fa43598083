"""Which cluster the sandbox runs on: its own node, a kind cluster, or one that is there already.

A kubeconfig named in `SLIPWAY_SANDBOX_KUBECONFIG` wins. Else it is what `SLIPWAY_SANDBOX_CLUSTER` says (`node` or
`kind`), and without that its own node where this machine can run one, or kind where only a Docker engine is available.
"""

import contextlib
import os
import time
from enum import StrEnum
from pathlib import Path

import httpx

from sandbox.config import CLUSTERS, SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.node import existing, kind, lifecycle, preflight
from sandbox.node.layout import NodeLayout
from sandbox.progress import Progress

VARIABLE = "SLIPWAY_SANDBOX_CLUSTER"


class Cluster(StrEnum):
    """The clusters that the sandbox knows."""

    NODE = "node"
    KIND = "kind"
    EXISTING = "existing"


def choice(config: SandboxConfig) -> Cluster:
    """The cluster that this sandbox runs on, or would run on: what it was started with stays its choice.

    Raises:
        SandboxError: the setting is not one of the allowed values.
    """
    if existing.named():
        return Cluster.EXISTING
    with contextlib.suppress(OSError, ValueError):
        return Cluster(_record(config).read_text().strip())
    wanted = os.environ.get(VARIABLE)
    if wanted and wanted not in {Cluster.NODE, Cluster.KIND}:
        raise SandboxError(f"{VARIABLE}: {wanted!r} is not known; it is node or kind", exit_code=ExitCode.USAGE)
    if wanted:
        return Cluster(wanted)
    return Cluster.KIND if os.geteuid() != 0 and kind.is_possible() else Cluster.NODE


def check(config: SandboxConfig) -> list[str]:
    """What keeps that cluster from running here, each as a sentence with its remedy."""
    if named := existing.named():
        second = f"{CLUSTERS}: a second cluster is a node beside the sandbox's own; unset {existing.VARIABLE}"
        return [*existing.check(named), *([second] if config.clusters > 1 else [])]
    match choice(config):
        case Cluster.NODE:
            return preflight.check(config)
        case Cluster.KIND if config.clusters > 1:
            return [f"{CLUSTERS}: a second cluster is a node beside the sandbox's own; set {VARIABLE}=node"]
        case Cluster.KIND if not kind.is_possible():
            return [
                "kind: needs a Docker engine that answers and the command kind; install them (https://kind.sigs.k8s.io)"
            ]
        case _:
            return []


def is_running(config: SandboxConfig) -> bool:
    match choice(config):
        case Cluster.NODE:
            return all(map(lifecycle.is_running, _clusters(config)))
        case Cluster.KIND:
            return kind.is_running(config)
        case Cluster.EXISTING:
            return config.kubeconfig.exists()


def start(config: SandboxConfig, progress: Progress) -> None:
    """Starts the cluster, or completes one that was left half started.

    Raises:
        SandboxError: it does not come up.
    """
    chosen = choice(config)
    if named := existing.named():
        existing.adopt(config, named)
        return
    _record(config).parent.mkdir(parents=True, exist_ok=True)
    _record(config).write_text(chosen)
    if chosen is Cluster.KIND:
        kind.start(config, progress)
        return
    for one in _clusters(config):
        lifecycle.start(one, progress)
    lifecycle.join(config)


def wait_ready(config: SandboxConfig, progress: Progress) -> None:
    """Waits until the cluster takes pods and its registry answers.

    Raises:
        SandboxError: it does not come to that in time.
    """
    if choice(config) is Cluster.NODE:
        for one in _clusters(config):
            lifecycle.wait_ready(one, progress)
        return
    with progress.phase("Waiting for the registry"):
        deadline = time.monotonic() + lifecycle.START_SECONDS
        while not registry_answers(config):
            if time.monotonic() > deadline:
                raise SandboxError(f"registry {config.registry_host}: no answer; the cluster needs one at that address")
            time.sleep(0.5)


def registry_answers(config: SandboxConfig) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        answer = httpx.get(f"http://{config.registry_host}/v2/", trust_env=False, timeout=5)
        return answer.is_success or answer.status_code == 401  # it may ask for a token first
    return False


def stop(config: SandboxConfig) -> None:
    """Ends the cluster and takes away what it put on this machine; one that was there before stays as it is.

    Raises:
        SandboxError: something does not go away.
    """
    match choice(config):
        case Cluster.NODE:
            for one in _clusters(config):
                lifecycle.stop(one)
        case Cluster.KIND:
            kind.stop(config)
        case Cluster.EXISTING:
            config.kubeconfig.unlink(missing_ok=True)
    _record(config).unlink(missing_ok=True)


def _clusters(config: SandboxConfig) -> list[SandboxConfig]:
    return [one for one in (config, config.second) if one is not None]


def _record(config: SandboxConfig) -> Path:
    return NodeLayout(config).state / "cluster"
