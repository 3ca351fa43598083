"""Runs one command so that it sees no other job, and so that nothing of it outlives it.

Executed as a script, with a JSON description as its only argument; standard library only, since it is started for every
job. In the strictest mode the command gets its own mount, PID and IPC namespaces, and a user namespace in which it is
root over a range of ids that mean nothing on this machine: it can build images, and is nobody outside. The home of the
server's user and the state of the sandbox are not there; the job's own folder is its home.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1

FIRST_ID = 1_000_000
"""The id on this machine of the job's root. Far from the ids of people, below those that containers are given."""
IDS = 65_536

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    result = _libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None)
    _check(result, f"mount {target}")


def _unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def _die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _hide(folders: list[str], kept: list[str], binds: list[tuple[str, str]], owner: int) -> None:
    """Puts empty folders of the job's own over some, with parts of them kept and others brought in."""
    held = [(path, os.open(path, os.O_PATH)) for path in kept if Path(path).exists()]
    brought = [(target, os.open(source, os.O_PATH)) for source, target in binds]
    for folder in folders:
        if Path(folder).is_dir():
            _mount("tmpfs", folder, "tmpfs", 0, f"mode=0755,size=64m,uid={owner},gid={owner}")
    for target, descriptor in [*brought, *held]:
        source, place = Path(f"/proc/self/fd/{descriptor}"), Path(target)
        if source.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        elif not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        _mount(str(source), target, "", MS_BIND | MS_REC)
        os.close(descriptor)


def _become_nobody(ready: int, mapped: int) -> None:
    """Enters a user namespace; the parent, who may, says which ids it has."""
    os.setgroups([])
    _unshare(CLONE_NEWUSER)
    os.write(ready, b"1")
    if os.read(mapped, 1) != b"1":
        raise OSError("the ids of the job could not be mapped")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    # The mounts so far belong to the machine's root. In a mount namespace of its own the job may mount: builders of
    # images do.
    _unshare(CLONE_NEWNS)


def _inside(job: dict[str, Any], ready: int, mapped: int) -> None:
    if job["mode"] != "plain":
        _unshare(CLONE_NEWNS | CLONE_NEWIPC)
        _mount("none", "/", "", MS_REC | MS_PRIVATE)
        _hide(
            job["hidden"], job["kept"], [tuple(pair) for pair in job["binds"]], FIRST_ID if job["mode"] == "user" else 0
        )
        _mount("proc", "/proc", "proc")
    if job["mode"] == "user":
        _become_nobody(ready, mapped)
    os.chdir(job["directory"])
    _die_with_parent()
    os.execve(job["command"][0], job["command"], job["environment"])  # noqa: S606 -- no shell is wanted


def main() -> int:
    """Runs the described command and answers its exit code."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    _die_with_parent()
    if job["mode"] != "plain":
        _unshare(CLONE_NEWPID)
    ready_read, ready_write = os.pipe()
    mapped_read, mapped_write = os.pipe()
    child = os.fork()
    if child == 0:
        # With its own ends of the starter's open it would wait for ever for a starter that was killed.
        os.close(ready_read)
        os.close(mapped_write)
        try:
            _inside(job, ready_write, mapped_read)
        except OSError as error:
            print(f"the job could not be started: {error}", file=sys.stderr, flush=True)
        os._exit(126)
    os.close(ready_write)

    def forward(number: int, _: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    if job["mode"] == "user" and os.read(ready_read, 1) == b"1":
        for kind in ("uid", "gid"):
            Path(f"/proc/{child}/{kind}_map").write_text(f"0 {FIRST_ID} {IDS}\n")
        os.write(mapped_write, b"1")
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
