"""What one repository's jobs have of this machine beside tools, as a self-hosted runner of its own would have it.

A state of Pulumi that is a file, the CLI with its plugins, installed packages: jobs of the named environments see them,
and no other job does.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITER = "writer"


@dataclass(frozen=True)
class Lent:
    """Folders that jobs of one repository's environments see."""

    repository: str
    """`owner/name`."""
    environments: dict[str, str]
    """Name → `reader` or `writer`: what its jobs may do in `state`."""
    state: Path
    """Read by all of these jobs; owned by a writer's job while it runs."""
    folders: tuple[Path, ...]
    """Read by all of these jobs."""
    tools: Path
    """Comes first on their PATH."""
    variables: dict[str, str]

    def document(self) -> dict[str, Any]:
        """As in the file that tells the server of it."""
        return {
            "repository": self.repository,
            "environments": self.environments,
            "state": str(self.state),
            "folders": [str(folder) for folder in self.folders],
            "tools": str(self.tools),
            "variables": self.variables,
        }

    def places(self) -> list[Path]:
        """Everything that these jobs see."""
        return [self.state, *self.folders, self.tools]

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
        variables=document["variables"],
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
