"""`up`: brings the whole platform up, or mends what is missing of one that is."""

import contextlib
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandbox import images, node, packages, preflight, runner, toolchain
from sandbox.applications import Application, wait_for_applications
from sandbox.argocd.chart import build_chart
from sandbox.config import CONTEXT, SandboxConfig
from sandbox.engine import automation
from sandbox.engine.deploy import Deployed, deploy
from sandbox.engine.kubernetes import pods
from sandbox.engine.kubernetes.api import KubernetesApi
from sandbox.engine.outcome import ApplyError, ResourceError
from sandbox.errors import SandboxError
from sandbox.github import service
from sandbox.lock import locked
from sandbox.overlay import chart_directory, sandbox_stack
from sandbox.progress import Progress

TOOLS = ("act", "kubernetes", "kubectl", "argocd", "helm", "coredns", "pause")

COMMANDS = ("kubectl", "argocd", "helm")


@dataclass(frozen=True)
class Result:
    """A platform that is up."""

    deployed: Deployed
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
        tools = start_parts(config, progress)
        with progress.phase("Platform"):
            deployed = _deploy(config, progress, tools["helm"])
        with progress.phase("Applications"), contextlib.closing(_cluster(config)) as api:
            found = wait_for_applications(api, progress.update)
    return Result(deployed, found, time.monotonic() - began)


def start_parts(config: SandboxConfig, progress: Progress) -> dict[str, Path]:
    """Starts what the platform is deployed on: GitHub and an empty cluster, with images and a chart for it.

    Returns:
        The built tools by name.

    Raises:
        SandboxError: Something failed; it is named.
    """
    with progress.phase("Looking at this machine"):
        preflight.check(config)
    with progress.phase("Tools and images"):
        tools = _tools(config, progress)
    _start(config, progress, tools)
    _links(config, tools)
    with progress.phase("Registry"):
        images.push(config, progress)
    _chart(config)
    return tools


def _tools(config: SandboxConfig, progress: Progress) -> dict[str, Path]:
    packages.ensure(config, progress)
    tools = toolchain.ensure(config, progress, TOOLS)
    images.ensure(config, progress)
    return tools


def _start(config: SandboxConfig, progress: Progress, tools: dict[str, Path]) -> None:
    """Starts GitHub and the node side by side; both are waited for, so that none starts after the other failed."""
    config.directory.mkdir(parents=True, exist_ok=True, mode=0o700)

    def start_github() -> None:
        with progress.phase("GitHub"):
            service.ensure_credentials(config)
            service.start(config, runner.environment(config, tools))

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
    """Builds the Argo CD chart, and leaves the folder alone if it is the same as before."""
    manifests = toolchain.module_directory("argocd", config) / "manifests"
    target = Path(chart_directory(config))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        built = build_chart(manifests, Path(folder), f"v{toolchain.ARGOCD_VERSION}")
        shutil.rmtree(target, ignore_errors=True)
        built.rename(target)


def _deploy(config: SandboxConfig, progress: Progress, helm: Path) -> Deployed:
    stack = sandbox_stack(config)
    state = config.directory / "engine"
    # What was made in this process is unknown to a stack, which would make it again and fail.
    if not state.exists() and automation.is_available():
        return automation.up(config, stack, progress.teller())
    state.mkdir(exist_ok=True)
    try:
        return deploy(config.root, stack, state, helm, progress.teller())
    except ResourceError as error:
        raise SandboxError(f"{error}{_trouble(config, str(error))}", exit_code=error.exit_code) from error


def _trouble(config: SandboxConfig, known: str) -> str:
    """The first pod that fails, if the message does not tell of one already."""
    if "\npod " in known:
        return ""
    try:
        with contextlib.closing(_cluster(config)) as api:
            trouble = pods.first_trouble(api)
    except ApplyError:
        return ""
    return f"\n{trouble}" if trouble and trouble.hopeless else ""


def _cluster(config: SandboxConfig) -> KubernetesApi:
    return KubernetesApi(str(config.kubeconfig), CONTEXT)
