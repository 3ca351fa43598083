"""Charts that charts depend on. Argo CD fetches them before it renders, so a check must too."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self, cast

from slipway_release import fields, layout
from slipway_release.platform_file import Service
from slipway_release.validation import files, helm
from slipway_release.validation.files import Problem, Tree

_SECONDS = 60
"""For all dependencies of one chart."""
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|connection refused|timeout|deadline exceeded|took longer|EOF|cannot be reached|TLS",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"\b(401|403)\b|unauthorized|forbidden|denied", re.IGNORECASE)
_VENDOR = "run `helm dependency build` on your machine and commit the chart's `charts/` folder"


@dataclass(frozen=True)
class Dependency:
    """A chart that a Chart.yaml names."""

    name: str
    repository: str
    alias: str = ""


class Builds:
    """Charts with what they depend on, each built at most once; the copies go when the block ends."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="slipway-charts-")
        self._built: dict[Path, tuple[Path, list[Problem]]] = {}
        self._locks: dict[Path, Lock] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def chart(self, tree: Tree, service: Service) -> tuple[Path, list[Problem]]:
        """The folder that Helm can render, and why it cannot where a dependency is not to be had."""
        chart = tree.folder / layout.chart_folder(service.name)
        with self._lock:
            lock = self._locks.setdefault(chart, Lock())
        with lock:
            if chart not in self._built:
                self._built[chart] = self._build(tree, service, chart)
            return self._built[chart]

    def _build(self, tree: Tree, service: Service, chart: Path) -> tuple[Path, list[Problem]]:
        links = tree.links_out(layout.chart_folder(service.name))
        if links:
            # Helm would follow it, and a comment would show what is not in the repository.
            return chart, [Problem(link, "the chart is not rendered because of this link") for link in links]
        missing = [found for found in declared(chart) if not _is_vendored(chart, found)]
        problems = [problem for found in missing for problem in _check(tree, service, found)]
        if problems or not missing:
            return chart, problems
        # Helm writes into the chart, and `file://` reaches beside it, so it works on a copy of the tree.
        copy = Path(tempfile.mkdtemp(dir=self._folder.name))
        shutil.copytree(
            tree.folder, copy / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git"), dirs_exist_ok=True
        )
        built = copy / "tree" / layout.chart_folder(service.name)
        return built, self._fetch(service, missing, built, copy / "home")

    def _fetch(self, service: Service, missing: list[Dependency], chart: Path, home: Path) -> list[Problem]:
        home.mkdir()
        addresses = sorted(
            {found.repository for found in missing if found.repository.startswith(("http://", "https://"))}
        )
        path = f"{layout.chart_folder(service.name)}/Chart.yaml"
        for index, address in enumerate(addresses):
            answer = helm.run(["repo", "add", f"dependency-{index}", address], home, _SECONDS)
            if answer.returncode:
                return [Problem(path, _explained(answer.stderr, f"the dependencies from {address}"))]
        answer = helm.run(["dependency", "build", str(chart)], home, _SECONDS)
        if answer.returncode:
            names = ", ".join(f"{found.name} from {found.repository}" for found in missing)
            return [Problem(path, _explained(answer.stderr, f"the dependencies ({names})"))]
        return []


def declared(chart: Path) -> list[Dependency]:
    """What a chart depends on. What is wrong with its Chart.yaml, Helm says."""
    file = chart / "Chart.yaml"
    if not file.is_file() or file.is_symlink():
        return []
    found: list[Dependency] = []
    for manifest in files.parse(files.read_text(file, "")[0], "")[0]:
        dependencies = manifest.get("dependencies")
        for item in cast("list[object]", dependencies) if isinstance(dependencies, list) else []:
            if isinstance(item, dict):
                source = cast("fields.Document", item)
                name, repository = fields.optional_text(source, "name"), fields.optional_text(source, "repository")
                found.append(Dependency(name or "", repository or "", fields.optional_text(source, "alias") or ""))
    return found


def sources(tree: Tree, service: Service) -> list[Path]:
    """The folders of this repository that a chart takes charts from."""
    chart = tree.folder / layout.chart_folder(service.name)
    return [
        folder
        for found in declared(chart)
        if (folder := _local(chart, found)) is not None and folder.is_relative_to(tree.folder.resolve())
    ]


def unwatched(tree: Tree, service: Service) -> list[Problem]:
    """Warnings about charts beside the service's own: of their changes Argo CD does not hear."""
    chart = tree.folder / layout.chart_folder(service.name)
    return [
        Problem(
            f"{layout.chart_folder(service.name)}/Chart.yaml",
            f"dependency {found.name}: a change of {found.repository} alone reaches no cluster, and an environment"
            f" that is delivered by a branch does not have it; {_VENDOR}",
            is_warning=True,
        )
        for found in declared(chart)
        if (folder := _local(chart, found)) is not None
        and not folder.is_relative_to(chart.resolve())
        and not _is_vendored(chart, found)
    ]


def stale(tree: Tree, service: Service) -> list[Problem]:
    """What lies in `charts/` in another version than Chart.yaml says: Helm renders what lies there, without a word."""
    chart = tree.folder / layout.chart_folder(service.name)
    vendored = [found for found in declared(chart) if _is_vendored(chart, found)]
    if not vendored or tree.links_out(layout.chart_folder(service.name)):
        return []
    with tempfile.TemporaryDirectory(prefix="slipway-") as home:
        answer = helm.run(["dependency", "list", str(chart), "--max-col-width", "0"], Path(home))
    rows = [[cell.strip() for cell in line.split("\t")] for line in answer.stdout.splitlines()]
    wrong = {(row[0], row[1]) for row in rows if len(row) > 3 and row[-1].startswith("wrong version")}
    return [
        Problem(
            f"{layout.chart_folder(service.name)}/Chart.yaml",
            f"dependency {name}: {version} is wanted, and another one is in charts/, which Helm takes without a word;"
            " run `helm dependency update` on your machine and commit `charts/`",
        )
        for name, version in sorted(wrong)
    ]


def _local(chart: Path, dependency: Dependency) -> Path | None:
    if not dependency.repository.startswith("file://"):
        return None
    return (chart / dependency.repository.removeprefix("file://")).resolve()


def _is_vendored(chart: Path, dependency: Dependency) -> bool:
    folder = chart / "charts"
    archive = re.compile(rf"{re.escape(dependency.name)}-v?[0-9].*\.tgz")
    found = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return (folder / dependency.name).is_dir() or any(archive.fullmatch(name) for name in found)


def _check(tree: Tree, service: Service, dependency: Dependency) -> list[Problem]:
    """What can be said without asking anybody."""
    path = f"{layout.chart_folder(service.name)}/Chart.yaml"
    repository, name = dependency.repository, dependency.name
    folder = _local(tree.folder / layout.chart_folder(service.name), dependency)
    if folder is not None:
        if not folder.is_relative_to(tree.folder.resolve()):
            return [Problem(path, f"dependency {name}: {repository} leads out of this repository")]
        if not (folder / "Chart.yaml").is_file():
            text = f"dependency {name}: there is no chart at {repository}; the path starts at this chart"
            return [Problem(path, text)]
        return []
    if repository.startswith(("@", "alias:")):
        text = f"dependency {name}: {repository} is known on your machine only; write the repository's address"
        return [Problem(path, text)]
    if "@" in repository.partition("://")[2].partition("/")[0]:
        text = f"dependency {name}: its repository has a credential in it, which all can read; take it out of Git, and"
        return [Problem(path, f"{text} {_VENDOR}")]
    if not repository:
        return [Problem(path, f"dependency {name}: has no repository, and is not in charts/")]
    return []


def _explained(text: str, what: str) -> str:
    reason = helm.reason(text)
    if _FORBIDDEN.search(reason):
        return f"{what} need a credential, which a check has not: {_VENDOR} ({reason})"
    if _UNREACHABLE.search(reason):
        return f"{what} cannot be reached from here: let runners reach it, or {_VENDOR} ({reason})"
    return f"{what} cannot be built: {reason}"
