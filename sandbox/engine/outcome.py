"""What became of a resource, and how a failing one is named."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sandbox.errors import SandboxError


class Outcome(StrEnum):
    """What the deployment had to do for one resource."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Applied:
    """A resource as it now is."""

    id: str
    outputs: dict[str, Any]
    outcome: Outcome = Outcome.UNCHANGED


class ApplyError(SandboxError):
    """Why a resource could not be applied, before it is known which one it is."""


class ResourceError(SandboxError):
    """A resource that failed, by its name and type."""

    def __init__(self, name: str, kind: str, reason: str) -> None:
        super().__init__(f"{name} ({kind}): {reason}")
        self.resource: str = name


class ProgramError(SandboxError):
    """The program itself, or its settings, are wrong; nothing was applied by the part that is."""


@dataclass
class Tally:
    """How many resources were created, updated and left as they were."""

    counts: Counter[Outcome] = field(default_factory=Counter[Outcome])

    @property
    def total(self) -> int:
        return self.counts.total()

    @property
    def changed(self) -> int:
        return self.total - self.counts[Outcome.UNCHANGED]

    def __str__(self) -> str:
        if not self.changed:
            return f"nothing changed ({self.total} resources)"
        return ", ".join(f"{self.counts[outcome]} {outcome}" for outcome in Outcome if self.counts[outcome])
