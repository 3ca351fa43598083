"""What keeps a node from running on this machine, found before anything is started."""

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.node import cgroups, network
from sandbox.node.layout import NodeLayout
from sandbox.packages import command_path

NEEDED_SPACE = 6 * 1024**3
"""Bytes: tools and images in the cache take four, a running node and a few releases one."""

_IP_FREEBIND = 15  # not in the socket module


def check(config: SandboxConfig) -> list[str]:
    """Everything that this machine lacks, each as a sentence with its remedy; empty when a node can be started."""
    if os.geteuid() != 0:
        remedy = "run it with sudo, or name a cluster in SLIPWAY_SANDBOX_KUBECONFIG, or start a Docker engine for kind"
        return [f"the sandbox's node needs root for its namespaces: {remedy}"]
    problems = [_namespaces(), cgroups.problem(), _kernel_log(), _space(config.directory), _space(config.cache)]
    problems.append(_addresses(config))
    return list(dict.fromkeys(problem for problem in problems if problem))


def port_problem(address: str, port: int, what: str) -> str | None:
    """Why a port cannot be listened on, None when it can; the address need not exist yet."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        try:
            listener.bind((address, port))
        except OSError as error:
            reason = error.strerror
            return f"port {port} on {address}, for {what}: {reason}; stop what listens there (see `ss -ltnp`)"
    return None


def overlay_works(folder: Path) -> bool:
    """Whether a folder can hold the upper layer of an overlay; it cannot where it is on an overlay itself."""
    with tempfile.TemporaryDirectory(prefix=".overlay-", dir=folder) as name:
        for part in ("lower", "upper", "work", "merged"):
            (Path(name) / part).mkdir()
        options = f"lowerdir={name}/lower,upperdir={name}/upper,workdir={name}/work"
        return _in_namespaces(f"mount -t overlay -o {options} overlay {name}/merged") is None


def _in_namespaces(script: str) -> str | None:
    """Tries a shell script in namespaces like the box's, which vanish again; returns what it said when it failed."""
    unshare = command_path("unshare")
    if not unshare:
        return None  # as for `ip`: it is installed with the other commands
    namespaces = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc")
    environment = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
    ran = subprocess.run(
        [unshare, *namespaces, "sh", "-euc", script], env=environment, capture_output=True, text=True, check=False
    )
    return (ran.stderr.strip() or f"exit code {ran.returncode}") if ran.returncode else None


def _namespaces() -> str | None:
    if said := _in_namespaces("mount -t tmpfs tmpfs /run"):
        return (
            f"this machine does not let root make namespaces ({said}); in a container, start it with --privileged, "
            "or name a cluster in SLIPWAY_SANDBOX_KUBECONFIG"
        )
    links = "ip link add probe0 type veth peer name probe1; ip link add probe2 type bridge"
    if command_path("ip") and (said := _in_namespaces(links)):
        return f"the kernel has no virtual network links ({said}); load the modules veth and bridge"
    if command_path("nft") and (said := _in_namespaces("nft add table ip probe")):
        return f"the kernel has no nftables ({said}); load the module nf_tables"
    return None


def _kernel_log() -> str | None:
    if Path("/dev/kmsg").exists():
        return None
    return "/dev/kmsg is missing, which the kubelet reads; in a container, start it with --privileged"


def _space(folder: Path) -> str | None:
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        return f"{folder}: it is not a folder; name another one in SLIPWAY_SANDBOX_DIR or XDG_CACHE_HOME"
    free = shutil.disk_usage(folder).free
    if free >= NEEDED_SPACE:
        return None
    gigabytes = f"{free / 1024**3:.1f} GB free, {NEEDED_SPACE / 1024**3:.0f} GB needed"
    return f"{folder}: {gigabytes}; make room, or set SLIPWAY_SANDBOX_DIR or XDG_CACHE_HOME to another disk"


def _addresses(config: SandboxConfig) -> str | None:
    if not command_path("ip"):
        return None  # it is installed with the other commands; the question is asked again when the link is made
    # A second node may run since a `make up` that asked for it.
    links = {NodeLayout(replace(config, number=number)).name for number in (1, 2)}
    try:
        holder = network.holder(config, links)
        found = network.conflicts(config, links)
    except SandboxError as error:
        return str(error)
    if holder:
        return (
            f"the network {config.network}.0.0/16 is held by the sandbox in {holder}; run `make down` there, or set "
            "SLIPWAY_SANDBOX_NETWORK to another pair of octets, such as 10.202"
        )
    if not found:
        return None
    return (
        f"the network {config.network}.0.0/16 is in use on this machine ({', '.join(found[:3])}); "
        "set SLIPWAY_SANDBOX_NETWORK to another pair of octets, such as 10.202"
    )
