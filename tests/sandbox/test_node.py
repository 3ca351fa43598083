"""The node on its own: pods, names, addresses, surviving a kill, and leaving nothing behind."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox import images, node, packages, toolchain
from sandbox.config import SandboxConfig
from sandbox.node import preflight, processes
from sandbox.node.layout import NodeLayout
from sandbox.progress import Progress
from tests.sandbox.places import config_of, environment_of, eventually


@dataclass
class Machine:
    """What a node could leave behind on the machine that it ran on."""

    links: set[str]
    routes: set[str]
    mounts: set[str]
    rules: str
    groups: set[str]
    temporary: set[str] = field(default_factory=set[str])

    @classmethod
    def look(cls, config: SandboxConfig) -> "Machine":
        def lines(*command: str) -> list[str]:
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

        def others(found: set[str]) -> set[str]:  # another sandbox may come and go meanwhile
            own = (config.network, NodeLayout(config).name)
            return {item for item in found if "slipway-" not in item or any(name in item for name in own)}

        return cls(
            links=others({link["ifname"] for link in json.loads("".join(lines("ip", "-json", "link")))}),
            routes=others(set(lines("ip", "route", "show", "table", "all"))),
            mounts=others(set(Path("/proc/self/mounts").read_text().splitlines())),
            rules="\n".join(lines(packages.command_path("nft") or "nft", "list", "ruleset")),
            groups=others({str(path) for path in Path("/sys/fs/cgroup").glob("*") if path.is_dir()}
                          | {str(path) for path in Path("/sys/fs/cgroup").glob("*/*") if path.is_dir()}),
            temporary=others({path.name for path in Path("/tmp").glob(".slipway-*")}),
        )  # fmt: skip


@dataclass
class Box:
    """A running node and the kubectl to use it with."""

    config: SandboxConfig
    before: Machine

    def kubectl(self, *arguments: str, stdin: object = None) -> str:
        done = self._run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def said_inside(self, program: str) -> str:
        """What a Python program prints in a pod of `web`; nothing while the pod cannot run it to its end."""
        done = self._run("exec", "deployment/web", "--", "python", "-c", program)
        return "" if done.returncode else done.stdout.strip()

    def _run(self, *arguments: str, stdin: object = None) -> subprocess.CompletedProcess[str]:
        program = toolchain.ensure(self.config, Progress(quiet=True), ["kubectl"])["kubectl"]
        return subprocess.run(
            [program, f"--kubeconfig={self.config.kubeconfig}", *arguments],
            input=json.dumps(stdin) if stdin else None, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    # The node alone has no GitHub that would say who reads what.
    config = replace(config_of(environment_of(tmp_path_factory.mktemp("node"))), private_packages=False)
    progress = Progress()
    packages.ensure(config, progress)
    images.ensure(config, progress)
    before = Machine.look(config)
    try:
        node.start(config, progress)
        node.wait_ready(config, progress)
        yield Box(config, before)
    finally:
        node.stop(config)


def deployment(name: str) -> dict[str, Any]:
    container = {
        "name": name,
        "image": images.PYTHON,
        "command": ["python", "-m", "http.server", "8080"],
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def service(name: str) -> dict[str, Any]:
    ports = [{"port": 80, "targetPort": 8080}]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def web(box: Box) -> str:
    """A service of two pods; its cluster address."""
    box.kubectl("apply", "-f", "-", stdin=deployment("web"))
    box.kubectl("apply", "-f", "-", stdin=service("web"))
    box.kubectl("rollout", "status", "deployment/web", "--timeout=120s")
    return box.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")


def test_a_service_answers_this_machine_at_its_cluster_address(web: str) -> None:
    assert eventually(lambda: answers(f"http://{web}/"))


def test_pods_reach_each_other_by_name_through_the_service(box: Box, web: str) -> None:
    ask = "import urllib.request as r; print({r.urlopen('http://web', timeout=9).status for _ in range(8)})"
    assert eventually(lambda: box.said_inside(ask) == "{200}")


def test_pods_reach_this_machine_by_the_name_of_its_github(box: Box, web: str) -> None:
    ask = "import socket; print(socket.gethostbyname('github.sandbox'))"
    assert eventually(lambda: box.said_inside(ask) == box.config.host_ip)


def test_no_name_of_the_world_outside_resolves(box: Box, web: str) -> None:
    ask = "import socket\ntry: print(socket.gethostbyname('example.com'))\nexcept OSError: print('unknown')"
    assert box.kubectl("exec", "deployment/web", "--", "python", "-c", ask) == "unknown"


def test_the_api_is_of_the_pinned_version(box: Box) -> None:
    version = json.loads(box.kubectl("version", "-o", "json"))
    assert version["serverVersion"]["gitVersion"] == f"v{toolchain.KUBERNETES_VERSION}"
    assert version["clientVersion"]["gitVersion"] == f"v{toolchain.KUBERNETES_VERSION}"


def test_the_registry_has_every_image_from_the_start(box: Box) -> None:
    assert images.push(box.config, Progress(quiet=True)) == 0


def test_starting_a_running_node_again_keeps_it(box: Box) -> None:
    was = processes.find(NodeLayout(box.config))
    node.start(box.config, Progress(quiet=True))
    assert processes.find(NodeLayout(box.config)) == was


def kubelets(layout: NodeLayout) -> list[int]:
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            command = path.read_bytes().decode(errors="replace").split("\0")
            if command[0].endswith("/kubelet") and f"--root-dir={layout.state}/kubelet" in command:
                found.append(int(path.parent.name))
    return found


def test_a_daemon_that_dies_is_started_again(box: Box) -> None:
    layout = NodeLayout(box.config)
    (kubelet,) = kubelets(layout)
    os.kill(kubelet, signal.SIGKILL)
    assert eventually(lambda: node.daemon_states(box.config)["kubelet"]["starts"] > 1)
    assert eventually(lambda: node.daemon_states(box.config)["kubelet"]["running"])


def test_a_killed_node_comes_back_with_its_objects(box: Box, web: str) -> None:
    init = processes.find(NodeLayout(box.config)).init
    assert init
    os.kill(init, signal.SIGKILL)
    node.start(box.config, Progress(quiet=True))
    node.wait_ready(box.config, Progress(quiet=True))
    assert eventually(lambda: answers(f"http://{web}/"))


def processes_in(namespace: Path) -> set[tuple[str, str]]:
    """Id and start time of each process in a process namespace; ids alone are used again."""
    found: set[tuple[str, str]] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "ns" / "pid").readlink() == namespace:
                found.add((folder.name, (folder / "stat").read_text().rpartition(")")[2].split()[19]))
        except OSError:  # ended meanwhile
            continue
    return found


def running(process: tuple[str, str]) -> bool:
    try:
        return (Path("/proc") / process[0] / "stat").read_text().rpartition(")")[2].split()[19] == process[1]
    except OSError:
        return False


def test_a_second_clone_is_told_where_the_first_is_and_takes_nothing_from_it(box: Box, tmp_path: Path) -> None:
    other = replace(box.config, directory=tmp_path / "state")
    (problem,) = [found for found in preflight.check(other) if other.network in found]
    assert f"held by the sandbox in {box.config.directory}" in problem
    node.stop(other)
    assert node.is_running(box.config)
    assert eventually(lambda: answers(f"http://{box.config.registry_host}/v2/"))


def test_stopping_leaves_nothing_on_the_machine(box: Box) -> None:
    init = processes.find(NodeLayout(box.config)).init
    assert init
    inside = processes_in(Path(f"/proc/{init}/ns/pid").readlink())
    assert len(inside) > 8
    node.stop(box.config)
    assert not node.is_running(box.config)
    assert eventually(lambda: not any(map(running, inside)))
    # Other programs of the machine come and go too.
    eventually(lambda: Machine.look(box.config) == box.before)
    assert Machine.look(box.config) == box.before
    node.remove_state(box.config)
    assert not NodeLayout(box.config).state.exists()
