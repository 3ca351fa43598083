"""Whether this clone of the platform repository has what was deployed last; an older one would take it back.

Nothing is asked of a network. Where the program is not at the top of a clone, or the clone is shallow and lacks what it
takes, nothing is known and nothing said.
"""

import subprocess
from pathlib import Path

from stacks.problems import NAMESPACE


def commit_of(root: Path) -> str:
    """The commit that a clone is at; empty where the folder is not the top of one."""
    top, _, commit = (_git(root, "rev-parse", "--show-toplevel", "HEAD") or "").rpartition("\n")
    return commit if top and Path(top).resolve() == root.resolve() else ""


def older_commit(last: str, root: Path, *, allowed: bool) -> str:
    """Why the settings of this clone may not be deployed; empty where they may.

    Args:
        last: the commit that was deployed last; empty where that is not known.
        root: the clone.
        allowed: whether the settings permit an older one.
    """
    here = commit_of(root)
    if not last or not here or allowed or here == last or not _has(root, here, last):
        return ""
    return (
        f"commit: {last[:12]} was deployed last, and this clone is at {here[:12]}, which comes before it; merge the"
        f" platform repository's main (`git pull`), or set `{NAMESPACE}:downgrade: true` for one `pulumi up`"
    )


def missing_commit(last: str, root: Path) -> str:
    """What to know where this clone does not have what was deployed last; empty where it has it."""
    here = commit_of(root)
    if not last or not here or _has(root, last, here) or _has(root, here, last):
        return ""
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        return ""
    return (
        f"commit {last[:12]} was deployed last, and this clone at {here[:12]} does not have it: what came with it is"
        " taken back, unless it is here otherwise; `git pull` brings the platform repository's main"
    )


def _has(root: Path, older: str, newer: str) -> bool:
    """Whether one commit is the other, or comes before it."""
    return _git(root, "merge-base", "--is-ancestor", older, newer) is not None


def _git(root: Path, *words: str) -> str | None:
    """What git says; None where it says no, or is not there."""
    # A partial clone would fetch a commit that it lacks.
    command = ["git", "-c", "protocol.allow=never", "-C", str(root), *words]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return ran.stdout.strip() if ran.returncode == 0 else None
