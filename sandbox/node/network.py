"""The machine's end of the link to the node, and its routes to pods and Services.

Everything hangs on one link: when it goes, its address and routes go with it.
"""

import contextlib
import ipaddress
import json
import os
import subprocess
from collections.abc import Collection
from pathlib import Path
from typing import Any, cast

from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.node.layout import LINK_PREFIX_LENGTH, NodeLayout
from sandbox.packages import command_path

_ALIAS = "slipway sandbox in "
_ALIAS_LENGTH = 255  # IFALIASZ of Linux, without its closing zero


def ip(*arguments: str, within: int | None = None) -> str:
    """Runs `ip` and returns what it printed.

    Args:
        arguments: its own.
        within: a process whose network it is about; unset: this machine's.

    Raises:
        SandboxError: it refused, or there is none.
    """
    program = command_path("ip")
    if not program:
        raise SandboxError("ip: not found; install the package iproute2")
    entered = [] if within is None else [command_path("nsenter") or "nsenter", f"--net=/proc/{within}/ns/net"]
    ran = subprocess.run([*entered, program, *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SandboxError(f"ip {' '.join(arguments)}: {ran.stderr.strip()}")
    return ran.stdout


def attach(layout: NodeLayout, pid: int) -> None:
    """Joins this machine and the network namespace of a process, and routes the node's networks there."""
    detach(layout)
    ip("link", "add", layout.name, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
    configure(layout)


def configure(layout: NodeLayout) -> None:
    """Gives the link its address and routes; again, changes nothing, and completes what was interrupted."""
    config, link = layout.config, layout.name
    ip("link", "set", link, "alias", f"{_ALIAS}{config.directory}"[:_ALIAS_LENGTH])
    ip("address", "replace", f"{config.host_ip}/{LINK_PREFIX_LENGTH}", "dev", link)
    ip("link", "set", link, "up")
    for network in (config.pod_cidr, config.service_cidr):
        ip("route", "replace", network, "via", config.node_ip, "dev", link, "onlink")


def join(first: NodeLayout, second: NodeLayout, pids: tuple[int, int]) -> None:
    """Joins two nodes directly: their own addresses and those of pods. Again, changes nothing.

    This machine between them would have to forward, which is a setting of all of it.

    Args:
        first: one node.
        second: the other one.
        pids: a process in the namespaces of each.
    """
    if not _links(pids[0], second.name):
        ends = ("link", "add", second.name, "netns", str(pids[0]), "type", "veth")
        ip(*ends, "peer", "name", first.name, "netns", str(pids[1]))
    for own, pid, other in ((first, pids[0], second), (second, pids[1], first)):
        ip("link", "set", other.name, "up", within=pid)
        for network in (f"{other.config.node_ip}/32", other.config.pod_cidr):
            way = ("via", other.config.node_ip, "dev", other.name, "onlink", "src", own.config.node_ip)
            ip("route", "replace", network, *way, within=pid)


def _links(pid: int, name: str) -> bool:
    found = cast(list[dict[str, Any]], json.loads(ip("-json", "link", "show", within=pid) or "[]"))
    return name in {link["ifname"] for link in found}


def detach(layout: NodeLayout) -> None:
    """Removes the link, and with it address and routes, where it is there."""
    if not is_attached(layout):
        return
    try:
        ip("link", "delete", layout.name)
    except SandboxError:
        if is_attached(layout):  # else the kernel, which clears up after a node that ended, was first
            raise


def is_attached(layout: NodeLayout) -> bool:
    return os.path.exists(f"/sys/class/net/{layout.name}")  # noqa: PTH110 (a link, not a file to work with)


def holder(config: SandboxConfig, own_links: Collection[str]) -> Path | None:
    """The folder of another sandbox that holds this sandbox's network, None when there is none."""
    for link in cast(list[dict[str, Any]], json.loads(ip("-json", "address", "show", "to", config.host_ip) or "[]")):
        name = str(link.get("ifname", ""))
        # `ip -json` leaves the alias out, so it is read where the kernel shows it.
        with contextlib.suppress(OSError):
            alias = Path("/sys/class/net", name, "ifalias").read_text(encoding="utf-8").strip()
            if name not in own_links and alias.startswith(_ALIAS):
                return Path(alias.removeprefix(_ALIAS))
    return None


def conflicts(config: SandboxConfig, own_links: Collection[str]) -> list[str]:
    """Addresses and routes of this machine that overlap with the sandbox's network."""
    network = ipaddress.ip_network(f"{config.network}.0.0/16")
    found: list[str] = []
    addresses = cast(list[dict[str, Any]], json.loads(ip("-json", "address", "show") or "[]"))
    for link in addresses:
        if link.get("ifname") in own_links:
            continue
        found.extend(
            f"{entry['local']} on {link['ifname']}"
            for entry in link.get("addr_info", [])
            if entry.get("family") == "inet" and ipaddress.ip_address(entry["local"]) in network
        )
    routes = cast(
        list[dict[str, Any]], json.loads(ip("-json", "route", "show", "table", "all", "type", "unicast") or "[]")
    )
    for route in routes:
        if route.get("dev") in own_links or route["dst"] == "default" or ":" in route["dst"]:
            continue
        if ipaddress.ip_network(route["dst"], strict=False).overlaps(network):
            found.append(f"a route to {route['dst']} through {route.get('dev', 'another link')}")
    return found
