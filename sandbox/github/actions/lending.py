"""What one repository's jobs have of this machine beside tools, as a self-hosted runner of its own would have it.

A state of Pulumi that is a file, the CLI with its plugins: jobs of the named environments see them, and no other job
does. Installed programs and packages are no secret: every job of the repository sees those, a fork's too.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

WRITER = "writer"


@dataclass(frozen=True)
class Lent:
    """What jobs of one repository see of this machine."""

    repository: str
    """`owner/name`."""
    environments: dict[str, str]
    """Name → `reader` or `writer`: what its jobs may do in `state`."""
    state: Path | None
    """Read by jobs of these environments; owned by a writer's job while it runs."""
    folders: tuple[Path, ...]
    """Read by jobs of these environments."""
    tools: Path | None
    """Comes first on their PATH."""
    packages: Path
    """A virtual environment that every job of the repository reads."""
    programs: Path
    """Comes on the PATH of every job, after `tools`."""

    def document(self) -> dict[str, Any]:
        """As in the file that tells the server of it."""
        return {
            "repository": self.repository,
            "environments": self.environments,
            "state": str(self.state),
            "folders": [str(folder) for folder in self.folders],
            "tools": str(self.tools),
            "packages": str(self.packages),
            "programs": str(self.programs),
        }

    def installed_alone(self) -> "Lent":
        """What jobs of other environments, and of none, see."""
        return replace(self, environments={}, state=None, folders=(), tools=None)

    def places(self) -> list[Path]:
        """Everything that the jobs see."""
        return [*filter(None, (self.state, self.tools)), *self.folders, self.packages, self.programs]

    @property
    def path(self) -> list[str]:
        """What comes first on the jobs' PATH."""
        return [*([str(self.tools)] if self.tools else []), str(self.programs)]

    @property
    def variables(self) -> dict[str, str]:
        """Where the stand-in of `actions/setup-python` looks for packages."""
        return {"SLIPWAY_SANDBOX_PACKAGES": str(self.packages)}

    def writes(self, environment: str) -> bool:
        """Whether jobs of an environment may change the state."""
        return self.environments.get(environment) == WRITER


def read(path: Path | None) -> Lent | None:
    """What the file says; None without one."""
    if path is None or not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Lent(
        repository=document["repository"],
        environments=document["environments"],
        state=Path(document["state"]),
        folders=tuple(Path(folder) for folder in document["folders"]),
        tools=Path(document["tools"]),
        packages=Path(document["packages"]),
        programs=Path(document["programs"]),
    )


def hand_over(folder: Path, owner: int) -> None:
    """Makes a folder and all that is in it somebody's; a file that goes away meanwhile is left out."""
    for path in _all(folder):
        try:
            os.chown(path, owner, owner, follow_symlinks=False)
        except FileNotFoundError:
            continue


def _all(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")
