"""The control group that the node's pods live under, in version 1 hierarchies and in the unified one."""

import contextlib
import errno
import time
from collections.abc import Iterable
from pathlib import Path

from sandbox.errors import ExitCode, SandboxError

UNIFIED = Path("/sys/fs/cgroup")
_MOUNTS = Path("/proc/self/mounts")
_KUBELET_CONTROLLERS = ("cpuset", "cpu", "memory", "hugetlb", "pids", "io")
"""Of those that a machine has, the kubelet wants every one but the last in its group."""
_REQUIRED = frozenset({"cpuset", "cpu", "memory", "pids"})


def is_unified(root: Path = UNIFIED) -> bool:
    """Whether the machine has version 2 only (the file exists at the root of that hierarchy and nowhere in v1)."""
    return (root / "cgroup.controllers").exists()


def hierarchies(mounts: Path = _MOUNTS, *kinds: str) -> list[Path]:
    """Mount points of the version 1 hierarchies, named ones included, or of the kinds of file system given."""
    found: list[Path] = []
    for line in mounts.read_text().splitlines():
        _, where, kind, *_ = line.split(" ")
        if kind in (kinds or ("cgroup",)):
            found.append(Path(where))
    return found


def create(name: str) -> None:
    """Makes the group where it is not there yet, with everything set that has to be set before the kubelet starts.

    Raises:
        SandboxError: the machine does not let us.
    """
    try:
        if is_unified():
            _create_unified(UNIFIED, name)
        else:
            _create_v1(hierarchies(), name)
    except OSError as error:
        raise SandboxError(
            f"control group {name}: {error.strerror} ({error.filename}); the sandbox needs a writable /sys/fs/cgroup, "
            "in a container that means --privileged and --cgroupns=private",
            exit_code=ExitCode.UNABLE,
        ) from None


def problem() -> str | None:
    """What keeps pods from having control groups on this machine, None when nothing is known to."""
    if is_unified():
        offered = set((UNIFIED / "cgroup.controllers").read_text().split())
    else:
        offered = {controller for path in hierarchies() for controller in path.name.split(",")}
    if lacking := sorted(_REQUIRED - offered):
        return f"control groups: {', '.join(lacking)} not offered in /sys/fs/cgroup; enable them in the kernel"
    return None


def _create_v1(roots: Iterable[Path], name: str) -> None:
    for root in roots:
        group = root / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # start empty in a new group, and nothing runs in it then
            if (group / setting).exists() and not (group / setting).read_text().strip():
                (group / setting).write_text((root / setting).read_text())


def _create_unified(root: Path, name: str) -> None:
    group = root / name
    offered = (root / "cgroup.controllers").read_text().split()
    wanted = [controller for controller in _KUBELET_CONTROLLERS if controller in offered]
    enabled = (root / "cgroup.subtree_control").read_text().split()
    lacking = [controller for controller in wanted if controller not in enabled]
    if lacking:
        _enable(root, name, lacking)
    group.mkdir(exist_ok=True)
    # The kubelet's own check reads what the group offers; its children are given the same.
    _enable(group, name, wanted)


def _enable(group: Path, name: str, controllers: list[str]) -> None:
    text = " ".join(f"+{controller}" for controller in controllers)
    try:
        (group / "cgroup.subtree_control").write_text(text)
    except OSError as error:
        # EBUSY: a group that is not the machine's real root (we are in a container) may have either processes or
        # controllers for its children. Containers move their processes into a child, as docker:dind and kind do.
        if error.errno != errno.EBUSY or not (group / "cgroup.type").exists():
            raise
        _move_processes(group, group / f"{name}-outside")
        (group / "cgroup.subtree_control").write_text(text)


def _move_processes(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for pid in (source / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError, OSError):  # ended meanwhile, or a kernel thread
            (target / "cgroup.procs").write_text(pid)


def remove(name: str, seconds: float = 60) -> list[Path]:
    """Removes the group everywhere, its children first; returns what could not be removed in time.

    Processes of a killed node take a moment to leave, and a group with processes stays.
    """
    # Beside version 1 hierarchies there may be a unified one without controllers, and runc makes groups there too.
    roots = hierarchies(_MOUNTS, "cgroup", "cgroup2")
    deadline = time.monotonic() + seconds
    while True:
        left = [root / name for root in roots if not _removed(root / name)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.05)


def _removed(group: Path) -> bool:
    if not group.exists():
        return True
    for folder in sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts)):
        with contextlib.suppress(OSError):
            folder.rmdir()
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()
