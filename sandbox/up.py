"""`up`: brings the whole platform up, or mends what is missing of one that is."""

import contextlib
import hashlib
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandbox import argocd, images, node, packages, preflight, runner, toolchain
from sandbox.applications import Application, wait_for_applications
from sandbox.argocd.chart import build_chart
from sandbox.cluster import Cluster
from sandbox.config import SandboxConfig
from sandbox.deploy import deploy
from sandbox.github import process
from sandbox.lock import locked
from sandbox.merged_settings import taken_back
from sandbox.overlay import chart_directory, sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi import operations
from sandbox.pulumi.operations import Run
from sandbox.pulumi.workspace import Workspace, find_workspace

TOOLS = ("kubernetes", "kubectl", "argocd", "helm", "coredns", "pause")

COMMANDS = ("kubectl", "argocd", "helm")


@dataclass(frozen=True)
class Result:
    """A platform that is up."""

    deployed: Run
    applications: list[Application]
    seconds: float


def up(config: SandboxConfig, progress: Progress) -> Result:
    """Brings the platform up; run again, it changes only what is not as declared.

    Raises:
        SandboxError: Something failed; it is named, with what is known about why.
    """
    began = time.monotonic()
    preflight.check_user(config)
    with locked(config):
        place = start_parts(config, progress)
        settings = sandbox_stack(config)
        if warning := taken_back(config, settings):
            progress.say(warning)
        with progress.phase("Platform"):
            deployed = deploy(config, progress.teller(), place, settings)
        with progress.phase("Applications"), contextlib.closing(Cluster(config)) as cluster:
            waits_for = " and ".join(deployed.exports.get("pullRequests") or ())
            committed = bool(deployed.counts["update"])
            found = wait_for_applications(cluster, progress.update, pull_request=waits_for, committed=committed)
    return Result(deployed, found, time.monotonic() - began)


def start_parts(config: SandboxConfig, progress: Progress) -> Workspace:
    """Starts what the platform is deployed on: GitHub and an empty cluster, with images and a chart for it.

    Returns:
        Where the platform's stack lives.

    Raises:
        SandboxError: Something failed; it is named.
    """
    with progress.phase("Looking at this machine"):
        preflight.check(config)
    with progress.phase("Tools and images"):
        tools = _tools(config, progress)
        place = find_workspace(config, progress)
    _start(config, progress, tools, place)
    _links(config, tools)
    place.write_wrapper()
    with progress.phase("Registry"):
        images.push(config, progress)
    return place


def _tools(config: SandboxConfig, progress: Progress) -> dict[str, Path]:
    packages.ensure(config, progress)
    tools = toolchain.ensure(config, progress, TOOLS)
    images.ensure(config, progress)
    return tools


def _start(config: SandboxConfig, progress: Progress, tools: dict[str, Path], place: Workspace) -> None:
    """Starts GitHub and the node side by side; both are waited for, so that none starts after the other failed."""
    config.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def start_github() -> None:
        with progress.phase("GitHub"):
            process.ensure_credentials(config)
            process.start(config, runner.environment(config, tools))
        # The node takes longer.
        _chart(config)
        operations.prepare(place, sandbox_stack(config))

    def start_node() -> None:
        with progress.phase("Kubernetes"):
            node.start(config, progress)
            node.wait_ready(config, progress)

    with ThreadPoolExecutor(2) as executor:
        try:
            for started in [executor.submit(start_github), executor.submit(start_node)]:
                started.result()
        except BaseException:
            progress.stop()  # Ctrl-C or a failure: the other one is not to be waited for to its end
            raise


def _links(config: SandboxConfig, tools: dict[str, Path]) -> None:
    """Puts the commands that a person wants to use with the platform into one folder."""
    config.commands.mkdir(parents=True, exist_ok=True)
    for name in COMMANDS:
        link = config.commands / name
        if not link.is_symlink() or link.readlink() != tools[name]:
            link.unlink(missing_ok=True)
            link.symlink_to(tools[name])


def _chart(config: SandboxConfig) -> None:
    """Builds the Argo CD chart, unless it is there as it would be built."""
    built_from = hashlib.sha256(toolchain.key(toolchain.TOOLS["argocd"]).encode())
    for source in sorted(path for path in Path(argocd.__file__).parent.rglob("*") if path.suffix != ".pyc"):
        built_from.update(source.read_bytes() if source.is_file() else b"")
    target = Path(chart_directory(config))
    stamp = target.with_name("built-from")
    if target.exists() and stamp.exists() and stamp.read_text() == built_from.hexdigest():
        return
    manifests = toolchain.module_directory("argocd", config) / "manifests"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = build_chart(manifests, Path(folder), f"v{toolchain.ARGOCD_VERSION}")
        shutil.rmtree(target, ignore_errors=True)
        built.rename(target)
    stamp.write_text(built_from.hexdigest())
