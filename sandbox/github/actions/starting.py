"""From an event to the runs that it starts."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sandbox.github.access.accounts import simple
from sandbox.github.actions import triggers, trust
from sandbox.github.actions.concurrency import claim
from sandbox.github.actions.contexts import github_context, head_branch
from sandbox.github.actions.expressions import ExpressionError, evaluate_template, to_text
from sandbox.github.actions.parts import Parts
from sandbox.github.actions.workflow import FOLDER, Mapping, Workflow, WorkflowError
from sandbox.github.core.clock import now
from sandbox.github.core.events import Event
from sandbox.github.core.git import EMPTY_TREE, ZERO, GitError, GitRepository
from sandbox.github.core.store import Document
from sandbox.github.git import commits
from sandbox.github.repositories import settings
from sandbox.github.rules import protection, rules

logger = logging.getLogger(__name__)

MOST_CHAINED = 3
"""Runs that may follow from one another through `workflow_run`."""

MOST_FILES = 3000
"""Changed files that path filters look at."""


def heard(engine: Parts, event: Event) -> Iterator[Event]:
    """The events that workflows can be started by when something happens."""
    both = [event, *_on_base(engine, event)] if event.name == "pull_request" else [event]
    yield from (one for one in both if triggers.may_start(one))


def _on_base(engine: Parts, event: Event) -> Iterator[Event]:
    """The same as `pull_request_target`: always on the default branch, whatever the pull request holds."""
    repository = engine.forge.repository(event.repository)
    if repository is None:
        return
    ref = f"refs/heads/{repository['default_branch']}"
    sha = engine.forge.git.by_id(repository["id"]).resolve(ref) or ""
    yield replace(event, name="pull_request_target", ref=ref, sha=sha)


def runs_of(engine: Parts, event: Event) -> Iterator[Document]:
    """Makes the runs that an event starts."""
    repository = engine.forge.repository(event.repository)
    if repository is None or not settings.of(engine.forge, event.repository).enabled:
        return
    if not trust.runs_at_all(engine.forge, repository, event):
        return
    git = engine.forge.git.by_id(repository["id"])
    head = git.resolve(_head_sha(event))
    message = git.message(head) if head else ""
    if triggers.asks_to_skip(event, message):
        return
    if _chain(engine, repository, event) > MOST_CHAINED:
        return
    for path in paths(git, event.sha):
        if event.name == "workflow_dispatch" and event.payload.get("workflow") != path:
            continue
        run = _run_of(engine, repository, git, event, path)
        if run is not None:
            yield run


def paths(git: GitRepository, sha: str) -> list[str]:
    """Workflow files at a commit."""
    found = git.files(sha, FOLDER)
    return [path for path in found if path.endswith((".yml", ".yaml")) and "/" not in path.removeprefix(FOLDER)]


def _run_of(engine: Parts, repository: Document, git: GitRepository, event: Event, path: str) -> Document | None:
    try:
        workflow = engine.scopes.workflow(repository, event.sha, path)
    except WorkflowError as error:
        logger.info("%s: %s: %s", repository["full_name"], path, error)
        entry = engine.runs.workflow(repository["id"], path)
        # It is not known which events start a file that cannot be read; GitHub complains on every push.
        broken = event.name in ("push", "workflow_dispatch") and entry["state"] == "active"
        return make_run(engine, repository, event, path, None, str(error)) if broken else None
    on_default = event.ref == f"refs/heads/{repository['default_branch']}"
    entry = engine.runs.workflow(repository["id"], path, workflow.name if on_default or event.name == "push" else None)
    if entry["state"] != "active" or not triggers.starts(workflow, event, lambda: changed_files(git, event)):
        return None
    return make_run(engine, repository, event, path, workflow, None)


def _head_sha(event: Event) -> str:
    if event.name.startswith("pull_request"):
        return event.payload["pull_request"]["head"]["sha"]
    return event.sha


def changed_files(git: GitRepository, event: Event) -> Sequence[str] | None:
    """Files that an event's commits change; None if that cannot be told."""
    if event.name.startswith("pull_request"):
        pull = event.payload["pull_request"]
        span = [f"{pull['base']['sha']}...{pull['head']['sha']}"]
    else:
        before = event.payload.get("before") or ZERO
        if before == ZERO or git.resolve(before) is None:
            parent = git.resolve(f"{event.sha}^")
            before = parent or EMPTY_TREE
        span = [before, event.sha]
    printed = git.attempt("diff", "--name-only", "--no-renames", "-z", *span)
    if printed is None:
        return None
    return [name for name in printed.split("\0") if name][:MOST_FILES]


def make_run(
    engine: Parts,
    repository: Document,
    event: Event,
    path: str,
    workflow: Workflow | None,
    problem: str | None,
    inputs: Mapping | None = None,
) -> Document:
    """Records a run of a workflow; of a broken one, with what is wrong."""
    forge, full_ref = engine.forge, event.ref if event.ref.startswith("refs/") else ""
    entry = engine.runs.workflow(repository["id"], path)
    payload = dict(event.payload)
    typed: Mapping = payload.pop("typed_inputs", None) or {}
    is_held = trust.has_to_be_approved(forge, repository, event)
    run: Document = {
        "id": engine.runs.next_id(),
        "repository": repository["full_name"],
        "repository_id": repository["id"],
        "owner_id": repository["owner"].get("id", 0),
        "workflow_id": entry["id"],
        "name": workflow.name if workflow else path,
        "path": path,
        "event": event.name,
        "ref": full_ref,
        "ref_protected": _is_protected(engine, repository, full_ref),
        "sha": event.sha,
        "head_sha": _head_sha(event),
        "head_branch": _head_branch(event, full_ref),
        "actor": event.actor,
        "actor_id": simple(forge, event.actor)["id"],
        "triggering_actor": event.actor,
        "payload": payload,
        "inputs": inputs if inputs is not None else typed,
        "status": "completed" if is_held else "queued",
        "conclusion": trust.HELD if is_held else None,
        "cancelled": False,
        "attempt": 1,
        "previous": [],
        "run_number": engine.runs.next_run_number(entry),
        "created_at": now(),
        "run_started_at": now(),
        "display_title": workflow.name if workflow else path,
        "concurrency": None,
        "problem": problem,
        "chain": _chain(engine, repository, event),
        "approvals": [],
        "referenced_workflows": [],
        "head_commit": _head_commit(engine, repository, _head_sha(event)),
    }
    run["display_title"] = _title(engine, run, event)
    if workflow is not None:
        _evaluate(engine, run, workflow)
    engine.runs.put(run)
    return run


def _evaluate(engine: Parts, run: Document, workflow: Workflow) -> None:
    contexts: dict[str, Any] = {
        "github": github_context(run, (engine.forge.url, engine.forge.api_url)),
        "inputs": run["inputs"],
        "vars": engine.scopes.trust.variables(run),
    }
    try:
        if workflow.run_name:
            run["display_title"] = to_text(evaluate_template(workflow.run_name, contexts)) or run["display_title"]
        wanted = claim(run["repository_id"], evaluate_template(workflow.concurrency, contexts))
        run["concurrency"] = wanted.document() if wanted else None
    except (ExpressionError, WorkflowError) as error:
        run["problem"] = str(error)


def _chain(engine: Parts, repository: Document, event: Event) -> int:
    """How many runs led to an event through `workflow_run`."""
    if event.name != "workflow_run":
        return 0
    before = engine.runs.run(repository["id"], event.payload["workflow_run"]["id"])
    return before["chain"] + 1 if before else 1


def _head_commit(engine: Parts, repository: Document, sha: str) -> Document | None:
    try:
        read = commits.read_one(engine.forge.git.by_id(repository["id"]), sha)
    except (GitError, LookupError):
        return None
    return {
        "id": read["sha"],
        "tree_id": read["tree"],
        "message": read["message"],
        "timestamp": read["committer"]["date"],
        "author": {name: read["author"][name] for name in ("name", "email")},
        "committer": {name: read["committer"][name] for name in ("name", "email")},
    }


def _head_branch(event: Event, full_ref: str) -> str | None:
    if event.name.startswith("pull_request"):
        return event.payload["pull_request"]["head"]["ref"]
    return head_branch(full_ref)


def _title(engine: Parts, run: Document, event: Event) -> str:
    if event.name.startswith("pull_request"):
        return str(event.payload["pull_request"].get("title") or run["name"])
    if event.name == "push":
        git = engine.forge.git.by_id(run["repository_id"])
        return git.message(run["sha"]).partition("\n")[0] or run["name"]
    return run["name"]


def _is_protected(engine: Parts, repository: Document, ref: str) -> bool:
    if not ref.startswith(("refs/heads/", "refs/tags/")):
        return False
    if protection.rule_for(engine.forge, repository, ref) is not None:
        return True
    return next(iter(rules.active_rules(engine.forge, repository, ref, None)), None) is not None
