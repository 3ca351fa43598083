"""The `helm` command, run without this process's credentials in reach: a chart is somebody's proposal."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from slipway_release.errors import RefusedError

_SECONDS = 120


def program() -> str:
    """Where it is: named by `HELM`, else on the PATH."""
    found = os.environ.get("HELM") or shutil.which("helm")
    if found is None:
        raise RefusedError("helm: not on this runner; charts cannot be checked without it")
    return found


def version() -> str | None:
    """Its version without `v`; None where it is not there, or does not say."""
    try:
        found = run(["version", "--template", "{{.Version}}"], Path("/nonexistent"))
    except (RefusedError, OSError):
        return None
    return found.stdout.strip().removeprefix("v").partition("+")[0] or None


def run(arguments: list[str], home: Path, seconds: float = _SECONDS) -> subprocess.CompletedProcess[str]:
    """Run it with a home of its own; one that takes too long has failed."""
    variables = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(home),
        "HELM_CACHE_HOME": str(home / "cache"),
        "HELM_CONFIG_HOME": str(home / "config"),
        "HELM_DATA_HOME": str(home / "data"),
        # A runner behind a proxy, or with a certificate authority of its own, reaches a chart repository by these.
        **{name: value for name in _NETWORK if (value := os.environ.get(name))},
    }
    command = [program(), *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds, check=False, env=variables
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"Error: took longer than {seconds:.0f} s")


_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")


def reason(text: str) -> str:
    """Its reason in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    start = next((index for index, line in enumerate(lines) if line.startswith("Error:")), None)
    if start is None:
        return lines[-1] if lines else "no reason"
    return " ".join([lines[start].removeprefix("Error:").strip(), *lines[start + 1 : start + 4]])
