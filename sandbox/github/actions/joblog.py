"""The log of one job: what `act` reports line by line, written down as GitHub writes it, secrets masked."""

import datetime
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from sandbox.github.actions.jobfile import RESULTS_STEP
from sandbox.github.actions.masking import Masker
from sandbox.github.actions.shapes import is_mapping
from sandbox.github.core.clock import now

Document = dict[str, Any]

_SILENT = frozenset({"set-output", "set-env", "add-path", "save-state", "add-matcher", "debug", "ignored"})
"""Commands of which GitHub's logs show nothing."""


_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b\x0c\x0e-\x1f]|[^\n]*\r(?!\n)(?=[^\n])")
"""What programs write to a terminal only: `act` gives one to every step, GitHub's runner does not."""

_EXIT = re.compile(r"exit status (\d+)$")


@dataclass
class JobLog:
    """Takes the output of `act --json` and keeps log, steps and summary of a job.

    What a failed step printed may arrive after the next step began; the finished log is in order.
    """

    path: Path
    masker: Masker
    steps: list[Document] = field(default_factory=list[Document])
    """Steps as the jobs API shows them."""
    result: str | None = None
    """What `act` says of the job: `success` or `failure`."""
    _file: IO[str] | None = None
    _lines: list[tuple[int, bool, str]] = field(default_factory=list[tuple[int, bool, str]])
    """Place among the steps, whether it closes the step, text."""
    _places: dict[str, int] = field(default_factory=dict[str, int])
    _shown: dict[str, int] = field(default_factory=dict[str, int])
    _headers: dict[int, str] = field(default_factory=dict[int, str])
    """Headers of steps that have said nothing yet."""
    _last_error: tuple[int | None, str] | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.with_suffix(".md").unlink(missing_ok=True)
        self._file = self.path.open("w", encoding="utf-8", errors="replace")
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is None:
            return
        self._file.close()
        ordered = sorted(self._lines, key=lambda line: line[:2])
        if ordered != self._lines:
            with self.path.open("w", encoding="utf-8", errors="replace") as file:
                file.writelines(text for _, _, text in ordered)

    def write(self, text: str, place: int | None = None, *, closes: bool = False) -> None:
        """Adds lines, each with the present time in front; without a place behind everything so far."""
        if self._file is None:
            return
        moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
        place = len(self._places) if place is None else place
        self._write_header(place)
        for line in self.masker.mask(_CONTROL.sub("", text.rstrip("\r\n"))).splitlines() or [""]:
            self._lines.append((place, closes, f"{moment} {line}\n"))
            self._file.write(self._lines[-1][2])
        self._file.flush()

    def error(self, text: str) -> None:
        """Adds an error behind everything so far."""
        self.write(f"##[error]{text}", closes=True)

    def take(self, line: str) -> None:
        """Takes one line of `act`'s output."""
        try:
            entry: Any = json.loads(line)
        except ValueError:
            entry = None
        if not is_mapping(entry):
            if not line.startswith("Error: Job '"):
                self.write(line)
            return
        report: Document = entry
        if report.get("jobResult"):
            self.result = report["jobResult"]
        if (report.get("stepID") or [""])[0] == RESULTS_STEP:
            return
        command = report.get("command")
        if command == "add-mask":
            self.masker.add(str(report.get("arg") or ""))
        elif command == "summary":
            self._summarise(str(report.get("content") or ""))
        elif command:
            if command not in _SILENT:
                self.write(f"##[{command}]{report.get('arg') or ''}", self._place(report))
        elif report.get("raw_output"):
            self.write(str(report.get("msg", "")), self._place(report))
        else:
            self._narrate(report)

    def _place(self, report: Document) -> int | None:
        if "stage" not in report or not report.get("stepID"):
            return None
        return self._places.setdefault(self._key(report), len(self._places) + 1)

    def _narrate(self, report: Document) -> None:
        """Steps that begin and end, and errors; the rest is `act` talking to itself."""
        message = str(report.get("msg", "")).strip()
        place = self._place(report)
        if message.startswith("\u2b50 Run ") and place:
            self._begin(report, place)
        elif report.get("stepResult") and place:
            self._end(report)
        elif report.get("level") in ("error", "fatal"):
            message = _EXIT.sub(r"Process completed with exit code \1.", message.removeprefix("Error: "))
            # Said again by everything around the step.
            if (place, message) != self._last_error:
                self._last_error = (place, message)
                self.write(f"##[error]{message}", place, closes=True)
        elif report.get("level") == "warning" and place:
            self.write(f"##[warning]{message}", place)

    def _begin(self, report: Document, place: int) -> None:
        """Heads what follows with the step's name; steps within a composite action are part of it."""
        if len(report["stepID"]) == 1 and self._key(report) not in self._shown:
            step = self._step(report)
            first = (step["name"].splitlines() or [""])[0]
            header = first if first.startswith("Run ") else f"Run {first}"
            # Most steps have nothing to do afterwards, and `act` goes through them all the same.
            self._headers[place] = f"##[group]{header}"
            if report["stage"] == "Main":
                self._write_header(place)

    def _write_header(self, place: int) -> None:
        if header := self._headers.pop(place, None):
            self.write(header, place)
            self.write("##[endgroup]", place)

    def _end(self, report: Document) -> None:
        if len(report["stepID"]) == 1 and (report["stage"] == "Main" or self._key(report) in self._shown):
            self._step(report).update(status="completed", conclusion=report["stepResult"], completed_at=now())

    def _step(self, report: Document) -> Document:
        """The step of a report, added if it is new."""
        key = self._key(report)
        if key not in self._shown:
            prefix = {"Pre": "Pre ", "Post": "Post "}.get(str(report["stage"]), "")
            self._shown[key] = len(self.steps)
            self.steps.append(
                {
                    "name": self.masker.mask(prefix + str(report.get("step", ""))),
                    "status": "in_progress",
                    "conclusion": None,
                    "number": len(self.steps) + 1,
                    "started_at": now(),
                    "completed_at": None,
                }
            )
        return self.steps[self._shown[key]]

    def close_steps(self, expected: list[tuple[str, str]]) -> None:
        """Completes the list of steps: what still runs was cancelled, what never began was skipped.

        Args:
            expected: Ids and names of the job's steps.
        """
        for step in self.steps:
            if step["status"] != "completed":
                step |= {"status": "completed", "conclusion": "cancelled", "completed_at": step["started_at"]}
        # `act` says nothing of a step that it skips.
        keys = {index: key for key, index in self._shown.items()}
        by_key = {keys[index]: step for index, step in enumerate(self.steps)}
        mains = [by_key.get(f"Main/{one}") or _skipped(self.masker.mask(name)) for one, name in expected]
        before = [step for key, step in by_key.items() if key.startswith("Pre/")]
        after = [step for key, step in by_key.items() if key.startswith("Post/")]
        self.steps = [step | {"number": number} for number, step in enumerate([*before, *mains, *after], 1)]

    def _key(self, report: Document) -> str:
        return f"{report['stage']}/{report['stepID'][0]}"

    def _summarise(self, content: str) -> None:
        with self.path.with_suffix(".md").open("a", encoding="utf-8") as file:
            file.write(self.masker.mask(content).rstrip("\n") + "\n")


def _skipped(name: str) -> Document:
    return {"name": name, "status": "completed", "conclusion": "skipped", "started_at": now(), "completed_at": now()}
