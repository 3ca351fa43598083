"""From changes of refs to events: push, create, delete, and the common parts of every payload."""

from collections.abc import Callable
from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import now, seconds
from sandbox.github.core.events import Event
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import ZERO
from sandbox.github.core.principals import Principal
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.store import Document
from sandbox.github.git import commits
from sandbox.github.repositories import repositories

BranchWatcher = Callable[[Forge, Document, Principal, RefUpdate, int | None], None]

BRANCH_WATCHERS: list[BranchWatcher] = []
"""Told of every moved branch after its events, with the number of the pull request whose merge it is."""

MOST_TAGS = 3
"""More tags than this in one push start nothing: GitHub makes no events of them."""

MOST_COMMITS = 2048
"""Commits that the payload of a push lists at most."""


def emit(
    forge: Forge,
    repository: Document,
    principal: Principal,
    name: str,
    *,
    action: str | None = None,
    ref: str,
    sha: str,
    payload: dict[str, Any],
) -> None:
    """Publishes an event with what every payload has: repository, sender, organisation, installation."""
    full: dict[str, Any] = {"action": action} if action else {}
    full |= payload | common(forge, repository, principal)
    if name == "push":
        # GitHub counts these times in seconds since 1970 in the payload of a push, and there alone.
        times = {key: seconds(repository[key]) for key in ("created_at", "pushed_at")}
        full["repository"] |= times | {"master_branch": repository["default_branch"], "stargazers": 0}
    forge.events.publish(
        Event(
            repository=repository["full_name"],
            name=name,
            action=action,
            ref=ref,
            sha=sha,
            actor=principal.login,
            payload=full,
            from_workflow_token=principal.from_workflow,
        )
    )


def common(forge: Forge, repository: Document, principal: Principal) -> dict[str, Any]:
    """What every payload has: repository, sender, organisation, installation."""
    shared: dict[str, Any] = {
        "repository": repositories.view(forge, repository),
        "sender": accounts.simple(forge, principal.login),
    }
    organization = accounts.find_organization(forge, repository["owner"]["login"])
    if organization is not None:
        shared["organization"] = accounts.simple(forge, organization["login"])
    if principal.installation_id is not None:
        shared["installation"] = {"id": principal.installation_id, "node_id": f"IN_{principal.installation_id}"}
    return shared


def pushed(
    forge: Forge, repository: Document, principal: Principal, updates: list[RefUpdate], *, merging: int | None = None
) -> None:
    """Tells everyone about refs that have moved, however they were moved.

    Args:
        forge: The server.
        repository: Whose refs they are.
        principal: Who moved them.
        updates: What has changed.
        merging: Number of the pull request whose merge this is; it closes itself.
    """
    repository = _note_push(forge, repository, updates)
    tags = [update for update in updates if update.ref.startswith("refs/tags/")]
    for update in updates:
        is_tag = update.ref.startswith("refs/tags/")
        if not is_tag and not update.ref.startswith("refs/heads/"):
            continue
        if is_tag and len(tags) > MOST_TAGS:
            continue
        _publish(forge, repository, principal, update)
    for update in updates:
        if update.ref.startswith("refs/heads/"):
            for watch in BRANCH_WATCHERS:
                watch(forge, repository, principal, update, merging)


def _note_push(forge: Forge, repository: Document, updates: list[RefUpdate]) -> Document:
    git = forge.git.by_id(repository["id"])
    changes: dict[str, Any] = {"pushed_at": now()}
    if git.ref(f"refs/heads/{repository['default_branch']}") is None:
        # The first branch of an empty repository becomes its default.
        created = [update.ref[11:] for update in updates if update.creates and update.ref.startswith("refs/heads/")]
        if created:
            changes["default_branch"] = created[0]
            git.run("symbolic-ref", "HEAD", f"refs/heads/{created[0]}")
    return forge.store.table("repositories").update(repository["id"], lambda document: document.update(changes))


def _publish(forge: Forge, repository: Document, principal: Principal, update: RefUpdate) -> None:
    git = forge.git.by_id(repository["id"])
    commit = "" if update.deletes else git.resolve(update.new) or ""
    emit(
        forge,
        repository,
        principal,
        "push",
        ref=update.ref,
        sha=commit,
        payload=_push(forge, repository, principal, update),
    )
    if update.moves:
        return
    kind, _, name = update.ref.removeprefix("refs/").partition("/")
    described = {"ref": name, "ref_type": "tag" if kind == "tags" else "branch", "pusher_type": "user"}
    if update.creates:
        described |= {"master_branch": repository["default_branch"], "description": repository["description"]}
        emit(forge, repository, principal, "create", ref=update.ref, sha=commit, payload=described)
    else:
        default = f"refs/heads/{repository['default_branch']}"
        head = git.resolve(default) or ""
        emit(forge, repository, principal, "delete", ref=default, sha=head, payload=described)


def _push(forge: Forge, repository: Document, principal: Principal, update: RefUpdate) -> dict[str, Any]:
    git = forge.git.by_id(repository["id"])
    listed: list[dict[str, Any]] = []
    head = None
    base_ref = None
    if not update.deletes:
        span = [update.new, f"^{update.old}"] if update.moves else _only_here(forge, repository, update)
        listed = commits.read_many(git, "--reverse", f"--max-count={MOST_COMMITS}", *span)
        newest = git.resolve(update.new)
        head = commits.read_one(git, newest) if newest else None
        default = f"refs/heads/{repository['default_branch']}"
        if update.creates and newest and update.ref != default and git.resolve(default) == newest:
            base_ref = default
    html = f"{forge.url}/{repository['full_name']}"
    user = accounts.find_user(forge, principal.login)
    old, new = update.old[:12], update.new[:12]
    return {
        "ref": update.ref,
        "before": update.old,
        "after": update.new,
        "created": update.creates,
        "deleted": update.deletes,
        "forced": update.moves and not git.is_ancestor(update.old, update.new),
        "base_ref": base_ref,
        "compare": f"{html}/compare/{old}...{new}" if update.moves else f"{html}/compare/{update.ref.split('/', 2)[2]}",
        "commits": [commits.event_view(forge, repository, git, commit) for commit in listed],
        "head_commit": commits.event_view(forge, repository, git, head) if head else None,
        "pusher": {"name": principal.login, "email": user["email"] if user else None},
    }


def _only_here(forge: Forge, repository: Document, update: RefUpdate) -> list[str]:
    """Revisions of a new ref that no other branch holds."""
    others = [ref for ref in forge.git.by_id(repository["id"]).refs("refs/heads/") if ref != update.ref]
    # Without other branches an exclusion would exclude nothing; a tag brings no commits of its own to the payload.
    if update.ref.startswith("refs/tags/"):
        return ["--no-walk", "--max-count=0", update.new]
    return [update.new, *(f"^{ref}" for ref in others)]


def deleted(ref: str, old: str) -> RefUpdate:
    """The update that deletes a ref."""
    return RefUpdate(ref, old, ZERO)
