"""`logs`: the ends of the log files of the sandbox's own parts."""

from pathlib import Path

from sandbox.config import SandboxConfig
from sandbox.errors import ExitCode, SandboxError

LINES = 40


def log_files(config: SandboxConfig) -> dict[str, Path]:
    """Every log file of the sandbox, by a short name such as `github/requests` or `node/logs/kubelet`."""
    found = sorted(path for path in config.directory.rglob("*.log") if path.is_file())
    return {str(path.relative_to(config.directory).with_suffix("")): path for path in found}


def tail(config: SandboxConfig, name: str | None, lines: int = LINES) -> str:
    """The end of the logs whose name contains `name`; a list of all names without one.

    Raises:
        SandboxError: There is no such log.
    """
    files = log_files(config)
    if name is None:
        return "\n".join(files) or "no logs yet; no sandbox is up here"
    chosen = {key: path for key, path in files.items() if name in key}
    if not chosen:
        known = ", ".join(files) or "none; no sandbox is up here"
        raise SandboxError(f"{name}: there is no such log; there are {known}", exit_code=ExitCode.USAGE)
    parts: list[str] = []
    for key, path in chosen.items():
        text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        parts.append("\n".join([f"==> {key}", *text]))
    return "\n\n".join(parts)
