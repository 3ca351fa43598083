"""Charts as Argo CD renders them: for each service in each environment, with that environment's values."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway_release import fields, layout
from slipway_release.fields import Document
from slipway_release.platform_types import Environment, Service, placement_name
from slipway_release.release_file import Release, ReleaseFile
from slipway_release.validation import dependencies, files, helm, removal
from slipway_release.validation.dependencies import Builds
from slipway_release.validation.files import Manifest, Problem, Tree
from slipway_release.validation.hints import hints

_TIMEOUT = 120
_SAMPLE = "0" * 64
_UNSTEADY = re.compile(
    r"\{\{[^}]*?(?<![\w.$-])(rand(?:Alpha|AlphaNum|Ascii|Bytes|Int|Numeric)|uuidv4|gen(?:CA|SelfSignedCert|SignedCert|PrivateKey)\w*"
    r"|now|shuffle|htpasswd|bcrypt|encryptAES)\b(?=[^}]*\}\})"
)
"""Functions of Helm's templates that give something else each time."""
SAMPLE_DIGEST = f"sha256:{_SAMPLE}"
"""The image with which a service is rendered that was not released yet."""


@dataclass(frozen=True)
class Rendered:
    """What one service is in one environment."""

    environment: str
    service: str
    manifests: list[Manifest]
    problems: list[Problem]


def render(tree: Tree, service: Service, environment: Environment, builds: Builds, *, sample: bool = False) -> Rendered:
    """The manifests of a service in an environment; `sample` stands in for a release that was not made yet."""
    where = layout.service_folder(environment.name, service.name)

    def failed(*problems: Problem) -> Rendered:
        return Rendered(environment.name, service.name, [], list(problems))

    if not (tree.folder / layout.chart_folder(service.name) / "Chart.yaml").is_file():
        problem = Problem(layout.chart_folder(service.name), "has no Chart.yaml; restore the service's chart")
        return failed(problem) if sample and not removal.is_gone(tree, service) else failed()
    chart, problems = builds.chart(tree, service)
    if problems:
        return failed(*problems)
    platform = tree.platform()
    arguments = ["template", service.name, str(chart), "--include-crds"]
    arguments += ["--namespace", placement_name(service.name, environment.name)]
    arguments += ["--kube-version", platform.kubernetes_version] if platform.kubernetes_version else []
    arguments += [argument for version in platform.api_versions for argument in ("--api-versions", version)]
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        values = [file for file in _values(tree, service, environment) if file.is_file() and not file.is_symlink()]
        if sample and removal.released(tree, service, environment) is None:
            values.append(_sample(Path(temporary), service))
        values.append(_platform_values(Path(temporary), service, environment))
        arguments += [argument for file in values for argument in ("--values", str(file))]
        answer = helm.run(arguments, Path(temporary))
    if answer.returncode:
        reason = helm.reason(_shown(answer.stderr, tree, service, chart))
        hinted = hints(tree, service, value_files(tree, service, environment), reason)
        return failed(Problem(where, f"does not render: {reason}"), *hinted)
    return Rendered(environment.name, service.name, *files.parse(answer.stdout, f"{where} (rendered)"))


def inputs(tree: Tree, service: Service, environment: Environment) -> str:
    """A digest of everything that rendering depends on: what has the same inputs renders the same."""
    digest = hashlib.sha256()
    folders = [tree.folder / layout.chart_folder(service.name), *dependencies.sources(tree, service)]
    inside = [file for folder in folders for file in sorted(folder.rglob("*"))]
    for file in [*inside, *_values(tree, service, environment)]:
        if file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            digest.update(f"{os.path.relpath(file, tree.folder)}\0{len(content)}\0".encode() + content)
    digest.update(json.dumps(service.values.get(environment.name, {}), sort_keys=True).encode())
    return digest.hexdigest()


def lint(tree: Tree, service: Service, builds: Builds) -> list[Problem]:
    """What Helm itself has to say about a chart, except for warnings, and what Argo CD would not notice of it."""
    if not (tree.folder / layout.chart_folder(service.name) / "Chart.yaml").is_file():
        return []
    chart, problems = builds.chart(tree, service)
    if problems:
        return problems
    with tempfile.TemporaryDirectory(prefix="slipway-") as temporary:
        sample = _sample(Path(temporary), service)
        answer = helm.run(["lint", "--quiet", str(chart), "--values", str(sample)], Path(temporary))
    said = _shown(answer.stdout + answer.stderr, tree, service, chart)
    errors = [line.removeprefix("[ERROR]").strip() for line in said.splitlines() if line.startswith("[ERROR]")]
    # Where a chart cannot be loaded, rendering it says why.
    wrong = [Problem(layout.chart_folder(service.name), line) for line in errors if not line.startswith(":")]
    return [
        *wrong,
        *dependencies.stale(tree, service),
        *dependencies.lost(tree, service),
        *dependencies.unwatched(tree, service),
        *_unsteady(tree, service),
    ]


def _unsteady(tree: Tree, service: Service) -> list[Problem]:
    """Warnings about templates of which each rendering is another one."""
    folder = tree.folder / layout.chart_folder(service.name)
    found: list[Problem] = []
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        # Helpers of charts in `charts/` may be used by nothing.
        is_helper = parts[0] == "charts" and file.name.startswith("_")
        if file.is_symlink() or not file.is_file() or "templates" not in parts or is_helper:
            continue
        path = file.relative_to(tree.folder).as_posix()
        content = files.read_text(file, path)[0]
        for match in _UNSTEADY.finditer(content):
            text = (
                f"`{match[1]}` gives something else at each rendering, so Argo CD never finds it in sync; use a value"
            )
            found.append(Problem(path, text, content.count("\n", 0, match.start(1)) + 1, is_warning=True))
    return found


def _shown(text: str, tree: Tree, service: Service, chart: Path) -> str:
    """Helm's words, with paths as the repository has them."""
    folder = layout.chart_folder(service.name)
    for here, there in ((f"{chart}", folder), (f"{tree.folder}/", "")):
        text = text.replace(here, there)
    return text


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
        where = f"{layout.service_folder(item.environment, item.service)} (rendered)"
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


def ingress_annotations(service: Service, environment: Environment) -> Document:
    """The annotations that the settings give each Ingress of an environment."""
    given = fields.optional_document(service.values.get(environment.name, {}), "global") or {}
    return fields.optional_document(fields.optional_document(given, "ingress") or {}, "annotations") or {}


def _platform_values(folder: Path, service: Service, environment: Environment) -> Path:
    """Those that stand in the Application, which win over the files."""
    file = folder / "platform.yaml"
    file.write_text(json.dumps(service.values.get(environment.name, {})), encoding="utf-8")
    return file


def _sample(folder: Path, service: Service) -> Path:
    file = folder / "release.yaml"
    release = Release("0.0.0", "v0.0.0", service.image, SAMPLE_DIGEST, _SAMPLE[:40], "")
    file.write_text(ReleaseFile(release).dump(), encoding="utf-8")
    return file
