"""What the engine of `pulumi` tells while it works: what it does right now, and what went wrong."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pulumi.automation import EngineEvent

Tell = Callable[[str], None]

STACK_TYPE = "pulumi:pulumi:Stack"
QUIET = {"same", "read", "refresh"}
ECHOES = re.compile(r"^(update|preview|refresh|destroy|resource \S+ update) failed$|registering resource .* failed")
"""What the engine says of a stack because something else in it failed."""


@dataclass
class Watch:
    """Follows the events of one operation."""

    tell: Tell = lambda _text: None
    """Is told what is being done."""
    _running: dict[str, str] = field(default_factory=dict[str, str])
    _errors: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def event(self, event: EngineEvent) -> None:
        """Takes one event."""
        if started := event.resource_pre_event:
            operation = str(getattr(started.metadata.op, "value", started.metadata.op))
            if operation not in QUIET:
                self._running[started.metadata.urn] = _name(started.metadata.urn)
                self._say()
        elif ended := event.res_outputs_event or event.res_op_failed_event:
            if self._running.pop(ended.metadata.urn, None):
                self._say()
        elif (said := event.diagnostic_event) and said.severity == "error":
            text = _plain(said.message)
            texts = self._errors.setdefault(said.urn or "", [])
            if text and text not in texts:
                texts.append(text)

    def failure(self, output: str) -> str:
        """Each resource that failed, and why, in the words of its provider.

        Args:
            output: What the command wrote, for what goes wrong outside of any operation.
        """
        told = [
            f"{_name(urn)} ({_type(urn)}): {text}" if urn and _type(urn) != STACK_TYPE else text
            for urn, texts in self._errors.items()
            for text in texts
        ]
        causes = [text for text in told if not ECHOES.search(text)]
        return "\n".join(causes or told) or _last_words(output)

    def _say(self) -> None:
        shown = list(self._running.values())
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        if shown:
            self.tell(", ".join(shown[:3]) + more)


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


def _type(urn: str) -> str:
    """The resource's own type, without those of its parents."""
    parts = urn.split("::")
    return parts[2].rpartition("$")[2] if len(parts) > 3 else ""


def _plain(message: str) -> str:
    """A message without marks of colour; of a traceback only what it says at its end."""
    text = re.sub(r"<\{%[^%]*%\}>|\x1b\[[0-9;]*m", "", message).strip()
    if "Traceback (most recent call last)" in text:
        return f"the program failed: {text.splitlines()[-1].strip()}"
    return text


def _last_words(output: str) -> str:
    """What a command said of its failure; the Automation API gives its two streams in one text."""
    _, _, errors = output.rpartition("\n stderr:")
    text = _plain(errors or output) or _plain(output)
    return text.removeprefix("error: ")
