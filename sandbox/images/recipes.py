"""How layers are made: Debian's packages in a chroot over the layers below, or files put into a folder."""

import hashlib
import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.packages import command_path

SUITE = "bookworm"
MIRROR = "SLIPWAY_DEBIAN_MIRROR"
"""Variable with the URL of a Debian mirror, for a machine whose own apt has no source of that release."""
_TRIMMED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")
"""What Debian's slim images leave out."""


@dataclass(frozen=True)
class Recipe:
    """One layer: what it is made of decides its key, and `fill` makes it."""

    name: str
    fill: Callable[["Workshop", Path], None]
    """Puts the layer's files into a folder."""
    ingredients: tuple[str, ...] = ()
    """Versions and settings that the files depend on."""
    below: "Recipe | None" = None
    """The layer that it is made over, with those below that."""
    is_base: bool = False
    """Whether others are made over it, so that its tree is kept."""

    @property
    def key(self) -> str:
        digest = hashlib.sha256(self.name.encode())
        for part in (*self.ingredients, self.below.key if self.below else ""):
            digest.update(b"\0" + part.encode())
        return digest.hexdigest()[:12]

    @property
    def stack(self) -> tuple["Recipe", ...]:
        """The layers of an image that ends with this one, the lowest first."""
        return (*(self.below.stack if self.below else ()), self)


@dataclass(frozen=True)
class Workshop:
    """Where layers are made: trees of the layers below, and apt's own folders."""

    trees: Path
    apt: Path

    def tree(self, recipe: Recipe) -> Path:
        return self.trees / f"{recipe.name}-{recipe.key}"


def debian_base() -> Recipe:
    """Debian's minimal system, as in its slim images."""
    return Recipe("debian", _bootstrap, (SUITE, *_TRIMMED), is_base=True)


def commands(name: str, below: Recipe, *lines: str, is_base: bool = False) -> Recipe:
    """A layer of what shell commands change in the layers below."""
    return Recipe(name, lambda workshop, folder: _in_chroot(workshop, below, folder, lines), lines, below, is_base)


def packages(name: str, below: Recipe, *wanted: str, then: tuple[str, ...] = (), is_base: bool = False) -> Recipe:
    """A layer of Debian packages; `then` are shell commands run in it afterwards."""
    # Lists belong to this machine and this day, and never into a layer: the folder is shared by all of them.
    update = "ls /var/lib/apt/lists | grep -q _Packages || apt-get -qq update"
    install = f"apt-get -qq -y install --no-install-recommends {shlex.join(wanted)}"
    return commands(name, below, update, f"{install} || {{ apt-get -qq update && {install}; }}", *then, is_base=is_base)


def files(
    name: str, fill: Callable[[Path], None], *ingredients: str, below: Recipe | None = None, is_base: bool = False
) -> Recipe:
    """A layer of files that a function puts into a folder."""
    return Recipe(name, lambda _, folder: fill(folder), ingredients, below, is_base)


def _run(what: str, command: list[str | Path], environment: dict[str, str] | None = None) -> None:
    ran = subprocess.run(
        command,
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        lines = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
        raise SandboxError(
            f"{what} failed: {' | '.join(lines[-4:]) or 'it said nothing'}; try again, or see apt's sources"
        )


def _in_namespace(what: str, script: list[str]) -> None:
    unshare = command_path("unshare") or "unshare"
    environment = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    environment["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    if proxy := _apt_setting("Acquire::http::Proxy"):
        environment["http_proxy"] = proxy
    _run(what, [unshare, "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", "\n".join(script)], environment)


def _apt_setting(name: str) -> str:
    ran = subprocess.run(["apt-config", "shell", "VALUE", name], capture_output=True, text=True, check=False)
    return next(iter(shlex.split(ran.stdout.partition("=")[2])), "")


def _sources() -> list[tuple[str, str, str]]:
    """Address, release and component of this machine's own sources of that release, or of the mirror that is named."""
    form = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    ran = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Identifier: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [
        (uri, release, component) for uri, release, component in (line.split() for line in ran.stdout.splitlines())
    ]
    own = [source for source in found if source[1].startswith(SUITE) and source[2] == "main"]
    if any(release == SUITE for _, release, _ in own):
        return own
    mirror = os.environ.get(MIRROR)
    if not mirror:
        raise SandboxError(
            f"apt: this machine has no source of Debian {SUITE}, from which the sandbox's images are made; "
            f"set {MIRROR} to the URL of a Debian mirror"
        )
    return [(mirror, SUITE, "main"), (mirror, f"{SUITE}-updates", "main")]


def _bootstrap(workshop: Workshop, folder: Path) -> None:
    mirror = next(uri for uri, release, _ in _sources() if release == SUITE)
    root = workshop.trees / ".bootstrap"
    root.mkdir(parents=True, exist_ok=True)
    archives = workshop.apt / "bootstrap"
    archives.mkdir(parents=True, exist_ok=True)
    exclusions = "\n".join(
        [*(f"path-exclude {pattern}" for pattern in _TRIMMED), "path-include /usr/share/doc/*/copyright"]
    )
    sources = "\n".join(f"deb {' '.join(source)}" for source in _sources())
    trimmed = " ".join(f"{root}{pattern}" for pattern in _TRIMMED)
    # In memory: dpkg waits for the disk after each file, and only the result is worth keeping.
    script = [
        f"mount -t tmpfs -o mode=755 tmpfs {root}",
        f"debootstrap --variant=minbase --cache-dir={archives} {SUITE} {root} {mirror}",
        f"printf '%s\\n' {shlex.quote(exclusions)} > {root}/etc/dpkg/dpkg.cfg.d/slim",
        f"printf '%s\\n' {shlex.quote(sources)} > {root}/etc/apt/sources.list",
        # Packages of daemons start nothing where they are installed.
        f"printf '#!/bin/sh\\nexit 101\\n' > {root}/usr/sbin/policy-rc.d; chmod 755 {root}/usr/sbin/policy-rc.d",
        f"rm -rf {trimmed} {root}/var/cache/apt/* {root}/var/lib/apt/lists/* {root}/var/log/*.log {root}/var/log/apt",
        f": > {root}/etc/resolv.conf; : > {root}/etc/hosts; : > {root}/etc/hostname",
        f"cp -a {root}/. {folder}",
    ]
    _in_namespace("debootstrap", script)


def _in_chroot(workshop: Workshop, below: Recipe, folder: Path, lines: Sequence[str]) -> None:
    """Runs commands over the layers below and leaves what they changed in the folder."""
    work = workshop.trees / ".work"
    for path in (work, workshop.apt / "lists", workshop.apt / "archives"):
        path.mkdir(parents=True, exist_ok=True)
    lower = ":".join(str(workshop.tree(recipe)) for recipe in reversed(below.stack))
    root = work / "root"
    settings = workshop.apt / "archives" / "host.conf"
    settings.write_text(
        f'Acquire::http::Proxy "{_apt_setting("Acquire::http::Proxy")}";\nDPkg::Options:: "--force-unsafe-io";\n'
    )
    inside = "\n".join(["set -eu", "export HOME=/root APT_CONFIG=/var/cache/apt/host.conf", *lines])
    script = [
        f"mount -t tmpfs -o mode=755 tmpfs {work}",
        f"mkdir {work}/upper {work}/work {root}",
        f"mount -t overlay -o lowerdir={lower},upperdir={work}/upper,workdir={work}/work overlay {root}",
        f"mount --bind {workshop.apt}/lists {root}/var/lib/apt/lists",
        f"mount --bind {workshop.apt}/archives {root}/var/cache/apt",
        f"mount -t proc proc {root}/proc",
        f"mount --rbind /dev {root}/dev",
        f"mount --bind $(readlink -f /etc/resolv.conf) {root}/etc/resolv.conf",
        f"mount --bind /etc/hosts {root}/etc/hosts" if Path("/etc/hosts").exists() else ":",
        f"chroot {root} sh -c {shlex.quote(inside)}",
        f"umount --recursive {root}",
        f"rm -rf {work}/upper/var/log/*.log {work}/upper/var/log/apt {work}/upper/var/cache/ldconfig {work}/upper/tmp",
        f"cp -a {work}/upper/. {folder}",
    ]
    _in_namespace("making a layer in a chroot", script)
