"""What the engine of `pulumi` tells while it works: what it does right now, what it has done, and what went wrong."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from pulumi.automation import EngineEvent
from pulumi.automation.events import DiagnosticEvent, StepEventMetadata, SummaryEvent

Tell = Callable[[str], None]
Counts = Counter[str]

STACK_TYPE = "pulumi:pulumi:Stack"
UNCHANGED = frozenset({"same", "read", "refresh"})
ECHOES = re.compile(
    r"^(update|preview|refresh|destroy|resource \S+ update) failed$|registering resource .* failed"
    r"|^Resource monitor has terminated"
)
"""What the engine says of a stack because something else in it failed."""
_AMBIENT = re.compile(r"^using pulumi-\S+ from \$PATH")
"""Its word about each plugin that this machine has, which is what was asked for."""

_SECRET = "4dabf18193072939515e22adb298388d"
"""The key of an object that stands for a value which JSON has not, here always a secret."""


@dataclass(frozen=True)
class Step:
    """What is done to one resource."""

    operation: str
    """The engine's word: `create`, `update`, `delete`, `replace`, `create-replacement`, …"""
    urn: str
    differing: tuple[str, ...] = ()
    """The inputs that make the difference."""
    protect: bool = False
    retain_on_delete: bool = False
    parent: str = ""

    @property
    def name(self) -> str:
        return name_of(self.urn)

    @property
    def type(self) -> str:
        return type_of(self.urn)


@dataclass
class Watch:
    """Follows the events of one operation."""

    tell: Tell = lambda _text: None
    """Is told what is being done."""
    counts: Counts = field(default_factory=Counts)
    """How many resources, by operation."""
    exports: dict[str, Any] = field(default_factory=dict[str, Any])
    """The stack's outputs; secrets are `[secret]`."""
    steps: list[Step] = field(default_factory=list[Step])
    """All steps, in the order in which they began."""
    removed: list[str] = field(default_factory=list[str])
    """The URNs of what a refresh did not find any more."""
    found: list[str] = field(default_factory=list[str])
    """What an interrupted run had left, and what became of it."""
    messages: list[str] = field(default_factory=list[str])
    """What the program said with `pulumi.log`, and warnings of providers."""
    _running: dict[str, str] = field(default_factory=dict[str, str])
    _errors: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def event(self, event: EngineEvent) -> None:
        """Takes one event."""
        if started := event.resource_pre_event:
            self._start(started.metadata)
        elif ended := event.res_outputs_event or event.res_op_failed_event:
            self._end(ended.metadata)
        elif said := event.diagnostic_event:
            self._hear(said)
        elif event.prelude_event:
            self.counts.clear()  # an older CLI refreshes first, as an operation of its own
        elif event.summary_event:
            self._count(event.summary_event)

    def begin_again(self) -> None:
        """Forgets what went wrong, and what was done before it did."""
        self._errors.clear()
        self._running.clear()
        self.steps.clear()
        self.counts.clear()

    def failure(self, output: str) -> str:
        """Each resource that failed, and why, in the words of its provider.

        Args:
            output: What the command wrote, for what goes wrong outside of any operation.
        """
        told = [
            f"{name_of(urn)} ({type_of(urn)}): {text}" if urn and type_of(urn) != STACK_TYPE else text
            for urn, texts in self._errors.items()
            for text in texts
        ]
        causes = [text for text in told if not ECHOES.search(text)]
        return "\n".join(causes or told) or _last_words(output)

    def _start(self, step: StepEventMetadata) -> None:
        operation = _word(step.op)
        state = step.new or step.old
        differing = tuple(step.detailed_diff or step.diffs or ())
        self.steps.append(
            Step(
                operation,
                step.urn,
                differing,
                bool(state and state.protect),
                bool(state and state.retain_on_delete),
                state.parent if state else "",
            )
        )
        if operation not in UNCHANGED:
            self._running[step.urn] = ""
            self._say()

    def _end(self, step: StepEventMetadata) -> None:
        if _word(step.op) == "refresh" and step.old and not step.new:
            self.removed.append(step.urn)
        if step.new and type_of(step.urn) == STACK_TYPE:
            self.exports = {name: _shown(value) for name, value in (step.new.outputs or {}).items()}
        if self._running.pop(step.urn, None) is not None:
            self._say()

    def _hear(self, said: DiagnosticEvent) -> None:
        text, urn = plain(said.message), said.urn or ""
        if not text:
            return
        if said.severity == "error":
            texts = self._errors.setdefault(urn, [])
            if text not in texts:
                texts.append(text)
        elif said.ephemeral:
            if urn in self._running:
                self._running[urn] = text
                self._say()
        elif said.severity in {"info", "warning"} and not _AMBIENT.match(text):
            about = f"{name_of(urn)}: {text}" if urn and type_of(urn) != STACK_TYPE else text
            if about not in self.messages:
                self.messages.append(about)

    def _count(self, summary: SummaryEvent) -> None:
        for operation, count in (summary.resource_changes or {}).items():
            self.counts[_word(operation)] += count

    def _say(self) -> None:
        shown = [f"{name_of(urn)} {text}".strip() for urn, text in list(self._running.items())]
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        if shown:
            self.tell(", ".join(shown[:3]) + more)


def _shown(output: Any) -> Any:
    """An output without what is secret in it; the engine has left its text out, and marks the place."""
    if isinstance(output, list):
        return [_shown(item) for item in cast("list[Any]", output)]
    if not isinstance(output, dict):
        return output
    fields = cast("dict[str, Any]", output)
    return "[secret]" if _SECRET in fields else {name: _shown(value) for name, value in fields.items()}


def name_of(urn: str) -> str:
    """The logical name at the end of a URN."""
    return urn.rpartition("::")[2]


def type_of(urn: str) -> str:
    """The resource's own type, without those of its parents."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > 3 else ""


def plain(message: str) -> str:
    """A message without marks of colour; of a traceback only what it says at its end."""
    text = re.sub(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m", "", message).strip()
    if "Traceback (most recent call last)" in text:
        return f"the program failed: {text.splitlines()[-1].strip()}"
    return text


def _word(operation: object) -> str:
    """The Automation API hands out plain words where it declares members of an enum."""
    return str(getattr(operation, "value", operation))


def _last_words(output: str) -> str:
    """What a command said of its failure; the Automation API gives its two streams in one text."""
    _, _, errors = output.rpartition("\n stderr:")
    text = plain(errors or output) or plain(output)
    return text.removeprefix("error: ")
