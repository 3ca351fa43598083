"""Starting, stopping and looking at the node."""

import contextlib
import datetime as dt
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx

from sandbox import images, packages, registry, toolchain
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.node import certificates, cgroups, configuration, coredns, dns, network, preflight, processes
from sandbox.node.api import NodeApi
from sandbox.node.daemons import daemons
from sandbox.node.layout import LINK_PREFIX_LENGTH, NODE_NAME, NodeLayout
from sandbox.progress import Progress

_NOTHING = "nothing in its log"
START_SECONDS = 120
"""A cold start takes under ten; a machine that is busy with a build takes its time."""


class NodeEndedError(SandboxError):
    """The node's namespaces went away while something in them was waited for."""


def is_running(config: SandboxConfig) -> bool:
    """Whether the node's namespaces are up and joined to this machine; its API may still be starting."""
    layout = NodeLayout(config)
    return network.is_attached(layout) and processes.find(layout).init is not None


def start(config: SandboxConfig, progress: Progress) -> None:
    """Starts the node, or completes one that was left half started; returns when its API answers.

    State from an earlier run is used again. The kubeconfig is written first.

    Raises:
        SandboxError: the machine cannot, or a daemon does not come up.
    """
    layout = NodeLayout(config)
    if is_running(config):
        with contextlib.suppress(NodeEndedError), progress.phase("Looking at the Kubernetes node"):
            _complete_link(layout)
            _wait_for_api(layout, progress)
            _apply_dns(layout)
            return
    stop(config)
    kubernetes = toolchain.ensure(config, progress, ["kubernetes"])["kubernetes"].parent
    unpacked = packages.ensure(config, progress)
    with progress.phase("Starting the Kubernetes node"):
        _prepare(layout, kubernetes, unpacked)
        cgroups.create(layout.name)
        _start_box(layout, kubernetes, unpacked, progress)
        _wait_for_api(layout, progress)
        _apply_dns(layout)


def join(config: SandboxConfig) -> None:
    """Joins the nodes of a sandbox that has two.

    Raises:
        SandboxError: one of them is not there, or the machine refuses.
    """
    if config.second is None:
        return
    first, second = NodeLayout(config), NodeLayout(config.second)
    pids = (processes.find(first).init, processes.find(second).init)
    if pids[0] is None or pids[1] is None:
        raise SandboxError("a node ended while the other one started; run `make up` again")
    network.join(first, second, (pids[0], pids[1]))


def stop(config: SandboxConfig) -> None:
    """Ends the node and takes away everything it put on this machine, save its state folder.

    Raises:
        SandboxError: something does not go away.
    """
    layout = NodeLayout(config)
    if not processes.kill(layout):
        raise SandboxError(f"processes of the node in {layout.state} do not end; see `ps -ef | grep {layout.spec}`")
    network.detach(layout)
    if left := cgroups.remove(layout.name):
        raise SandboxError(
            f"control groups cannot be removed: {', '.join(map(str, left))}; is something running there?"
        )
    layout.status.unlink(missing_ok=True)


def wait_ready(config: SandboxConfig, progress: Progress, seconds: float = START_SECONDS) -> None:
    """Waits until the node takes pods, names resolve in it and its registry answers.

    Raises:
        SandboxError: it does not come to that in time; the daemon that is to blame is named.
    """
    layout = NodeLayout(config)
    with progress.phase("Waiting for the Kubernetes node"), NodeApi(layout) as api:
        _wait(layout, progress, "the registry", lambda: _registry_answers(config), seconds)
        since = dt.datetime.fromtimestamp(layout.spec.stat().st_mtime, dt.UTC)
        _wait(layout, progress, f"node {NODE_NAME} Ready", lambda: api.node_is_ready(since), seconds)
        name = "kubernetes.default.svc.cluster.local"
        _wait(layout, progress, "the cluster's DNS", lambda: dns.answers(config.dns_ip, name), seconds)


def daemon_states(config: SandboxConfig) -> dict[str, dict[str, Any]]:
    """What the box last said of each daemon: running, ready, starts, lastExit. Empty when there is no box."""
    try:
        return cast(dict[str, Any], json.loads(NodeLayout(config).status.read_text()))["daemons"]
    except (OSError, ValueError, KeyError):
        return {}


def _prepare(layout: NodeLayout, kubernetes: Path, unpacked: Path) -> None:
    layout.state.mkdir(parents=True, exist_ok=True)
    layout.state.chmod(0o711)  # pods of other users reach their volumes through it; keys are in folders of their own
    snapshotter = "overlayfs" if preflight.overlay_works(layout.state) else "native"
    configuration.write(layout, unpacked / "usr" / "lib" / "cni", snapshotter)
    certificates.write(layout)
    if layout.config.number == 1:
        registry.seed(layout.registry, images.cached(layout.config))
    for log in layout.logs.glob("*.log"):
        log.unlink()
    config = layout.config
    spec = {
        "name": layout.name,
        "hostname": NODE_NAME,
        "address": f"{config.node_ip}/{LINK_PREFIX_LENGTH}",
        "services": config.service_cidr,
        # This machine forwards nothing; the link by which the nodes reach each other is made when both are up.
        "routes": [] if config.number == 1 else [[f"{config.github_ip}/32", config.host_ip]],
        "keep": [str(path) for path in (config.root, config.directory, config.cache)],
        "sysctls": {name: str(configuration.sysctl_file(layout, name)) for name in configuration.WANTED_SYSCTLS},
        "logs": str(layout.logs),
        "status": str(layout.status),
        "daemons": [daemon.document() for daemon in daemons(layout, kubernetes, unpacked)],
    }
    layout.spec.write_text(json.dumps(spec, indent=2))


def _environment(kubernetes: Path, unpacked: Path) -> dict[str, str]:
    """The daemons' environment, with nothing of the caller's: no proxy, no kubeconfig, no language."""
    library = unpacked / "usr" / "lib"
    triplets = [str(path) for path in library.glob("*-linux-gnu*")]
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "PATH": f"{kubernetes}:{unpacked / 'usr' / 'bin'}:{unpacked / 'usr' / 'sbin'}:{system}",
        "LD_LIBRARY_PATH": ":".join(triplets),
        "HOME": "/root",
    }


def _start_box(layout: NodeLayout, kubernetes: Path, unpacked: Path, progress: Progress) -> None:
    namespaces = ("--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc")
    python = (sys.executable, "-I", "-S", str(processes.BOX_PROGRAM), str(layout.spec))
    unshare = packages.command_path("unshare") or "unshare"
    log = layout.logs / "box.log"
    with log.open("wb") as output:
        # In a process session of its own: it outlives this command, and Ctrl-C does not reach it.
        subprocess.run(
            ["setsid", "--fork", unshare, *namespaces, *python],
            env=_environment(kubernetes, unpacked),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            check=True,
        )
    progress.update("namespaces")
    deadline = time.monotonic() + 30
    while (init := processes.find(layout).init) is None:
        said = _tail(log)
        if said != _NOTHING or time.monotonic() > deadline:
            raise SandboxError(f"the node's namespaces cannot be made: {said}")
        time.sleep(0.02)
    network.attach(layout, init)


def _complete_link(layout: NodeLayout) -> None:
    try:
        network.configure(layout)
    except SandboxError as error:
        if network.is_attached(layout):
            raise
        raise NodeEndedError(str(error)) from None


def _wait_for_api(layout: NodeLayout, progress: Progress) -> None:
    with NodeApi(layout) as api:
        _wait(layout, progress, "the Kubernetes API", api.is_ready, START_SECONDS)


def _apply_dns(layout: NodeLayout) -> None:
    with NodeApi(layout) as api:
        try:
            for path, document in coredns.objects(layout.config):
                api.apply(path, document)
        except httpx.HTTPError as error:
            raise SandboxError(f"the cluster's DNS cannot be installed: {error}; run `make up` again") from None


def _registry_answers(config: SandboxConfig) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        answer = httpx.get(f"http://{config.registry_host}/v2/", trust_env=False, timeout=5)
        return answer.is_success or answer.status_code == 401
    return False


def _wait(layout: NodeLayout, progress: Progress, what: str, done: Callable[[], bool], seconds: float) -> None:
    progress.update(what)
    deadline = time.monotonic() + seconds
    while not done():
        if progress.is_stopped:
            raise SandboxError(f"stopped while waiting for {what}")
        if processes.find(layout).init is None:
            raise NodeEndedError(f"the node ended while waiting for {what}: {_tail(layout.logs / 'box.log')}")
        if time.monotonic() > deadline:
            raise SandboxError(f"{what}: not there after {seconds:.0f} s; {_blame(layout)}")
        time.sleep(0.1)


def _blame(layout: NodeLayout) -> str:
    """The first daemon that is not well, with the end of its log."""
    for name, state in daemon_states(layout.config).items():
        if not state["running"] or not state["ready"] or state["starts"] > 1:
            log = layout.logs / f"{name}.log"
            return f"{name} was started {state['starts']} times; the end of {log}: {_tail(log)}"
    return f"all daemons run; their logs are in {layout.logs}"


def _tail(log: Path, lines: int = 5) -> str:
    with contextlib.suppress(OSError):
        text = log.read_text(errors="replace").strip()
        if text:
            return " | ".join(text.splitlines()[-lines:])
    return _NOTHING


def remove_state(config: SandboxConfig) -> None:
    """Deletes the state of a stopped node."""
    state = NodeLayout(config).state
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(state)
