"""`make up` from nothing, with warm caches, against the same objects made by hand in the same run.

By hand means what a person who knows everything would do with the usual tools: start the node and GitHub, create the
repositories and `git push` their files, `helm upgrade --install` Argo CD with the same chart and values, then
`kubectl apply` the same objects and wait for the same Applications. It leaves rules, environments, teams and webhooks
out: less than `make up` does.
"""

import argparse
import contextlib
import json
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measure import Report, benchmark, say
from benchmarks.sandboxes import LIMIT_SECONDS, command, own
from sandbox import images, node, toolchain
from sandbox.applications import wait_for_applications
from sandbox.argocd.chart import build_chart
from sandbox.cluster import Cluster
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.github import process
from sandbox.overlay import chart_directory, sandbox_stack
from sandbox.progress import Progress
from sandbox.pulumi.settings import StackConfig
from sandbox.rehearsal import Rehearsal
from tests.recorder import Registration, plain, record
from tools.workflows import repositories, stack_settings, write

GOAL_RATIO = 1.15
RELEASE_TYPE = "kubernetes:helm.sh/v3:Release"


def measured(options: argparse.Namespace, report: Report) -> None:
    config = own()
    command(config, "down")
    whole, by_hand = report.measure("make up from nothing, warm caches"), report.measure("the same objects by hand")
    for run in range(options.runs):
        say(f"run {run + 1} of {options.runs}: make up")
        try:
            with whole.timed():
                command(config, "up")
        finally:
            command(config, "down")
        say(f"run {run + 1} of {options.runs}: by hand")
        try:
            with by_hand.timed():
                make_by_hand(config)
        finally:
            command(config, "down")
    report.ratio("make up against the same by hand", whole, by_hand, GOAL_RATIO)


def make_by_hand(config: SandboxConfig) -> None:
    quiet = Progress(quiet=True)
    tools = toolchain.ensure(config, quiet, ("kubectl", "helm"))
    config.directory.mkdir(parents=True, exist_ok=True)
    process.ensure_credentials(config)
    process.start(config)
    node.start(config, quiet)
    node.wait_ready(config, quiet)
    images.push(config, quiet)
    charts = Path(chart_directory(config)).parent
    charts.mkdir(exist_ok=True)
    build_chart(toolchain.module_directory("argocd", config) / "manifests", charts, f"v{toolchain.ARGOCD_VERSION}")
    stack = sandbox_stack(config)
    # A person who does it by hand knows that nothing is in the way.
    stack = replace(stack, values=stack.values | {"slipway:preflight": False})
    registrations = declared(config, stack)
    push_files(config)
    apply(tools["kubectl"], config, [item for item in registrations if kind_of(item) in {"Namespace", "Secret"}])
    install(tools["helm"], config, next(item for item in registrations if item.type == RELEASE_TYPE))
    apply(tools["kubectl"], config, [item for item in registrations if kind_of(item) in {"AppProject", "Application"}])
    with contextlib.closing(Cluster(config)) as cluster:
        wait_for_applications(cluster, lambda _text: None)


def declared(config: SandboxConfig, stack: StackConfig) -> list[Registration]:
    """What the program declares, as a person would write it down; nothing is deployed."""

    def program() -> None:
        runpy.run_path(str(config.root / "__main__.py"))

    return record(program, config=stack.as_text(), secrets=sorted(stack.secrets), stack=stack.stack).resources


def push_files(config: SandboxConfig) -> None:
    """Creates each repository and pushes its files."""
    rehearsal = Rehearsal(config)
    settings = stack_settings(config.root / "stacks/Pulumi.sandbox.yaml")
    branches = {environment.target_branch for environment in settings.environments} | {"main"}
    for repository, files in repositories(settings):
        own = sorted(branches) if repository == settings.github.environment_repository else ["main"]
        rehearsal.github("POST", f"/orgs/{rehearsal.owner}/repos", body={"name": repository, "private": True})
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), files)
            for arguments in (
                ("init", "--quiet", "--initial-branch=main"),
                ("add", "--all"),
                (
                    "-c",
                    "user.name=Somebody",
                    "-c",
                    "user.email=somebody@example.com",
                    "commit",
                    "--quiet",
                    "-m",
                    "Start",
                ),
                ("push", "--quiet", rehearsal.git_url(repository), *(f"main:refs/heads/{branch}" for branch in own)),
            ):
                call("git", *arguments, cwd=Path(folder))


def install(helm: Path, config: SandboxConfig, release: Registration) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as values:
        json.dump(plain(release.inputs["values"]), values)
        values.flush()
        namespace = ("--namespace", plain(release.inputs["namespace"]), "--kubeconfig", str(config.kubeconfig))
        options = ("--values", values.name, "--wait", "--timeout", "10m")
        call(str(helm), "upgrade", "--install", "argocd", chart_directory(config), *namespace, *options)


def apply(kubectl: Path, config: SandboxConfig, registrations: list[Registration]) -> None:
    objects = {"apiVersion": "v1", "kind": "List", "items": list(map(manifest, registrations))}
    call(
        str(kubectl), "--kubeconfig", str(config.kubeconfig), "apply", "--server-side", "--filename", "-",
        stdin=json.dumps(objects),
    )  # fmt: skip


def manifest(item: Registration) -> Mapping[str, Any]:
    """The object that a resource declares."""
    group, _, rest = item.type.removeprefix("kubernetes:").partition("/")
    version = rest.partition(":")[0]
    kind = {"apiVersion": version if group == "core" else f"{group}/{version}", "kind": kind_of(item)}
    return {**kind, **{key: plain(value) for key, value in item.inputs.items() if key != "__provider"}}


def kind_of(item: Registration) -> str:
    return item.type.rpartition(":")[2] if item.type.startswith("kubernetes:") else ""


def call(*arguments: str, cwd: Path | None = None, stdin: str | None = None) -> None:
    ran = subprocess.run(
        arguments, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    if ran.returncode:
        raise SandboxError(f"{Path(arguments[0]).name} {arguments[1]}: {ran.stderr.strip()[-500:]}")


if __name__ == "__main__":
    sys.exit(benchmark("up", measured, description="make up from nothing", runs=3))
