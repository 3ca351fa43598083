"""Which workflows of a commit an event starts."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sandbox.github.actions.globs import any_matches, any_not_matching, matches
from sandbox.github.actions.shapes import mapping
from sandbox.github.actions.workflow import Workflow
from sandbox.github.core.events import Event

DEFAULT_TYPES = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "pull_request_target": ("opened", "synchronize", "reopened"),
}
"""Activity types that start a workflow which names none; of other events, all do."""

EVENTS = frozenset(
    {
        "create", "delete", "deployment", "deployment_status", "issue_comment", "issues", "label", "public",
        "pull_request", "pull_request_review", "pull_request_target", "push", "release", "repository_dispatch",
        "schedule", "status", "workflow_dispatch", "workflow_run",
    }
)  # fmt: skip
"""Events that start workflows at all; others are for webhooks only."""

EXPLICIT = frozenset({"workflow_dispatch", "repository_dispatch"})
"""The two events that start workflows even when a workflow's own token caused them."""

_SKIP = re.compile(r"\[(skip ci|ci skip|no ci|skip actions|actions skip)\]", re.IGNORECASE)
_SKIP_TRAILER = re.compile(r"\n\n(?:.*\n)*skip-checks: ?true\s*\Z", re.IGNORECASE)


def may_start(event: Event) -> bool:
    """Whether an event can start workflows, whatever they say."""
    if event.name not in EVENTS or not event.sha:
        return False
    if event.from_workflow_token and event.name not in EXPLICIT:
        return False
    if event.name == "deployment_status":
        return mapping(event.payload.get("deployment_status")).get("state") != "inactive"
    return True


def asks_to_skip(event: Event, message: str) -> bool:
    """Whether the commit's message keeps `push` and `pull_request` workflows from running."""
    if event.name not in ("push", "pull_request"):
        return False
    return bool(_SKIP.search(message) or _SKIP_TRAILER.search(message))


def starts(workflow: Workflow, event: Event, changed_files: Callable[[], Sequence[str] | None]) -> bool:
    """Whether an event starts a workflow.

    Args:
        workflow: The workflow, as it is at the event's commit.
        event: What happened.
        changed_files: Asked for only if there are path filters; None for "cannot tell", which lets the event pass.
    """
    if event.name not in workflow.on:
        return False
    settings = workflow.on[event.name]
    if event.name == "push":
        return _push(settings, event, changed_files)
    types = settings.get("types") or DEFAULT_TYPES.get(event.name)
    if types and event.action is not None and event.action not in types:
        return False
    if event.name in ("pull_request", "pull_request_target"):
        base: str = event.payload["pull_request"]["base"]["ref"]
        return _named(settings, "branches", base) and _paths(settings, changed_files)
    if event.name == "workflow_run":
        run: dict[str, Any] = event.payload["workflow_run"]
        named = not settings.get("workflows") or run.get("name") in settings["workflows"]
        return named and _named(settings, "branches", run.get("head_branch") or "")
    return True


def _push(settings: dict[str, Any], event: Event, changed_files: Callable[[], Sequence[str] | None]) -> bool:
    if event.payload.get("deleted"):
        return False
    kind, other = ("tags", "branches") if event.ref.startswith("refs/tags/") else ("branches", "tags")
    name = event.ref.split("/", 2)[-1]
    said = kind in settings or f"{kind}-ignore" in settings
    if not said and (other in settings or f"{other}-ignore" in settings):
        return False
    if not _named(settings, kind, name):
        return False
    # Path filters say nothing about tags.
    return kind == "tags" or _paths(settings, changed_files)


def _named(settings: dict[str, Any], kind: str, name: str) -> bool:
    if kind in settings:
        return matches(settings[kind], name)
    return not matches(settings.get(f"{kind}-ignore", ()), name)


def _paths(settings: dict[str, Any], changed_files: Callable[[], Sequence[str] | None]) -> bool:
    if "paths" not in settings and "paths-ignore" not in settings:
        return True
    changed = changed_files()
    if changed is None:
        return True
    if "paths" in settings:
        return any_matches(settings["paths"], changed)
    return any_not_matching(settings["paths-ignore"], changed)
