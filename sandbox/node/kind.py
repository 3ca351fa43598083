"""A kind cluster in place of the sandbox's own node, on machines with a Docker engine.

It sits on a Docker network with the sandbox's addresses, so that everything else is where it always is. What differs:
images other than the services' own come from their real registries; names like `github.sandbox` do not resolve in it;
and this machine reaches pods and Services only where it may add routes (root, and no virtual machine in between).
"""

import json
import os
import re
import shutil
import subprocess
from typing import Any

import yaml

from sandbox.config import CONTEXT, REGISTRY_PORT, SandboxConfig
from sandbox.errors import SandboxError
from sandbox.node import network
from sandbox.node.layout import NodeLayout
from sandbox.progress import Progress

REGISTRY_IMAGE = "docker.io/library/registry:2.8.3"
_CERTIFICATES = "/etc/containerd/certs.d"
"""Where containerd looks for how to reach a registry, in images of kind since `OLDEST` without being told to."""
OLDEST = (0, 27)
"""The first kind with containerd 2, whose configuration takes no patch of the old plugin's section."""


def is_possible() -> bool:
    """Whether there is `kind` and a Docker engine that answers."""
    return (
        bool(shutil.which("kind"))
        and shutil.which("docker") is not None
        and _run("docker", "info", quiet=True) is not None
    )


def is_running(config: SandboxConfig) -> bool:
    name = NodeLayout(config).name
    said = _run("docker", "inspect", "--format", "{{.State.Running}}", f"{name}-control-plane", quiet=True)
    return said == "true"


def start(config: SandboxConfig, progress: Progress) -> None:
    """Creates the cluster, or starts over when there is half a one.

    Raises:
        SandboxError: docker or kind refused.
    """
    if is_running(config):
        return
    check_version(_run("kind", "version") or "")
    stop(config)
    layout = NodeLayout(config)
    layout.etc.mkdir(parents=True, exist_ok=True)
    with progress.phase("Creating a kind cluster"):
        # The first container on it gets the second address, which is the node's.
        subnet, gateway = f"{config.network}.0.0/24", config.host_ip
        _run("docker", "network", "create", "--subnet", subnet, "--gateway", gateway, layout.name)
        (layout.etc / "registry-pod.json").write_text(json.dumps(_registry_pod()))
        (layout.etc / "kind.yaml").write_text(yaml.safe_dump(cluster(config)))
        create = ["kind", "create", "cluster", "--name", layout.name, "--config", str(layout.etc / "kind.yaml")]
        _run(
            *create,
            "--kubeconfig",
            str(config.kubeconfig),
            environment={"KIND_EXPERIMENTAL_DOCKER_NETWORK": layout.name},
        )
        hosts = f'server = "http://{config.registry_host}"\n'
        folder = f"{_CERTIFICATES}/{config.registry_host}"
        write = f"mkdir -p '{folder}' && printf '%s' '{hosts}' > '{folder}/hosts.toml'"
        _run("docker", "exec", f"{layout.name}-control-plane", "sh", "-c", write)
        _rename_context(config)
        if os.geteuid() == 0:
            for cidr in (config.pod_cidr, config.service_cidr):
                network.ip("route", "replace", cidr, "via", config.node_ip)


def check_version(said: str) -> None:
    """Checks what `kind version` says.

    Raises:
        SandboxError: it is too old.
    """
    found = re.search(r"v(\d+)\.(\d+)", said)
    if found is not None and (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise SandboxError(
            f"kind {found[0]}: too old, its containerd does not read {_CERTIFICATES}; use {oldest} or newer"
        )


def stop(config: SandboxConfig) -> None:
    """Deletes the cluster and its network; routes through that network go with it."""
    name = NodeLayout(config).name
    if not shutil.which("kind"):
        return
    _run("kind", "delete", "cluster", "--name", name, "--kubeconfig", str(config.kubeconfig), quiet=True)
    _run("docker", "network", "rm", name, quiet=True)


def cluster(config: SandboxConfig) -> dict[str, Any]:
    """The configuration of the kind cluster."""
    pod = {
        "hostPath": str(NodeLayout(config).etc / "registry-pod.json"),
        "containerPath": "/etc/kubernetes/manifests/registry.json",
    }
    return {
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "networking": {"podSubnet": config.pod_cidr, "serviceSubnet": config.service_cidr},
        "nodes": [{"role": "control-plane", "extraMounts": [pod]}],
    }


def _registry_pod() -> dict[str, Any]:
    """The registry as a static pod of the node, so that it answers at the node's address."""
    container = {
        "name": "registry",
        "image": REGISTRY_IMAGE,
        "env": [
            {"name": "REGISTRY_HTTP_ADDR", "value": f":{REGISTRY_PORT}"},
            {"name": "REGISTRY_STORAGE_DELETE_ENABLED", "value": "true"},
        ],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "registry", "namespace": "kube-system"},
        "spec": {"hostNetwork": True, "priorityClassName": "system-node-critical", "containers": [container]},
    }


def _rename_context(config: SandboxConfig) -> None:
    document = yaml.safe_load(config.kubeconfig.read_text())
    for context in document["contexts"]:
        if context["name"] == document["current-context"]:
            context["name"] = CONTEXT
    document["current-context"] = CONTEXT
    config.kubeconfig.write_text(yaml.safe_dump(document))


def _run(*command: str, quiet: bool = False, environment: dict[str, str] | None = None) -> str | None:
    """Runs docker or kind and returns what it printed; None for a failure that does not matter."""
    try:
        ran = subprocess.run(
            command, env=os.environ | (environment or {}), capture_output=True, text=True, timeout=900, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        if quiet:
            return None
        raise SandboxError(f"{command[0]}: {error}; is the Docker engine running?") from None
    if ran.returncode:
        if quiet:
            return None
        said = " | ".join(ran.stderr.strip().splitlines()[-4:])
        raise SandboxError(f"{' '.join(command[:3])}: {said or f'exit code {ran.returncode}'}")
    return ran.stdout.strip()
