"""The real tools, where the sandbox has built them: what Helm renders and Argo CD decides is not guessed at."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.argocd.chart import build_chart
from sandbox.config import SandboxConfig
from sandbox.errors import SandboxError
from sandbox.toolchain import ARGOCD_VERSION, TOOLS, key, module_directory
from tests.argocd.notifications import Run, notifications_command
from tests.argocd.rendering import KubernetesObject, Render, RenderText


def _tool(name: str) -> Path:
    """The tool named by the environment (`HELM`, `ARGOCD`), else as it is in the cache."""
    named = os.environ.get(name.upper())
    path = (
        Path(named) if named else SandboxConfig.from_environment().cache / "bin" / f"{name}-{key(TOOLS[name])}" / name
    )
    if not path.is_file():
        pytest.skip(f"{name} is not built yet; `make up` builds it, or set {name.upper()}")
    return path


@pytest.fixture(scope="session")
def helm() -> Path:
    return _tool("helm")


@pytest.fixture(scope="session")
def argocd() -> Path:
    return _tool("argocd")


@pytest.fixture(scope="session")
def manifests(argocd: Path) -> Path:
    """The release manifests of the Argo CD that the sandbox builds."""
    try:
        return module_directory("argocd") / "manifests"
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def chart(manifests: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_chart(manifests, tmp_path_factory.mktemp("charts"), f"v{ARGOCD_VERSION}")


@pytest.fixture(scope="session")
def render_text(helm: Path) -> RenderText:
    """Renders a chart with values; `options` are Helm's."""

    def rendered(chart: Path, values: dict[str, Any], *options: str, name: str = "argocd") -> str:
        command = [helm, "template", name, chart, "--namespace", "argocd", "--values", "-", *options]
        # PyYAML leaves a `y` without quotes, which Helm reads as true.
        ran = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return rendered


@pytest.fixture(scope="session")
def render(render_text: RenderText) -> Render:
    """Renders a chart into objects."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def rendered(chart: Path, values: dict[str, Any], *options: str, name: str = "argocd") -> list[KubernetesObject]:
        text = render_text(chart, values, *options, name=name)
        return [content for content in yaml.load_all(text, Loader=loader) if content]

    return rendered


@pytest.fixture(scope="session")
def no_cluster(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment for commands of `argocd admin` that want a cluster to be named and ask it for nothing."""
    cluster = {"clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}], "current-context": "none"}
    context = {"contexts": [{"name": "none", "context": {"cluster": "none", "namespace": "argocd"}}]}
    kubeconfig = tmp_path_factory.mktemp("no-cluster") / "kubeconfig"
    kubeconfig.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **cluster, **context}))
    return {"HOME": str(kubeconfig.parent), "KUBECONFIG": str(kubeconfig)}


@pytest.fixture(scope="session")
def go() -> str:
    return shutil.which("go") or pytest.skip("there is no Go here")


@pytest.fixture(scope="session")
def run(argocd: Path, no_cluster: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a command of `argocd admin notifications` with the platform's configuration."""
    return notifications_command(argocd, no_cluster, tmp_path_factory.mktemp("notifications"))
