"""The one way in which the server itself moves refs: rules first, then git, then events."""

import re
from collections.abc import Iterable

from sandbox.github.core.errors import GitHubError, conflict, forbidden
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import GitError, GitRepository
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.ref_updates import RefUpdate, RulesViolated
from sandbox.github.core.store import Document
from sandbox.github.git import publishing
from sandbox.github.rules.rules import violations

WORKFLOWS = ".github/workflows/"
_COMMIT = re.compile(r"refs/(heads|tags)/[0-9a-fA-F]{40}")
_LONGEST_REF = 255


def name_refusal(ref: str) -> str:
    """Why GitHub takes no ref of that name; empty where it does."""
    if _COMMIT.fullmatch(ref):
        return "GH002: Sorry, branch or tag names consisting of 40 hex characters are not allowed."
    if ref.startswith(("refs/heads/refs/", "refs/tags/refs/")):
        return "GH002: Sorry, branch or tag names starting with 'refs/' are not allowed."
    if len(ref.encode()) > _LONGEST_REF:
        return "GH005: Sorry, refs longer than 255 bytes are not allowed."
    return ""


def move(
    forge: Forge, repository: Document, principal: Principal, updates: list[RefUpdate], *, status: int = 422
) -> None:
    """Changes refs and tells everyone; for callers that hold no lock. See `apply`."""
    apply(forge, repository, principal, updates, status=status)
    publishing.pushed(forge, repository, principal, updates)


def apply(
    forge: Forge,
    repository: Document,
    principal: Principal,
    updates: list[RefUpdate],
    *,
    status: int = 422,
    through_pull: bool = False,
) -> None:
    """Changes refs without telling any listener: the caller calls `publishing.pushed` once it holds no lock.

    A listener may wait for locks of its own, and hold them while it changes refs elsewhere.

    Args:
        forge: The server.
        repository: Whose refs they are.
        principal: Who does it.
        updates: The changes; none of them is made unless all are allowed.
        status: HTTP status of a refusal by rules, which differs from route to route.
        through_pull: They are the merge of a pull request.

    Raises:
        RulesViolated: a ruleset or branch protection forbids it.
        GitHubError: 403, workflow files without the right to them; 409, a ref has moved meanwhile.
    """
    git = forge.git.by_id(repository["id"])
    with git.lock:
        if found := violations(forge, repository, git, principal, updates, through_pull=through_pull):
            raise RulesViolated(found, status)
        if not through_pull and (text := workflow_refusal(git, principal, updates)):
            raise forbidden(text)
        for update in updates:
            try:
                git.update_ref(update.ref, update.new, update.old)
            except GitError as error:
                raise _moved(git, update, error) from error


def _moved(git: GitRepository, update: RefUpdate, error: GitError) -> GitHubError:
    present = git.ref(update.ref)
    if present is not None and present != update.old:
        return conflict(f"{update.ref[11:]} is at {present} but expected {update.old}")
    return GitHubError(422, f"Reference update failed: {error}")


def may_write_workflows(principal: Principal) -> bool:
    """True if the caller's credential reaches to workflow files."""
    if principal.is_integration:
        return (principal.permissions or {}).get("workflows") == "write"
    if principal.kind is Kind.USER and principal.scopes is not None:
        return "workflow" in principal.scopes
    return True


def workflow_refusal(git: GitRepository, principal: Principal, updates: Iterable[RefUpdate]) -> str | None:
    """Why new commits may not be taken from this caller: they touch workflow files, which need a right of their own."""
    if may_write_workflows(principal):
        return None
    for update in updates:
        if update.deletes:
            continue
        arguments = ("log", "--format=", "--name-only", "-z", update.new, "--not", "--all", "--", WORKFLOWS)
        touched = (git.attempt(*arguments) or "").strip("\0\n").split("\0")[0]
        if touched:
            who, what = ("a GitHub App", "`workflows` permission")
            if not principal.is_integration:
                who, what = ("a Personal Access Token", "`workflow` scope")
            return f"refusing to allow {who} to create or update workflow `{touched}` without {what}"
    return None
