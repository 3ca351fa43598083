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
from slipway_release.platform_types import Service
from slipway_release.validation import files, helm
from slipway_release.validation.files import Problem, Tree

_SECONDS = 60
"""For all dependencies of one chart."""
_UNREACHABLE = re.compile(
    r"dial tcp|no such host|connection refused|timeout|deadline exceeded|took longer|no cached repo|EOF|TLS"
    r"|cannot be reached",
    re.IGNORECASE,
)
_FORBIDDEN = re.compile(r"\b(401|403)\b|unauthorized|forbidden|denied", re.IGNORECASE)
_CHART, _REQUIREMENTS = "Chart.yaml", "requirements.yaml"
_VENDOR = "run `helm dependency build` on your machine and commit the chart's `charts/` folder"


@dataclass(frozen=True)
class Dependency:
    """A chart that another one names."""

    name: str
    repository: str
    alias: str = ""
    file: str = _CHART
    """The file that names it."""


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
        # Argo CD adds these alone. Without a lock file, Helm finds the others by their addresses.
        of_chart = _named(chart, _CHART) or []
        addresses = sorted({found.repository for found in of_chart if found.repository.startswith("https://")})
        wanted, path = {found.repository for found in missing}, _path(service, missing[0])
        for index, address in enumerate(addresses):
            answer = helm.run(["repo", "add", f"dependency-{index}", address], home, _SECONDS)
            if answer.returncode and address in wanted:
                return [Problem(path, _explained(answer.stderr, f"the dependencies from {address}"))]
        answer = helm.run(["dependency", "build", str(chart)], home, _SECONDS)
        if answer.returncode:
            names = ", ".join(f"{found.name} from {found.repository}" for found in missing)
            return [Problem(path, _explained(answer.stderr, f"the dependencies ({names})"))]
        return []


def declared(chart: Path) -> list[Dependency]:
    """What a chart depends on: Helm takes a `requirements.yaml`, of charts with `apiVersion: v1`, before Chart.yaml.

    What is wrong with either file, Helm says.
    """
    found = _named(chart, _REQUIREMENTS)
    return (_named(chart, _CHART) or []) if found is None else found


def _named(chart: Path, name: str) -> list[Dependency] | None:
    """What one of the files names; None where it says nothing of it."""
    file = chart / name
    if not file.is_file() or file.is_symlink():
        return None
    for manifest in files.parse(files.read_text(file, "")[0], "")[0]:
        if "dependencies" in manifest:
            given = manifest["dependencies"]
            items = cast("list[object]", given) if isinstance(given, list) else []
            return [_dependency(cast("fields.Document", item), name) for item in items if isinstance(item, dict)]
    return None


def _dependency(source: fields.Document, file: str) -> Dependency:
    name, repository, alias = (fields.optional_text(source, key) or "" for key in ("name", "repository", "alias"))
    return Dependency(name, repository, alias, file)


def _path(service: Service, dependency: Dependency) -> str:
    return f"{layout.chart_folder(service.name)}/{dependency.file}"


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
            _path(service, found),
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
            _path(service, vendored[0]),
            f"dependency {name}: {version} is wanted, and another one is in charts/, which Helm takes without a word;"
            " run `helm dependency update` on your machine and commit `charts/`",
        )
        for name, version in sorted(wrong)
    ]


def _local(chart: Path, dependency: Dependency) -> Path | None:
    if not dependency.repository.startswith("file://"):
        return None
    return (chart / dependency.repository.removeprefix("file://")).resolve()


def lost(tree: Tree, service: Service) -> list[Problem]:
    """What charts in `charts/` or beside depend on and do not bring along: it is left out without a word."""
    root = tree.folder.resolve()
    chart = root / layout.chart_folder(service.name)
    waiting, below = [chart], [chart]
    while waiting:
        folder = waiting.pop()
        local = (there for dependency in declared(folder) if (there := _local(folder, dependency)) is not None)
        new = (inner.resolve() for inner in (*_vendored(folder), *local))
        waiting += [inner for inner in new if inner.is_relative_to(root) and inner not in below]
        below += waiting
    return [
        Problem(
            f"{folder.relative_to(root).as_posix()}/{dependency.file}",
            f"dependency {dependency.name}: is not in the `charts/` there, and Helm fetches none for a dependency, so"
            f" it would be left out; {_VENDOR} there",
        )
        for folder in dict.fromkeys(below)
        for dependency in declared(folder)
        if folder != chart and not _is_vendored(folder, dependency)
    ]


def _vendored(chart: Path) -> list[Path]:
    folder = chart / "charts"
    return sorted(inner for inner in folder.iterdir() if inner.is_dir()) if folder.is_dir() else []


def _is_vendored(chart: Path, dependency: Dependency) -> bool:
    folder = chart / "charts"
    archive = re.compile(rf"{re.escape(dependency.name)}-v?[0-9].*\.tgz")
    archives = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    return (
        (folder / dependency.name).is_dir()
        or any(archive.fullmatch(name) for name in archives)
        or any(_name(inner) == dependency.name for inner in _vendored(chart))
    )


def _name(chart: Path) -> str | None:
    """The name that a chart gives itself; Helm goes by that and not by its folder."""
    file = chart / _CHART
    if not file.is_file() or file.is_symlink():
        return None
    return next(
        (fields.optional_text(found, "name") for found in files.parse(files.read_text(file, "")[0], "")[0]), None
    )


def _check(tree: Tree, service: Service, dependency: Dependency) -> list[Problem]:
    """What can be said without asking anybody."""
    path = _path(service, dependency)
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
    if "no repository definition" in reason:
        return f"{what} cannot be built by Argo CD, which adds repositories of Chart.yaml with https alone: {_VENDOR}"
    if _FORBIDDEN.search(reason):
        return f"{what} need a credential, which a check has not: {_VENDOR} ({reason})"
    if _UNREACHABLE.search(reason):
        return f"{what} cannot be reached from here: let runners reach it, or {_VENDOR} ({reason})"
    return f"{what} cannot be built: {reason}"
