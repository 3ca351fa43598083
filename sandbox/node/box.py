"""The first process of the node's own namespaces: prepares mounts and network, then keeps the daemons running.

It is run as a file with nothing but the standard library, in a fresh mount, network, process, host name and IPC
namespace: when this process ends, the kernel ends everything else in there, and no mount, link or rule is left.
It starts no threads, because the first process also has to reap the orphans of every container.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_POLL = 0.05
_PAUSE_BEFORE_RESTART = 1.0
_LINK = "eth0"
_SERVICE_LINK = "services"


def run(*command: str | Path) -> None:
    """Runs a command of the preparation.

    Raises:
        SystemExit: it failed; the message says what it said.
    """
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: {ran.stderr.strip() or f'exit code {ran.returncode}'}")


def prepare_mounts(spec: dict[str, Any]) -> None:
    """Gives the daemons their own `/run`, `/var/lib` and `/var/log`, and the kernel settings that they insist on."""
    run("mount", "--make-rshared", "/")
    # What is used from below those folders is held on to while they are covered.
    kept = [Path(path) for path in spec["keep"]]
    holds = Path("/tmp") / f".{spec['name']}-hold"  # noqa: S108 (a mount point inside our own mount namespace)
    covered = ("/run", "/var/lib", "/var/log")
    needed = [path for path in kept if any(path.is_relative_to(folder) for folder in covered)]
    if needed:
        holds.mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", holds)
        for number, path in enumerate(needed):
            (holds / str(number)).mkdir()
            run("mount", "--rbind", path, holds / str(number))
    for folder in covered:
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    for number, path in enumerate(needed):
        path.mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", holds / str(number), path)
    if needed:
        run("umount", "--lazy", "--recursive", holds)
        holds.rmdir()
    Path("/run/lock").mkdir()
    for name, file in spec["sysctls"].items():
        entry = Path("/proc/sys") / name
        if entry.exists():
            run("mount", "--bind", file, entry)


def prepare_network(spec: dict[str, Any]) -> None:
    """Configures the link that the machine puts in here, and the way to the addresses of Services."""
    socket.sethostname(spec["hostname"])
    run("ip", "link", "set", "lo", "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    while _LINK not in {name for _, name in socket.if_nameindex()}:
        time.sleep(_POLL)
    run("ip", "address", "add", spec["address"], "dev", _LINK)
    run("ip", "link", "set", _LINK, "up")
    # Calls of the node's own programs to a Service (the API server's to a web hook) need a route before kube-proxy's
    # rules rewrite their destination; an empty bridge gives one that leads nowhere else.
    run("ip", "link", "add", _SERVICE_LINK, "type", "bridge")
    run("ip", "link", "set", _SERVICE_LINK, "up")
    source = spec["address"].partition("/")[0]
    run("ip", "route", "add", spec["services"], "dev", _SERVICE_LINK, "src", source)
    for network, gateway in spec["routes"]:
        run("ip", "route", "add", network, "via", gateway, "dev", _LINK)


@dataclass
class Running:
    """A daemon and how it is doing."""

    name: str
    command: list[str]
    after: list[str]
    ready_url: str | None
    ready_ca: str | None
    once: bool
    log: Path
    pid: int | None = None
    ready: bool = False
    starts: int = 0
    last_exit: int | None = None
    done: bool = False
    not_before: float = field(default=0.0)

    def start(self) -> None:
        with self.log.open("ab") as log:
            actions = [
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ]
            self.pid = os.posix_spawn(
                self.command[0], self.command, os.environ, file_actions=actions, setpgroup=0, setsigmask=()
            )
        self.starts += 1
        self.ready = self.ready_url is None

    def ended(self, status: int) -> None:
        self.pid, self.ready = None, False
        self.last_exit = os.waitstatus_to_exitcode(status)
        if self.once:
            self.done = self.ready = True
            return
        self.not_before = time.monotonic() + _PAUSE_BEFORE_RESTART
        with self.log.open("a") as log:
            log.write(f"--- {self.name} ended with {self.last_exit} at {time.strftime('%H:%M:%S')}, starting again\n")

    def probe(self) -> None:
        """Asks once whether it is ready."""
        assert self.ready_url  # noqa: S101 (only what has an address is asked)
        context = ssl.create_default_context(cafile=self.ready_ca) if self.ready_ca else None
        try:
            with urllib.request.urlopen(self.ready_url, timeout=2, context=context) as answer:  # noqa: S310 (ours)
                self.ready = answer.status == 200
        except (OSError, urllib.error.URLError):
            self.ready = False

    def document(self) -> dict[str, Any]:
        return {
            "running": self.pid is not None or self.done,
            "ready": self.ready,
            "starts": self.starts,
            "lastExit": self.last_exit,
        }


class Supervisor:
    """Starts daemons in their order, starts them again when they end, and reaps every orphan."""

    def __init__(self, daemons: list[Running], status: Path) -> None:
        self._daemons = {daemon.name: daemon for daemon in daemons}
        self._status = status
        self._written: object = None

    def run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        while True:
            self._reap()
            now = time.monotonic()
            for daemon in self._daemons.values():
                if daemon.pid is None and not daemon.done and daemon.not_before <= now and self._may_start(daemon):
                    daemon.start()
                elif daemon.pid is not None and not daemon.ready:
                    daemon.probe()
            self._write_status()
            settled = all(daemon.done or (daemon.pid is not None and daemon.ready) for daemon in self._daemons.values())
            signal.sigtimedwait({signal.SIGCHLD}, 60 if settled else _POLL)

    def _may_start(self, daemon: Running) -> bool:
        # A daemon that ended is started again whatever became of what it waited for at first.
        return daemon.starts > 0 or all(self._daemons[name].ready for name in daemon.after)

    def _reap(self) -> None:
        by_pid = {daemon.pid: daemon for daemon in self._daemons.values() if daemon.pid is not None}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in by_pid:
                by_pid[pid].ended(status)

    def _write_status(self) -> None:
        document = {name: daemon.document() for name, daemon in self._daemons.items()}
        if document != self._written:
            unfinished = self._status.with_suffix(".new")
            unfinished.write_text(json.dumps({"daemons": document}, indent=2))
            unfinished.rename(self._status)
            self._written = document


def main(path: str) -> None:
    """Prepares the namespaces as the file says and supervises until killed."""
    spec = json.loads(Path(path).read_text())
    prepare_mounts(spec)
    prepare_network(spec)
    logs = Path(spec["logs"])
    daemons = [Running(**daemon, log=logs / f"{daemon['name']}.log") for daemon in spec["daemons"]]
    Supervisor(daemons, Path(spec["status"])).run()


if __name__ == "__main__":
    main(sys.argv[1])
