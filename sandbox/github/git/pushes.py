"""Judging a push while git holds it in quarantine, and telling everyone once it is in."""

import secrets
import threading
from dataclasses import dataclass, field
from urllib.parse import quote

from sandbox.github.access.authorization import allowed
from sandbox.github.core import faults
from sandbox.github.core.errors import not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import QUARANTINE, GitRepository
from sandbox.github.core.principals import Principal
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.git import publishing, updates
from sandbox.github.git.fork_routes import maintained_refs
from sandbox.github.rules.rules import violations

HOOK_PATH = "/_sandbox/pre-receive"

HIDDEN = ("refs/pull/",)
"""Refs that only the server writes."""


@dataclass
class Push:
    """One push under way."""

    forge: Forge
    repository: Document
    principal: Principal
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    """What the hook shows to prove that it belongs to this push."""
    accepted: list[RefUpdate] = field(default_factory=list[RefUpdate])

    def finish(self) -> None:
        """Publishes what git really changed."""
        git = self.forge.git.by_id(self.repository["id"])
        done = [update for update in self.accepted if (git.ref(update.ref) or "0" * 40) == update.new]
        if done:
            publishing.pushed(self.forge, self.repository, self.principal, done)


_pushes: dict[str, Push] = {}
_lock = threading.Lock()


def begin(forge: Forge, repository: Document, principal: Principal) -> Push:
    """Registers a push, so that its hook may ask about it."""
    push = Push(forge, repository, principal)
    with _lock:
        _pushes[push.key] = push
    return push


def end(push: Push) -> None:
    """Forgets a push and publishes what became of it."""
    with _lock:
        _pushes.pop(push.key, None)
    push.finish()


@route("POST", HOOK_PATH, permission="public", root=True)
def judge(request: Request) -> Answer:
    """Asked by git's pre-receive hook; an empty refusal lets the push in."""
    given = request.data()
    push = _pushes.get(str(given.get("push")))
    if push is None:
        raise not_found()
    changes = [RefUpdate(ref, old, new) for old, new, ref in given["updates"]]
    quarantine = {name: value for name, value in given["quarantine"].items() if name in QUARANTINE}
    git = push.forge.git.by_id(push.repository["id"]).within(quarantine)
    refusal = _refusal(push, git, changes)
    if not refusal:
        push.accepted = changes
    return {"refusal": refusal}


def _refusal(push: Push, git: GitRepository, changes: list[RefUpdate]) -> str:
    forge, repository = push.forge, push.repository
    maintained: set[str] | None = None
    if not allowed(forge, push.principal, repository, "contents:write"):
        maintained = maintained_refs(forge, push.principal, repository)
    for change in changes:
        if maintained is not None and (change.deletes or change.ref not in maintained):
            return f"error: Permission to {repository['full_name']}.git denied to {push.principal.login}."
        if change.ref.startswith(HIDDEN):
            return "error: GH002: Sorry, branch or tag names starting with 'refs/pull/' are not allowed."
        if not change.deletes and (text := updates.name_refusal(change.ref)):
            return f"error: {text}"
        if text := faults.push_refusal(forge, repository["full_name"], change.ref):
            return f"error: {text}"
        if change.deletes and change.ref == f"refs/heads/{repository['default_branch']}":
            return f"error: refusing to delete the current branch: {change.ref}"
    if text := updates.workflow_refusal(git, push.principal, changes):
        return f"error: {text}"
    found = violations(forge, repository, git, push.principal, changes)
    lines: list[str] = []
    for ref in dict.fromkeys(violation.ref for violation in found):
        mine = [violation for violation in found if violation.ref == ref]
        classic = all(violation.protected_branch for violation in mine)
        url = f"{forge.url}/{repository['full_name']}/rules?ref={quote(ref, safe='')}"
        if classic:
            lines.append(f"error: GH006: Protected branch update failed for {ref}.")
        else:
            lines += [
                f"error: GH013: Repository rule violations found for {ref}.",
                f"Review all repository rules at {url}",
            ]
        lines += ["", *(f"- {text}" for text in dict.fromkeys(violation.message for violation in mine)), ""]
    return "\n".join(lines)
