"""Concurrency groups: who runs, who waits, who has to go. Kept in memory; rebuilt from the runs after a restart."""

from dataclasses import dataclass, field

from sandbox.github.actions.shapes import is_mapping
from sandbox.github.actions.workflow import Mapping, WorkflowError

MOST_PENDING = 100
"""Holders that wait at most under `queue: max`."""

Holder = tuple[str, int]
"""(`run` or `job`, id)."""


@dataclass(frozen=True)
class Claim:
    """What a run or a job asks for."""

    repository_id: int
    group: str
    cancel_in_progress: bool = False
    queue: bool = False
    """`queue: max`: each waits for its turn, none is replaced."""

    @property
    def key(self) -> tuple[int, str]:
        """Groups are per repository, and ignore case."""
        return (self.repository_id, self.group.lower())

    def document(self) -> Mapping:
        return {"group": self.group, "cancel_in_progress": self.cancel_in_progress, "queue": self.queue}


def claim(repository_id: int, value: object) -> Claim | None:
    """A claim from an evaluated `concurrency` key, or from its `document`.

    Raises:
        WorkflowError: the key is not written as it must be.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return Claim(repository_id, value)
    if not is_mapping(value) or "group" not in value:
        raise WorkflowError("concurrency: give a group, or a mapping with 'group'")
    settings: Mapping = value
    queue = settings.get("queue", "single")
    cancel = settings.get("cancel-in-progress", settings.get("cancel_in_progress", False))
    if queue not in ("single", "max", True, False):
        raise WorkflowError(f"concurrency.queue: Unexpected value '{queue}'; give single or max")
    if queue == "max" and cancel in (True, "true"):
        raise WorkflowError("concurrency: 'queue: max' and 'cancel-in-progress: true' exclude each other")
    group = settings["group"]
    if group in (None, ""):
        return None
    return Claim(repository_id, str(group), cancel in (True, "true"), queue in ("max", True))


@dataclass
class _Group:
    running: Holder | None = None
    pending: list[Holder] = field(default_factory=list[Holder])


class Concurrency:
    """All groups. For one thread at a time."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, str], _Group] = {}
        self._claims: dict[Holder, Claim] = {}

    def acquire(self, holder: Holder, claim: Claim) -> tuple[bool, list[Holder]]:
        """Asks for a turn; asking again changes nothing.

        Returns:
            Whether the holder may run now, and who has to be cancelled because of it.
        """
        group = self._groups.setdefault(claim.key, _Group())
        if holder in self._claims:
            return group.running == holder, []
        self._claims[holder] = claim
        if group.running is None:
            group.running = holder
            return True, []
        removed: list[Holder] = []
        if claim.queue:
            if len(group.pending) >= MOST_PENDING:
                return False, [holder]
        else:
            removed += group.pending
            if claim.cancel_in_progress:
                removed.append(group.running)
        group.pending.append(holder)
        return False, removed

    def release(self, holder: Holder) -> Holder | None:
        """Gives the turn, or the place in the queue, back; answers whose turn it is now, if that changed."""
        claim = self._claims.pop(holder, None)
        if claim is None:
            return None
        group = self._groups[claim.key]
        if holder in group.pending:
            group.pending.remove(holder)
            return None
        if group.running != holder:
            return None
        group.running = group.pending.pop(0) if group.pending else None
        if group.running is None:
            del self._groups[claim.key]
        return group.running
