"""What this machine gives to jobs: where `act` and the tools are, and how far a job can be kept apart."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.github.actions import jail, lending
from sandbox.github.actions.lending import Lent
from sandbox.github.process import LENT

ACT = "SLIPWAY_SANDBOX_ACT"
"""Path of the `act` binary; without it `act` is looked for on PATH."""
TOOLS = "SLIPWAY_SANDBOX_TOOLS"
"""Folders that come first on a job's PATH, separated by colons."""
JOBS = "SLIPWAY_SANDBOX_JOBS"
"""How many jobs run at the same time."""
ISOLATION = "SLIPWAY_SANDBOX_ISOLATION"
"""`user`, `namespaces` or `plain`; without it the strictest that works here."""

DEFAULT_JOBS = 4
PROBE_SECONDS = 120
"""For what a job of its own would find out at once; a busy machine takes its time."""

PASSED_ON = (
    "PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOFLAGS",
    "GOTOOLCHAIN",     "SSL_CERT_", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "TZ", "LANG", "LC_ALL",
)  # fmt: skip
"""Settings of package managers and certificates, which a runner on this machine would have as well."""

HOME = "/home/runner"


@dataclass(frozen=True)
class Host:
    """How jobs are run on this machine."""

    state: Path
    """Folder of the server; jobs never see it."""
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    @cached_property
    def act(self) -> Path:
        """The `act` binary.

        Raises:
            SandboxError: there is none.
        """
        found = self.environ.get(ACT) or shutil.which("act", path=self.environ.get("PATH"))
        if not found or not os.access(found, os.X_OK):
            raise SandboxError(f"act: not found ({found or 'not on PATH'}); set {ACT} to the path of its binary")
        return Path(found).resolve()

    @cached_property
    def jobs(self) -> int:
        """How many jobs run at the same time."""
        text = self.environ.get(JOBS) or str(DEFAULT_JOBS)
        if not text.isdigit() or int(text) < 1:
            raise SandboxError(f"{JOBS}: {text!r} is not a number of jobs; give 1 or more")
        return int(text)

    @cached_property
    def path(self) -> list[str]:
        """A job's PATH: the sandbox's tools, the Python of the server, and what the server itself has."""
        tools = [entry for entry in self.environ.get(TOOLS, "").split(":") if entry]
        python = str(Path(sys.base_prefix) / "bin")
        # Shims of version managers look at settings that a job does not see; a virtual environment is ours.
        own = [
            entry
            for entry in self.environ.get("PATH", os.defpath).split(":")
            if entry and not entry.endswith("/shims") and not Path(entry).parent.joinpath("pyvenv.cfg").exists()
        ]
        return list(dict.fromkeys([*tools, python, *own]))

    @property
    def passed_on(self) -> dict[str, str]:
        """Variables of the server's own environment that jobs get."""
        return {name: value for name, value in self.environ.items() if name.startswith(PASSED_ON)}

    def lent(self, repository: str, environment: str | None) -> Lent | None:
        """What jobs of a repository's environment have of this machine beside tools; None for almost all."""
        path = self.environ.get(LENT)
        found = lending.read(Path(path)) if path else None
        if found is None or found.repository != repository:
            return None
        return found if environment in found.environments else found.installed_alone()

    @cached_property
    def isolation(self) -> str:
        """The strictest kind of isolation that works here: `user`, `namespaces` or `plain`."""
        if chosen := self.environ.get(ISOLATION):
            return chosen
        if os.geteuid() != 0:
            return "plain"
        for mode in ("user", "namespaces"):
            probe = self._command(mode, ["/bin/true"], "/", {}, [])
            if subprocess.run(probe, capture_output=True, timeout=PROBE_SECONDS, check=False).returncode == 0:
                return mode
        return "plain"

    @cached_property
    def storage_driver(self) -> str:
        """How builders of images keep layers: `overlay` where a job may mount one, else `vfs`, which copies them."""
        if self.isolation == "plain":
            return "vfs"
        with tempfile.TemporaryDirectory(prefix="overlay-", dir=self.state) as folder:
            path = Path(folder)
            (path / "tmp").mkdir()
            for one in (path, path / "tmp"):
                os.chown(one, self.owner or 0, self.owner or 0)
            script = "mkdir l u w m && exec mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w,userxattr m"
            probe = self.command(path, ["/bin/sh", "-c", script], {"PATH": os.defpath}, [], path / "tmp")
            done = subprocess.run(probe, capture_output=True, timeout=PROBE_SECONDS, check=False)
        return "vfs" if done.returncode else "overlay"

    def prepare(self) -> None:
        """Finds out now what the first job would find out."""
        self.state.mkdir(parents=True, exist_ok=True)
        _ = self.storage_driver

    @property
    def owner(self) -> int | None:
        """The id to which a job's folder must belong; None for the server's own."""
        return jail.FIRST_ID if self.isolation == "user" else None

    def home(self, folder: Path) -> str:
        """Where a job sees its own folder."""
        return str(folder) if self.isolation == "plain" else HOME

    def command(
        self, folder: Path, command: list[str], environment: dict[str, str], extra: list[Path], cache: Path
    ) -> list[str]:
        """The command that runs a job's command in its jail.

        Args:
            folder: The job's own folder, which is its home.
            command: What to run; an absolute path first.
            environment: Its whole environment.
            extra: More files and folders that it must see, even where they lie in hidden ones.
            cache: The folder behind its `~/.cache`.
        """
        binds = [
            (str(folder), HOME),
            (str(folder / "tmp"), "/tmp"),  # noqa: S108 -- the job's own
            (str(cache), f"{HOME}/.cache"),
        ]
        return self._command(self.isolation, command, self.home(folder), environment, binds, extra)

    def _command(
        self,
        mode: str,
        command: list[str],
        directory: str,
        environment: dict[str, str],
        binds: list[tuple[str, str]],
        extra: list[Path] | None = None,
    ) -> list[str]:
        described = {
            "mode": mode,
            "hidden": self._hidden(),
            "kept": [*self._kept(), *(str(path) for path in extra or [])],
            "binds": binds,
            "directory": directory,
            "command": command,
            "environment": environment,
        }
        return [sys.executable, "-I", "-S", str(Path(jail.__file__)), json.dumps(described)]

    def _hidden(self) -> list[str]:
        own = Path(self.environ.get("HOME") or "/root")
        folders = {Path("/root"), Path("/home"), Path("/run"), Path("/tmp"), own, self.state.parent, self.state}  # noqa: S108
        return sorted(str(folder) for folder in folders if folder != Path("/") and len(folder.parts) > 1)

    def _kept(self) -> list[str]:
        """What jobs use of the hidden folders: tools on PATH, and the name server's address."""
        hidden = [Path(folder) for folder in self._hidden()]
        kept: dict[str, None] = {}
        for entry in map(Path, self.path):
            if any(entry.is_relative_to(folder) for folder in hidden):
                kept[str(_root_of_tool(entry))] = None
        resolver = Path("/etc/resolv.conf").resolve()
        if any(resolver.is_relative_to(folder) for folder in hidden):
            kept[str(resolver)] = None
        for certificates in {value for name, value in self.passed_on.items() if "CERT" in name or "CA_" in name}:
            if any(Path(certificates).is_relative_to(folder) for folder in hidden):
                kept[certificates] = None
        return list(kept)


def _root_of_tool(entry: Path) -> Path:
    """The folder that a tool needs beside its binary: `…/python3.11` for `…/python3.11/bin`."""
    return entry.parent if entry.name in ("bin", "sbin", "shims") else entry
