"""Builds the Go programs of the sandbox from their modules, once, into the cache.

Each folder of `sandbox/tools/` is a Go module of its own that pins one program. A build is kept under a hash of
everything that went into it, so that raising a pin builds again and nothing else does.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from sandbox import golang
from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.lock import held
from sandbox.progress import Progress, elapsed_text

SOURCES = Path(__file__).parent / "tools"
KUBERNETES_VERSION = "1.35.4"
ARGOCD_VERSION = "3.5.7"
COREDNS_VERSION = "1.15.0"
HELM_VERSION = "v3.22.0"
PULUMI_VERSION = "v3.274.1"


@dataclass(frozen=True)
class Tool:
    """A Go program to build: its folder under `sandbox/tools/` has the pins."""

    name: str
    package: str = "."
    """What to give `go build`, in the words of the tool's module."""
    module: str | None = None
    """The module that the program comes from, where other files of it are wanted too."""
    variables: tuple[tuple[str, str], ...] = ()
    """Go variables set at link time; without them most programs do not know their own version."""
    programs: tuple[str, ...] = ()
    """Other names that the program answers to, made as links beside it."""
    embedded: tuple[str, ...] = ()
    """Files of `module` that the program embeds as if they lay beside it."""
    scripts: tuple[str, ...] = ()
    """Scripts of the folder that the program wants beside it."""

    @property
    def folder(self) -> Path:
        return SOURCES / self.name

    @property
    def flags(self) -> list[str]:
        settings = " ".join(f"-X {variable}={value}" for variable, value in self.variables)
        return ["-trimpath", "-ldflags", f"-s -w {settings}".strip()]


def _kubernetes_variables() -> tuple[tuple[str, str], ...]:
    major, minor, _ = KUBERNETES_VERSION.split(".")
    values = {
        "gitVersion": f"v{KUBERNETES_VERSION}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "unknown",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    # The programs answer from the one, their user agents and `kubectl version` from the other.
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple((f"{package}.{name}", value) for package in packages for name, value in values.items())


def _helm_variables() -> tuple[tuple[str, str], ...]:
    major, minor, _ = KUBERNETES_VERSION.split(".")
    # Unset, helm assumes Kubernetes 1.20 and refuses charts that ask for more.
    packages = ("helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules")
    kubernetes = (
        (f"{package}.k8sVersion{part}", value)
        for package in packages
        for part, value in (("Major", major), ("Minor", minor))
    )
    return (("helm.sh/helm/v3/internal/version.version", HELM_VERSION), *kubernetes)


def _kubernetes_plugin() -> Tool:
    """The plugin is published without its versions; it is given that of the SDK that the program uses."""
    folder = "cmd/pulumi-resource-kubernetes"
    return Tool(
        "pulumi-resource-kubernetes",
        module="github.com/pulumi/pulumi-kubernetes/provider/v4",
        variables=(("main.version", metadata.version("pulumi-kubernetes")),),
        embedded=(f"{folder}/schema.json", f"{folder}/terraform-mapping.json"),
    )


_NO_PROXY = ("dial tcp", "no such host", "disabled by GOPROXY", "i/o timeout", "connection refused")
"""How `go` says that nothing answers where it looks for modules."""

NODE_PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
)

TOOLS: Mapping[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("actionlint", "github.com/rhysd/actionlint/cmd/actionlint"),
        Tool(
            "argocd",
            "github.com/argoproj/argo-cd/v3/cmd",
            module="github.com/argoproj/argo-cd/v3",
            variables=(
                ("github.com/argoproj/argo-cd/v3/common.version", ARGOCD_VERSION),
                ("github.com/argoproj/argo-cd/v3/common.buildDate", "1970-01-01T00:00:00Z"),
                ("github.com/argoproj/argo-cd/v3/common.gitTreeState", "clean"),
            ),
        ),
        Tool("coredns"),
        Tool("helm", "helm.sh/helm/v3/cmd/helm", module="helm.sh/helm/v3", variables=_helm_variables()),
        Tool("kubernetes", variables=_kubernetes_variables(), programs=NODE_PROGRAMS),
        Tool("pause"),
        Tool(
            "pulumi",
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            variables=(("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version", PULUMI_VERSION),),
            scripts=("pulumi-language-python", "pulumi-resource-pulumi-python"),
        ),
        _kubernetes_plugin(),
    )
}

_ALIASES: dict[str, str] = dict.fromkeys(NODE_PROGRAMS, "kubernetes")


def ensure(config: SandboxConfig, progress: Progress, names: Collection[str] = tuple(TOOLS)) -> dict[str, Path]:
    """Builds what is not in the cache yet, one tool after the other, and says where each program is.

    `names` are tools, or programs inside one (`kubectl`). Safe to run twice at once, and after being killed.

    Raises:
        SandboxError: a tool does not build, or there is no Go.
    """
    found: dict[str, Path] = {}
    for name in names:
        tool = _tool(name)
        folder = config.cache / "bin" / f"{tool.name}-{key(tool)}"
        if not (folder / tool.name).is_file():
            _build(config, progress, tool, folder)
        found[name] = folder / name
    return found


def key(tool: Tool) -> str:
    """A hash of everything that a build of the tool depends on, save the version of Go."""
    digest = hashlib.sha256()
    for part in (tool.package, *tool.flags, *tool.programs, *tool.embedded):
        digest.update(part.encode() + b"\0")
    for path in sorted(tool.folder.iterdir()):
        if path.name in {"go.mod", "go.sum", *tool.scripts} or path.suffix == ".go":
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def module_directory(name: str, config: SandboxConfig | None = None, progress: Progress | None = None) -> Path:
    """Where the Go module cache holds the sources of the module that a tool is built from.

    Raises:
        SandboxError: the tool has no such module, or it cannot be downloaded.
    """
    tool = _tool(name)
    go = golang.find(config or SandboxConfig.from_environment(), progress or Progress(quiet=True))
    return _sources(go, tool)


def _sources(go: Path, tool: Tool) -> Path:
    if tool.module is None:
        raise SandboxError(f"sandbox/tools/{tool.name}: it is built from this folder, not from another module")
    where = ["list", "-m", "-f", "{{.Dir}}", tool.module]
    said = _run_go(go, tool, where)
    if not said:  # known, but not downloaded: a fresh module cache with built tools beside it
        _run_go(go, tool, ["mod", "download", tool.module])
        said = _run_go(go, tool, where)
    return Path(said)


def _tool(name: str) -> Tool:
    try:
        return TOOLS[_ALIASES.get(name, name)]
    except KeyError:
        known = ", ".join(sorted({*TOOLS, *_ALIASES}))
        raise SandboxError(f"tool {name!r}: there is none of that name; there are {known}") from None


def _run_go(go: Path, tool: Tool, arguments: list[str]) -> str:
    ran = subprocess.run(
        [go, *arguments], cwd=tool.folder, env=golang.environment(), capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise SandboxError(f"sandbox/tools/{tool.name}: go {arguments[0]} failed: {_last_lines(ran.stderr)}")
    return ran.stdout.strip()


def _build(config: SandboxConfig, progress: Progress, tool: Tool, folder: Path) -> None:
    lock = config.cache / "bin" / f".{tool.name}.lock"
    with (
        progress.phase(f"Building {tool.name} (once)"),
        held(lock, lambda: progress.update("waiting for another build of it")),
    ):
        if (folder / tool.name).is_file():  # by the one who held the lock
            return
        go = golang.find(config, progress)
        for leftover in folder.parent.glob(f".{tool.name}-*"):  # of builds that were killed: the lock is ours
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{tool.name}-", dir=folder.parent))
        try:
            _compile(go, tool, unfinished, progress)
            for program in tool.programs:
                (unfinished / program).symlink_to(tool.name)
            for script in tool.scripts:
                shutil.copy(tool.folder / script, unfinished / script)
            unfinished.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def _compile(go: Path, tool: Tool, into: Path, progress: Progress) -> None:
    """Runs `go build` while showing what it does; its own words are in the error when it fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as log:
        command = [go, "build", *tool.flags, *_overlay(go, tool, into), "-o", into / tool.name, tool.package]
        process = subprocess.Popen(
            command, cwd=tool.folder, env=golang.environment(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
                log.seek(0)
                said = log.read()
                if process.returncode is not None:
                    break
                downloads = said.count("go: downloading ")
                progress.update(f"compiling, {downloads} modules downloaded" if downloads else "compiling")
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode and any(sign in said for sign in _NO_PROXY):
        raise SandboxError(
            f"sandbox/tools/{tool.name}: it is built once, and its Go modules cannot be had; connect this machine to a "
            f"Go module proxy (GOPROXY) and try again: {_last_lines(said, 1)}",
            exit_code=ExitCode.UNABLE,
        )
    if process.returncode:
        raise SandboxError(
            f"sandbox/tools/{tool.name}: go build failed after {elapsed_text(time.monotonic() - started)}: "
            f"{_last_lines(said)}"
        )


def _overlay(go: Path, tool: Tool, into: Path) -> list[str]:
    """Shows the compiler the embedded files where the program expects them, so that nothing is written there."""
    if not tool.embedded:
        return []
    sources, beside = _sources(go, tool), tool.folder
    replaced = {str(beside / Path(name).name): str(sources / name) for name in tool.embedded}
    file = into / "overlay.json"
    file.write_text(json.dumps({"Replace": replaced}))
    return ["-overlay", str(file)]


def _last_lines(text: str, count: int = 8) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("go: downloading ")]
    return os.linesep.join(lines[-count:]) or "it said nothing"
