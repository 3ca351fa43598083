"""Charts as Argo CD renders them: for each service in each environment, with that environment's values."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway_release import layout
from slipway_release.errors import RefusedError
from slipway_release.platform_file import Environment, Service, placement_name
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.validation import files, removal
from slipway_release.validation.files import Manifest, Problem, Tree

_TIMEOUT = 120
_SAMPLE = "0" * 64


@dataclass(frozen=True)
class Rendered:
    """What one service is in one environment."""

    environment: str
    service: str
    manifests: list[Manifest]
    problems: list[Problem]


def render(tree: Tree, service: Service, environment: Environment, *, sample: bool = False) -> Rendered:
    """The manifests of a service in an environment; `sample` stands in for a release that was not made yet."""
    chart = tree.folder / "helm-charts" / service.name
    where = f"environments/{environment.name}/{service.name}"
    if not (chart / "Chart.yaml").is_file():
        problem = Problem(f"helm-charts/{service.name}", "has no Chart.yaml; restore the service's chart")
        is_needed = sample and not removal.is_gone(tree, service)
        return Rendered(environment.name, service.name, [], [problem] if is_needed else [])
    namespace = placement_name(service.name, environment.name)
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        values = _values(tree, service, environment)
        if sample and removal.released(tree, service, environment) is None:
            values.append(_sample(Path(temporary), service))
        arguments = [_helm(), "template", service.name, str(chart), "--namespace", namespace, "--include-crds"]
        arguments += [argument for file in values if file.is_file() for argument in ("--values", str(file))]
        answer = _run(arguments, temporary)
    if answer.returncode:
        text = answer.stderr.replace(str(tree.folder) + "/", "").strip()
        return Rendered(environment.name, service.name, [], [Problem(where, f"does not render: {_first(text)}")])
    manifests, problems = files.parse(answer.stdout, f"{where} (rendered)")
    return Rendered(environment.name, service.name, manifests, problems)


def inputs(tree: Tree, service: Service, environment: Environment) -> str:
    """A digest of everything that rendering depends on: what has the same inputs renders the same."""
    digest = hashlib.sha256()
    chart = tree.folder / "helm-charts" / service.name
    for file in [*sorted(chart.rglob("*")), *_values(tree, service, environment)]:
        if file.is_file():
            content = file.read_bytes()
            digest.update(f"{file.relative_to(tree.folder)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def lint(tree: Tree, service: Service) -> list[Problem]:
    """What Helm itself has to say about a chart, except for warnings."""
    chart = tree.folder / "helm-charts" / service.name
    if not (chart / "Chart.yaml").is_file():
        return []
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        sample = _sample(Path(temporary), service)
        answer = _run([_helm(), "lint", "--quiet", str(chart), "--values", str(sample)], temporary)
    errors = [line.strip() for line in (answer.stdout + answer.stderr).splitlines() if line.startswith("[ERROR]")]
    return [Problem(f"helm-charts/{service.name}", line.removeprefix("[ERROR]").strip()) for line in errors]


def schemas(rendered: list[Rendered]) -> list[Problem]:
    """Kubernetes' own schemas, where kubeconform is on the runner; what has no schema is skipped."""
    program = shutil.which("kubeconform")
    if program is None:
        return []
    problems: list[Problem] = []
    for item in rendered:
        text = "---\n".join(files.dump(manifest) for manifest in item.manifests)
        answer = subprocess.run(
            [program, "-strict", "-ignore-missing-schemas", "-output", "text", "-"],
            input=text,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        where = f"environments/{item.environment}/{item.service} (rendered)"
        problems += [Problem(where, line) for line in answer.stdout.splitlines() if answer.returncode and line.strip()]
    return problems


def value_files(tree: Tree, service: Service, environment: Environment) -> list[tuple[str, Path]]:
    """The values files by path, in the order in which Helm reads them for Argo CD; a later one wins."""
    chart = f"{layout.chart_folder(service.name)}/values.yaml"
    paths = [chart, *layout.value_files(environment.name, service.name)]
    return [(path, tree.folder / path) for path in paths]


def _values(tree: Tree, service: Service, environment: Environment) -> list[Path]:
    """Those that Argo CD names; Helm finds the chart's own."""
    return [file for _, file in value_files(tree, service, environment)[1:]]


def _sample(folder: Path, service: Service) -> Path:
    file = folder / "release.yaml"
    release = Release("0.0.0", "v0.0.0", service.image, f"sha256:{_SAMPLE}", _SAMPLE[:40], "")
    file.write_text(ReleaseFile(release).dump(), encoding="utf-8")
    return file


@functools.cache
def _helm() -> str:
    program = os.environ.get("HELM") or shutil.which("helm")
    if program is None:
        raise RefusedError("helm: not on this runner; charts cannot be checked without it")
    return program


def _run(arguments: list[str], home: str) -> subprocess.CompletedProcess[str]:
    # A chart is somebody's proposal: it is rendered without this process's credentials in reach.
    variables = {"PATH": os.environ.get("PATH", ""), "HOME": home, "HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home}
    try:
        return subprocess.run(arguments, capture_output=True, text=True, timeout=_TIMEOUT, check=False, env=variables)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 1, "", f"took longer than {_TIMEOUT} s")


def _first(text: str) -> str:
    """Helm's reason in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.removeprefix("Error:").strip() for line in lines if line.startswith("Error:")]
    start = lines.index(next(line for line in lines if line.startswith("Error:"))) if errors else 0
    return " ".join([errors[0], *lines[start + 1 : start + 4]]) if errors else (lines[-1] if lines else "no reason")
