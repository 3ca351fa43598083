"""What can be done with the sandbox's stack: up, preview, refresh, destroy. Whatever goes wrong becomes a sentence."""

import contextlib
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, cast

from pulumi import automation

from sandbox.errors import SandboxError
from sandbox.pulumi.events import UNCHANGED, Counts, Step, Tell, Watch, name_of
from sandbox.pulumi.processes import end_left_plugins, find, is_running
from sandbox.pulumi.settings import StackConfig
from sandbox.pulumi.state import Pending, read_pending
from sandbox.pulumi.workspace import Workspace

Mend = Callable[[], list[str]]
Act = Callable[[], object]

DONE = {"create": "created", "update": "updated", "delete": "deleted", "replace": "replaced", "import": "imported"}
"""How the engine's words are told of what has been done; all others stay as they are."""
LOOK_EVERY = 0.2
_BROKEN_PLUGIN = re.compile(r"(?:could not read plugin \[|failed to load plugin )(?P<path>/[^\]:]+)\]?: (?P<reason>.+)")
_ENDED_TOKEN = "401 Bad credentials"
PLAIN = "never"
"""No colours in what the CLI writes."""


class PulumiError(SandboxError):
    """`pulumi` failed; its own words say at which resource."""


@dataclass(frozen=True)
class Run:
    """What an operation has done, or would do."""

    counts: Counts
    """How many resources, by the engine's words: `create`, `update`, `delete`, `replace`, `same`, …"""
    steps: tuple[Step, ...] = ()
    exports: dict[str, Any] = field(default_factory=dict[str, Any])
    """The stack's outputs, without secrets."""
    messages: tuple[str, ...] = ()
    """What a person is to know: of the program, of providers, of what was found of an interrupted run."""

    @property
    def total(self) -> int:
        """How many resources there are, or were."""
        return self.counts.total()

    @property
    def changed(self) -> int:
        """How many resources are not as they were."""
        return sum(count for operation, count in self.counts.items() if operation not in UNCHANGED)

    def __str__(self) -> str:
        if not self.changed:
            return f"nothing changed ({self.total} resources)"
        return self._told(DONE)

    def foreseen(self) -> str:
        """The same of a preview."""
        if not self.changed:
            return f"nothing would change ({self.total} resources)"
        return self._told({})

    def _told(self, words: Mapping[str, str]) -> str:
        unchanged = sum(count for operation, count in self.counts.items() if operation in UNCHANGED)
        told = [
            f"{count} {words.get(operation, f'to {operation}')}"
            for operation, count in self.counts.items()
            if operation not in UNCHANGED
        ]
        return ", ".join(told + [f"{unchanged} unchanged"] * bool(unchanged))


def prepare(place: Workspace, settings: StackConfig) -> None:
    """Makes the stack where there is none, and encrypts its secrets; it needs neither GitHub nor a cluster.

    Every operation does the same for itself. To make a stack and to derive its key takes a second, so `up` does it
    meanwhile.

    Raises:
        PulumiError: The CLI refused.
        SandboxError: The state is not one of this stack.
    """
    read_pending(place.state_file(settings), settings)
    with _explained("config", place, Watch()):
        place.open(settings)


def up(
    place: Workspace,
    settings: StackConfig,
    tell: Tell = lambda _text: None,
    *,
    adopting: Mapping[str, Any] | None = None,
    mend: Mend = list,
) -> Run:
    """`pulumi up` with a refresh, so that what was changed by hand is mended.

    What an interrupted run has left (its lock, its pending operations) is put right first, with a word about it.

    Args:
        place: Where the stack lives.
        settings: Its settings.
        tell: Is told what is being done.
        adopting: Settings on top for a run after one that was interrupted while it created something: whether that is
            there now only the program can find out, and it must not be created twice.
        mend: Puts right what an interrupted run has left outside of the state; returns a word about each thing.

    Raises:
        PulumiError: It failed.
        SandboxError: The state is not one of this stack, or another process works on it.
    """
    watch = Watch(tell)
    pending = read_pending(place.state_file(settings), settings)
    if any(item.is_creation for item in pending):
        place.interrupted.touch()  # until a run comes to its end: the next one may be interrupted, too
    looks = place.interrupted.exists() and adopting is not None
    first = replace(settings, values={**settings.values, **(adopting or {})}) if looks else settings
    with _explained("up", place, watch):
        stack = place.open(first, tell)
        _locked(place, stack, watch, pending, lambda: _refreshing(stack.up, watch), mend)
        counts = watch.counts.copy()
        place.interrupted.unlink(missing_ok=True)
        if looks:  # what it had created is the stack's now; the settings are to be those of every other run
            place.open(settings, tell).up(on_event=watch.event, color=PLAIN)
    gone = [f"{name_of(urn)} was gone, and was made again" for urn in watch.removed]
    return Run(counts, tuple(watch.steps), watch.exports, (*watch.found, *gone, *watch.messages))


def preview(place: Workspace, settings: StackConfig, tell: Tell = lambda _text: None, *, refresh: bool = False) -> Run:
    """What `up` would do; with a refresh also what has been changed by hand.

    Raises:
        PulumiError: The program cannot be deployed like this.
    """
    watch = Watch(tell)
    pending = read_pending(place.state_file(settings), settings)
    with _explained("preview", place, watch):
        stack = place.open(settings, tell, changing=False)
        if refresh:
            _refreshing(stack.preview, watch)
        else:
            stack.preview(on_event=watch.event, color=PLAIN)
    unfinished = [f"pending from an interrupted run: {item}" for item in pending]
    return Run(watch.counts, tuple(watch.steps), {}, (*unfinished, *watch.messages))


def refresh(place: Workspace, settings: StackConfig, tell: Tell = lambda _text: None) -> Run:
    """Looks at everything as it is now, and keeps it in the state.

    Raises:
        PulumiError: Something could not be looked at.
    """
    watch = Watch(tell)
    read_pending(place.state_file(settings), settings)
    with _explained("refresh", place, watch):
        stack = place.open(settings, tell)
        _locked(place, stack, watch, [], lambda: stack.refresh(on_event=watch.event, color=PLAIN), list)
    return Run(watch.counts, tuple(watch.steps), {}, (*watch.found, *watch.messages))


def destroy(place: Workspace, settings: StackConfig, tell: Tell = lambda _text: None, *, mend: Mend = list) -> Run:
    """Removes what the stack may remove: repositories stay, by their own options.

    Raises:
        PulumiError: Something could not be removed.
    """
    watch = Watch(tell)
    pending = read_pending(place.state_file(settings), settings)
    with _explained("destroy", place, watch):
        stack = place.open(settings, tell)
        _locked(place, stack, watch, pending, lambda: stack.destroy(on_event=watch.event, color=PLAIN), mend)
    return Run(watch.counts, tuple(watch.steps), {}, (*watch.found, *watch.messages))


def execute(place: Workspace, settings: StackConfig, words: Sequence[str]) -> NoReturn:
    """Becomes the CLI, as a person uses it; see `Workspace.execute`.

    Raises:
        SandboxError: The state is not one of this stack, its secrets cannot be read, or the words are refused.
    """
    read_pending(place.state_file(settings), settings)
    with _explained(" ".join(words[:1]), place, Watch()):
        place.execute(settings, words)


def _refreshing(act: Callable[..., object], watch: Watch) -> None:
    """Does something with a refresh: by the providers of the state, or by the program's where a token of theirs ended.

    The program's are not taken at once, because that takes another run of it.
    """
    try:
        act(refresh=True, on_event=watch.event, color=PLAIN)
    except automation.CommandError as error:
        if _ENDED_TOKEN not in watch.failure(str(error)):
            raise
        watch.begin_again()
        act(refresh=True, run_program=True, on_event=watch.event, color=PLAIN)


def _locked(
    place: Workspace,
    stack: automation.Stack,
    watch: Watch,
    pending: list[Pending],
    act: Callable[[], object],
    mend: Mend,
) -> None:
    """Does something under the stack's lock, after what an interrupted run has left of itself is put right.

    A word about each thing that was put right goes to what was found.
    """
    _wait_for_orphans(place, watch)
    while True:
        try:
            watch.found += _settle(stack, pending)
            if not any(process.is_cli for process in find(place.home)):
                watch.found += mend()
            act()
        except automation.ConcurrentUpdateError as error:
            # A job of a workflow has numbers of its own for its processes, and writes them into the lock.
            jobs = [process.pid for process in find(place.home) if process.is_cli and process.is_of_job]
            holders = [int(pid) for pid in re.findall(r"\(pid (\d+)\)", str(error))]
            watch.found.append(_take_lock(stack, jobs or holders))
        else:
            return


def _wait_for_orphans(place: Workspace, watch: Watch) -> None:
    """Waits for a CLI that outlives what ran it, which was told to end; ends plugins that outlive their CLI."""
    orphans = [process.pid for process in find(place.home) if process.is_orphan]
    if orphans:
        told = ", ".join(map(str, orphans))
        watch.tell(f"waiting for process {told} of an interrupted run to finish what it has begun")
        while any(process.pid in orphans for process in find(place.home)):
            time.sleep(LOOK_EVERY)
        watch.found.append(f"process {told} of an interrupted run finished what it had begun")
    if count := end_left_plugins(place.home):
        watch.found.append(f"plugins of an interrupted run that still ran were ended: {count}")


def _settle(stack: automation.Stack, pending: list[Pending]) -> list[str]:
    """Takes pending operations out of the state; what they have done is found by the refresh that follows."""
    if not pending:
        return []
    exported = stack.export_stack()
    deployment = dict(cast("dict[str, Any]", exported.deployment))
    deployment.pop("pending_operations", None)
    stack.import_stack(automation.Deployment(version=exported.version, deployment=deployment))
    found = [f"an interrupted run had begun and not ended: {item}; done again" for item in pending]
    pending.clear()
    return found


def _take_lock(stack: automation.Stack, holders: list[int]) -> str:
    """Takes the lock from a process that is gone.

    Raises:
        PulumiError: It is alive.
    """
    told = ", ".join(map(str, holders)) or "unknown"
    if not holders or any(is_running(holder) for holder in holders):
        raise PulumiError(f"process {told} works on this stack; wait for it to end, or end it, and try again")
    stack.cancel()
    return f"the lock of process {told}, which is gone, was taken over"


@contextlib.contextmanager
def _explained(what: str, place: Workspace, watch: Watch) -> Generator[None]:
    try:
        yield
    except automation.CommandError as error:
        words = watch.failure(str(error))
        # Not `from error`: that has all that the command has written, a line for each resource that was looked at.
        before = "".join(f"\nbefore that, {text}" for text in watch.found)
        raise PulumiError(f"pulumi {what} failed: {_remedied(words, place)}{before}") from None
    except OSError as error:
        raise PulumiError(f"pulumi {what}: {place.cli} could not be run: {error.strerror or error}") from error


def _remedied(words: str, place: Workspace) -> str:
    """What the CLI said, with what helps where it is known."""
    if "incorrect passphrase" in words:
        return (
            f"{place.passphrase}: not the passphrase that the secrets of this stack are encrypted with; put that one "
            "back, or start again with `make down` and `make up`"
        )
    if found := _BROKEN_PLUGIN.search(words):
        return (
            f"{found['path']}: the plugin does not start: {found['reason']}; remove it, so that `make up` puts another "
            "one in its place"
        )
    if "unreachable cluster" in words or "cluster is unreachable" in words:
        # The same is said of each resource in it.
        first = words.partition("\n")[0]
        return f"{first}; if the cluster is gone for good, docs/destroy.md says how to destroy without it"
    return words
