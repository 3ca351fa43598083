"""Freezes: for a while nothing is promoted to an environment. Who set one, when and why stands in Git."""

from __future__ import annotations

import json

from slipway_release import fields, layout, limits, workflow
from slipway_release.contents import ConflictError, Contents
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.platform_types import MAIN, Environment


def reason(contents: Contents, environment: Environment) -> str | None:
    """Why nothing is promoted to an environment at the moment, and who says so; None where it is not frozen."""
    path = layout.freeze_path(environment.name)
    try:
        found = contents.read(path, MAIN)
        if found is None:
            return None
        document = fields.document(json.loads(found.content), path)
        return f"{fields.text(document, 'reason', path)} ({fields.text(document, 'by', path)})"
    except ApiError:
        raise
    except (ValueError, RecursionError, RefusedError):
        # A file that cannot be read does not let releases in.
        return f"{path} cannot be read; end the freeze with the workflow freeze, or set it again"


def freeze(context: Context, environment: Environment, *, why: str, login: str) -> None:
    """Freeze an environment; a second freeze replaces the first one's reason."""
    words = limits.reason(why)
    if not words:
        raise RefusedError("reason: missing; everybody reads it who waits for the end of the freeze")
    document = {"reason": words, "by": login, "at": workflow.timestamp(), "run": context.run_url}
    text = json.dumps(document, indent=2) + "\n"
    _write(context, environment, text, f"Freeze {environment.name}\n\nWhy: {words}\nAsked for by: {login}\n")


def end(context: Context, environment: Environment, *, login: str) -> None:
    """End a freeze; what waited goes on with the next reconciliation."""
    _write(context, environment, None, f"End the freeze of {environment.name}\n\nAsked for by: {login}\n")


def _write(context: Context, environment: Environment, text: str | None, message: str) -> None:
    contents, path = context.contents, layout.freeze_path(environment.name)

    def once() -> str | None:
        found = contents.read(path, MAIN)
        if text is not None:
            return contents.write(path, text, message, MAIN, found.sha if found else None)
        return contents.remove(path, message, MAIN, found.sha) if found else None

    commit = contents.github.decided(once, ConflictError, path)
    title = message.partition("\n")[0]
    workflow.notice(f"{title}: commit {commit}" if commit else f"{environment.name}: not frozen")
