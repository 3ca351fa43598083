"""What the decisions about runs work with, and what they may ask of the engine that makes them."""

from abc import ABC, abstractmethod
from typing import Any

from sandbox.github.actions.concurrency import Claim, Holder
from sandbox.github.actions.decisions import Decisions
from sandbox.github.actions.host import Host
from sandbox.github.actions.runs import Runs
from sandbox.github.actions.scopes import Scopes
from sandbox.github.actions.sources import Sources
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document


class Parts:
    """The runs of a forge, the workflows that they are made from, and the machine that their jobs run on."""

    def __init__(self, forge: Forge, host: Host | None = None) -> None:
        self.forge = forge
        self.directory = forge.directory / "actions"
        self.host = host or Host(forge.directory)
        self.runs = Runs(forge)
        self.scopes = Scopes(forge)
        self.sources = Sources(forge, self.directory / "repositories")

    def note(self, job: Document, **changes: Any) -> Document:
        """Changes a job's document."""
        return self.runs.update_job(job, lambda kept: kept.update(changes))


class Control(Parts, ABC):
    """The parts together with what decisions set going. The engine is what implements it."""

    def __init__(self, forge: Forge, host: Host | None = None) -> None:
        super().__init__(forge, host)
        self.decisions = Decisions()

    @abstractmethod
    def acquire(self, holder: Holder, wanted: Claim) -> bool:
        """Asks for a turn in a concurrency group and cancels the runs that it replaces."""

    @abstractmethod
    def release(self, repository_id: int, holder: Holder) -> None:
        """Gives a turn back, and lets the next one go on."""

    @abstractmethod
    def has_turn(self, run: Document) -> bool:
        """Whether a run may go on, as far as its concurrency group is concerned."""

    @abstractmethod
    def advance(self, repository_id: int, run_id: int) -> None:
        """Takes every decision about a run that can be taken now."""

    @abstractmethod
    def execute(self, run: Document, job: Document) -> None:
        """Hands a job to a worker."""

    @abstractmethod
    def cancel_job(self, repository_id: int, job_id: int) -> None:
        """Cancels one job; of a calling job, everything within it."""

    @abstractmethod
    def say(self, job: Document, message: str) -> None:
        """Puts an error into the log of a job that never started."""

    @abstractmethod
    def started(self, job: Document) -> bool:
        """Notes that a job is at work, on the worker's thread; says no if it was ended before."""

    @abstractmethod
    def must_stop(self, job: Document) -> bool:
        """Whether a job was cancelled while its worker prepared it."""
