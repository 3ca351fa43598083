"""The workflow run around this program: its inputs, its summary, its annotations.

Everything comes in through environment variables and nothing is ever put together as shell. What
goes out is escaped, because versions, reasons and messages may hold other people's text.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sys
from pathlib import Path

from slipway_release.errors import RefusedError


def variable(name: str) -> str:
    """An environment variable that must be set."""
    value = os.environ.get(name, "")
    if not value:
        raise RefusedError(f"{name}: not set; this command is meant to be run by its workflow")
    return value


def optional(name: str, default: str = "") -> str:
    return os.environ.get(name) or default


def run_url() -> str:
    """Where this run can be looked at; empty outside of a workflow."""
    server, repository, run = optional("GITHUB_SERVER_URL"), optional("GITHUB_REPOSITORY"), optional("GITHUB_RUN_ID")
    return f"{server.rstrip('/')}/{repository}/actions/runs/{run}" if server and repository and run else ""


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def timestamp(moment: dt.datetime | None = None) -> str:
    """A moment (default: this one) as the ledger writes it."""
    return (moment or now()).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def days_ago(days: int) -> dt.datetime:
    """That many days before now."""
    return now() - dt.timedelta(days=days)


def moment(text: str) -> dt.datetime:
    """Read an ISO 8601 time."""
    return dt.datetime.fromisoformat(text)


def output(name: str, value: str) -> None:
    """Set an output of the step. The delimiter is random, so a value cannot end itself."""
    path = optional("GITHUB_OUTPUT")
    if not path:
        print(f"{name}={value}")
        return
    delimiter = secrets.token_hex(16)
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def summary(markdown: str) -> None:
    """Add to what the run's page shows."""
    path = optional("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(markdown.rstrip() + "\n\n")


def say(text: str) -> None:
    """A line of the log. It is never a workflow command, whatever the text holds."""
    for line in text.splitlines() or [""]:
        # The runner takes `::` after blanks too, and `##[` wherever it stands.
        shown = f"| {line}" if line.lstrip().startswith("::") else line
        print(shown.replace("##[", "## ["), flush=True)


def notice(text: str) -> None:
    _annotate("notice", text)


def warning(text: str) -> None:
    _annotate("warning", text)


def error(text: str) -> None:
    _annotate("error", text)


def _annotate(level: str, text: str) -> None:
    if optional("GITHUB_ACTIONS") == "true":
        escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::{level}::{escaped}", flush=True)
    else:
        print(f"{level}: {text}", file=sys.stderr, flush=True)
