"""Debian packages that the sandbox needs: daemons unpacked into the cache, plain tools installed.

The daemons' packages would start services and take ports, so they are only unpacked; nothing of them touches the
machine. Plain commands without services are installed the usual way when they are missing.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.lock import held
from sandbox.progress import Progress

DAEMONS = ("containerd", "containernetworking-plugins", "docker-registry", "libseccomp2", "runc")
"""Packages of which the node runs programs, with the libraries that a bare Debian lacks."""

COMMANDS: Mapping[str, str] = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "git": "git",
    "ip": "iproute2",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
"""Commands that are called by name, and the package of each."""

_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


def missing() -> list[str]:
    """Packages of the commands that are not here, sorted."""
    return sorted({package for command, package in COMMANDS.items() if not command_path(command)})


def command_path(command: str) -> str | None:
    """Where a command is, in the administrator's folders too, which an ordinary PATH leaves out."""
    return shutil.which(command, path=_PATH)


def unpacked(config: SandboxConfig) -> Path:
    """The folder that the daemons' packages are unpacked into, laid out like `/`."""
    digest = hashlib.sha256("\n".join((*DAEMONS, _release())).encode()).hexdigest()[:12]
    return config.cache / "packages" / digest


def ensure(config: SandboxConfig, progress: Progress) -> Path:
    """Installs the missing commands, unpacks the daemons, and returns the folder they are in; offline once done.

    Raises:
        SandboxError: the machine has no apt, a package is not available, or the caller may not install.
    """
    wanted = missing()
    folder = unpacked(config)
    if not wanted and folder.is_dir():
        return folder
    _require_apt(wanted)
    with progress.phase("Debian packages (once)"), held(config.cache / "packages" / ".lock"):
        if wanted := missing():
            progress.update(", ".join(wanted))
            _install(wanted)
        if not folder.is_dir():
            progress.update(", ".join(DAEMONS))
            _unpack(folder)
    return folder


def install(config: SandboxConfig, *wanted: str) -> None:
    """Installs packages the usual way, as root; another process of this project is waited for.

    Raises:
        SandboxError: one of them is not available.
    """
    with held(config.cache / "packages" / ".lock"):
        _apt_or_update("install", "--no-install-recommends", *wanted)


def _release() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text().splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip('"')
    return "unknown"


def _require_apt(wanted: list[str]) -> None:
    needed = ", ".join(dict.fromkeys([*wanted, *DAEMONS]))
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise SandboxError(
            f"this machine has no apt ({_release()}), and the sandbox takes {needed} from Debian packages; "
            "run it on Debian 12 or Ubuntu 24.04 or newer, or name a cluster in SLIPWAY_SANDBOX_KUBECONFIG",
            exit_code=ExitCode.UNABLE,
        )
    if wanted and os.geteuid() != 0:
        raise SandboxError(
            f"missing: {', '.join(wanted)}; "
            f"install them: sudo apt-get install --no-install-recommends {' '.join(wanted)}",
            exit_code=ExitCode.UNABLE,
        )


def _apt(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "NEEDRESTART_SUSPEND": "1"}
    # Another apt (unattended upgrades after boot) is waited for, not failed on.
    command = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300", *arguments]
    return subprocess.run(command, cwd=cwd, env=os.environ | quiet, capture_output=True, text=True, check=False)


def _apt_or_update(*arguments: str, cwd: Path | None = None) -> None:
    """Runs apt-get; when it fails, once more after updating the lists, which are absent or old on fresh machines."""
    if _apt(*arguments, cwd=cwd).returncode == 0:
        return
    update = _apt("update")
    ran = _apt(*arguments, cwd=cwd)
    if ran.returncode:
        failed = update if update.returncode else ran
        reason = [line for line in failed.stderr.splitlines() if line.startswith("E:")] or failed.stderr.splitlines()
        packages = " ".join(argument for argument in arguments if not argument.startswith("-"))
        raise SandboxError(f"apt-get {packages}: {reason[0] if reason else 'failed'}; check this machine's apt sources")


def _install(wanted: list[str]) -> None:
    _apt_or_update("install", "--no-install-recommends", *wanted)
    if still := missing():
        raise SandboxError(f"apt installed {', '.join(wanted)}, but commands of {', '.join(still)} are not on PATH")


def _unpack(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    for leftover in folder.parent.glob(".unpacking-*"):  # of one that was killed: the lock is ours
        shutil.rmtree(leftover, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        archives, tree = work / "archives", work / "tree"
        archives.mkdir()
        tree.mkdir()
        if os.geteuid() == 0:
            archives.chmod(0o777)  # apt fetches as its own user, and says so at length where it cannot
            work.chmod(0o755)
        _apt_or_update("download", *DAEMONS, cwd=archives)
        for archive in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg-deb", "--extract", archive, tree], check=True, capture_output=True)
        tree.rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
