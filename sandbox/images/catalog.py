"""The images of the sandbox under their usual names, and what each is made of."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sandbox import golang, toolchain
from sandbox.config import SandboxConfig
from sandbox.images.oci import Settings
from sandbox.images.recipes import Recipe, commands, debian_base, files, packages
from sandbox.progress import Progress

PAUSE = "registry.k8s.io/pause:3.10"
COREDNS = f"registry.k8s.io/coredns/coredns:v{toolchain.COREDNS_VERSION}"
ARGOCD = f"quay.io/argoproj/argocd:v{toolchain.ARGOCD_VERSION}"
REDIS = "docker.io/library/redis:7.0.15"
DEBIAN = "docker.io/library/debian:12-slim"
PYTHON = "docker.io/library/python:3.11-slim"
GOLANG = "docker.io/library/golang:1.26"
DISTROLESS = "gcr.io/distroless/static-debian12:nonroot"

_ARGOCD_USER = 999
_ARGOCD_PROGRAMS = (
    "application-controller",
    "applicationset-controller",
    "cmp-server",
    "commit-server",
    "dex",
    "k8s-auth",
    "notifications",
    "repo-server",
    "server",
)
_NONROOT_USER = 65532
_GO_PACKAGES = (
    "net/http",
    "encoding/json",
    "log/slog",
    "html/template",
    "os/signal",
    "embed",
    "flag",
    "maps",
    "slices",
)

_DEBIAN = debian_base()
_CERTIFICATES = packages("certificates", _DEBIAN, "ca-certificates", "tzdata", is_base=True)


@dataclass(frozen=True)
class Image:
    """An image to build: its name, and its uppermost layer, which knows those below."""

    name: str
    top: Recipe
    settings: Settings


@dataclass(frozen=True)
class Supplies:
    """What recipes take from this machine, looked for only when a layer is really made."""

    config: SandboxConfig
    progress: Progress

    def program(self, name: str) -> Path:
        return toolchain.ensure(self.config, self.progress, [name])[name]

    def go_root(self) -> Path:
        return golang.root(golang.find(self.config, self.progress))

    def go_version(self) -> str:
        version = golang.version_of(golang.find(self.config, self.progress))
        return ".".join(map(str, version or ()))


def images(supplies: Supplies) -> list[Image]:
    """All of them, those that the node itself needs first."""
    return [
        _single_program(supplies, PAUSE, "pause", "65535:65535"),
        _single_program(supplies, COREDNS, "coredns", f"{_NONROOT_USER}:{_NONROOT_USER}"),
        Image(DEBIAN, _DEBIAN, Settings(command=("bash",))),
        _python(),
        _golang(supplies),
        _redis(),
        _argocd(supplies),
        Image(DISTROLESS, _distroless(), Settings(user=str(_NONROOT_USER), directory="/home/nonroot")),
    ]


def _tool_layer(name: str, tools: tuple[str, ...], fill: Callable[[Path], None], below: Recipe | None) -> Recipe:
    keys = (toolchain.key(toolchain.TOOLS[tool]) for tool in tools)
    return files(name, fill, *keys, below=below)


def _install(source: Path, target: Path) -> None:
    """Puts a program into a layer, without copying its bytes where the file system can do without."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o755)


def _accounts(folder: Path) -> None:
    """The accounts, temporary folder and home that a system without a distribution has."""
    etc, home, temporary = folder / "etc", folder / "home" / "nonroot", folder / "tmp"
    for path in (etc, home, temporary):
        path.mkdir(parents=True, exist_ok=True)
    os.chown(home, _NONROOT_USER, _NONROOT_USER)
    home.chmod(0o700)
    temporary.chmod(0o1777)
    users = ("root:x:0:0:root:/root:/sbin/nologin", "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin")
    nonroot = f"nonroot:x:{_NONROOT_USER}:{_NONROOT_USER}:nonroot:/home/nonroot:/sbin/nologin"
    (etc / "passwd").write_text("\n".join((*users, nonroot, "")))
    (etc / "group").write_text(f"root:x:0:\nnobody:x:65534:\nnonroot:x:{_NONROOT_USER}:\n")
    (etc / "nsswitch.conf").write_text("hosts: files dns\n")


def _single_program(supplies: Supplies, name: str, tool: str, user: str) -> Image:
    def fill(folder: Path) -> None:
        _accounts(folder)
        _install(supplies.program(tool), folder / tool)

    return Image(name, _tool_layer(tool, (tool,), fill, None), Settings(entrypoint=(f"/{tool}",), user=user))


def _python() -> Image:
    # As in the official image: pip installs into the system without a word, and both names lead to the same Python.
    links = ("python3", "pip3")
    then = (
        "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
        *(f"ln -s /usr/bin/{link} /usr/local/bin/{link}" for link in links),
        *(f"ln -s {link} /usr/local/bin/{link.rstrip('3')}" for link in links),
        "python3 -c 'import ssl, sqlite3, venv'",
    )
    layer = packages("python", _CERTIFICATES, "python3", "python3-pip", "python3-venv", then=then)
    environment = {"LANG": "C.UTF-8", "PYTHON_VERSION": "3.11"}
    return Image(PYTHON, layer, Settings(command=("python3",), environment=environment))


def _golang(supplies: Supplies) -> Image:
    def fill(folder: Path) -> None:
        target = folder / "usr" / "local" / "go"
        unneeded = shutil.ignore_patterns("testdata", "*_test.go")
        for part in ("VERSION", "go.env", "bin", "lib", "pkg", "src"):
            source = supplies.go_root() / part
            if source.is_dir():
                shutil.copytree(source, target / part, symlinks=True, ignore=unneeded, copy_function=_copy_or_link)
            elif source.exists():
                _install(source, target / part)
        (folder / "go").mkdir()

    version = supplies.go_version()
    environment = {"GOLANG_VERSION": version, "GOTOOLCHAIN": "local", "GOPATH": "/go", "CGO_ENABLED": "0"}
    path = "/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    settings = Settings(command=("bash",), environment=environment, directory="/go", path=path)
    go = files("golang", fill, version, below=_CERTIFICATES, is_base=True)
    # The standard library as services' Dockerfiles compile it; without this each release compiles it first.
    warm = f"PATH={path} CGO_ENABLED=0 GOTOOLCHAIN=local go build -trimpath {' '.join(_GO_PACKAGES)}"
    return Image(GOLANG, commands("golang-cache", go, warm), settings)


def _copy_or_link(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _redis() -> Image:
    layer = packages("redis", _DEBIAN, "redis-server", then=("mkdir -p /data", "chmod 1777 /data"))
    entrypoint = ("/usr/bin/redis-server",)
    return Image(REDIS, layer, Settings(entrypoint=entrypoint, user=str(_ARGOCD_USER), directory="/data"))


def _argocd(supplies: Supplies) -> Image:
    user = _ARGOCD_USER
    then = (
        f"groupadd --gid {user} argocd",
        f"useradd --system --uid {user} --gid argocd --home-dir /home/argocd argocd",
        f"install -d -o {user} -g 0 -m 775 /home/argocd",
        "install -d /app/config/ssh /app/config/tls /app/config/gpg/source",
        f"install -d -o {user} -m 700 /app/config/gpg/keys",
        "touch /app/config/ssh/ssh_known_hosts",
        "ln -sf /app/config/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts",
    )
    wanted = ("git", "gpg", "gpg-agent", "openssh-client", "tini")
    below = packages("argocd-base", _CERTIFICATES, *wanted, then=then, is_base=True)

    def fill(folder: Path) -> None:
        binaries = folder / "usr" / "local" / "bin"
        binaries.mkdir(parents=True)
        for tool in ("argocd", "helm"):
            _install(supplies.program(tool), binaries / tool)
        for program in _ARGOCD_PROGRAMS:
            (binaries / f"argocd-{program}").symlink_to("argocd")
        sources = toolchain.module_directory("argocd", supplies.config, supplies.progress)
        # It checks signatures, and whether there are any, through these wrappers.
        for script in ("hack/gpg-wrapper.sh", "hack/git-verify-wrapper.sh", "entrypoint.sh"):
            target = binaries / Path(script).name
            shutil.copyfile(sources / script, target)
            target.chmod(0o755)
        (binaries / "uid_entrypoint.sh").symlink_to("entrypoint.sh")

    environment = {"USER": "argocd", "GRPC_ENABLE_TXT_SERVICE_CONFIG": "false"}
    settings = Settings(
        entrypoint=("/usr/bin/tini", "--"), user=str(user), environment=environment, directory="/home/argocd"
    )
    return Image(ARGOCD, _tool_layer("argocd", ("argocd", "helm"), fill, below), settings)


def _distroless() -> Recipe:
    """No shell and no package manager: certificates, time zones and accounts."""

    def take(supplies_tree: Path, folder: Path) -> None:
        _accounts(folder)
        for part in ("etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo"):
            source, target = supplies_tree / part, folder / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, symlinks=True)
            else:
                shutil.copyfile(source, target)

    return Recipe(
        "distroless", lambda workshop, folder: take(workshop.tree(_CERTIFICATES), folder), (_CERTIFICATES.key,)
    )
