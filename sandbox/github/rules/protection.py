"""Classic branch protection: how it is kept, and what it has against a change of refs.

Clients write it by GraphQL (`graphql/protection`); it is enforced here and in `requirements`.
"""

from collections.abc import Iterator

from sandbox.github.access import accounts, plans
from sandbox.github.access.authorization import repository_role
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import GitRepository
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.store import Document
from sandbox.github.rules.patterns import matches

BRANCHES = "refs/heads/"


def rules_of(forge: Forge, repository: Document) -> list[Document]:
    """All branch protections of a repository."""
    return forge.store.table("branch_protections").all(f"{repository['id']}/")


def rule_for(forge: Forge, repository: Document, ref: str) -> Document | None:
    """The branch protection that holds for a ref: one by its exact name before one by pattern, then the older."""
    branch = ref.removeprefix(BRANCHES)
    if branch == ref or not plans.protects(forge, repository):
        return None
    found = [rule for rule in rules_of(forge, repository) if matches(rule["pattern"], branch)]
    return min(found, key=lambda rule: rule["pattern"] != branch, default=None)


def applies(forge: Forge, repository: Document, rule: Document, principal: Principal) -> bool:
    """False for administrators, unless the protection includes them."""
    if rule["isAdminEnforced"] or principal.kind is not Kind.USER:
        return True
    return repository_role(forge, principal.login, repository) != "admin"


def is_among(forge: Forge, principal: Principal, node_ids: list[str]) -> bool:
    """True if the caller is one of some users, teams or Apps, given by node id."""
    if principal.is_integration:
        return f"A_{principal.app_id}" in node_ids
    user = accounts.find_user(forge, principal.login)
    if user is not None and f"U_{user['id']}" in node_ids:
        return True
    teams = [node_id[2:] for node_id in node_ids if node_id.startswith("T_")]
    return any(accounts.is_team_member(forge, int(team), principal.login) for team in teams)


def against(
    forge: Forge,
    repository: Document,
    git: GitRepository,
    principal: Principal,
    update: RefUpdate,
    *,
    through_pull: bool,
) -> Iterator[str]:
    """What the branch protection of a ref has against a change of it."""
    rule = rule_for(forge, repository, update.ref)
    if rule is None or not applies(forge, repository, rule, principal):
        return
    if update.deletes:
        if not rule["allowsDeletions"]:
            yield "Cannot delete this protected branch"
        return
    if rule["lockBranch"]:
        yield "Cannot change this locked branch"
    # Only those who may push may merge, too.
    closed = rule["restrictsPushes"] and (update.moves or rule["blocksCreations"])
    if closed and not is_among(forge, principal, rule["pushActorIds"]):
        yield "You're not authorized to push to this branch."
    if update.moves:
        yield from _against_history(forge, git, rule, principal, update)
    if update.moves and not through_pull:
        yield from _without_pull(forge, rule, principal)


def _against_history(
    forge: Forge, git: GitRepository, rule: Document, principal: Principal, update: RefUpdate
) -> Iterator[str]:
    if not git.is_ancestor(update.old, update.new):
        forced = rule["allowsForcePushes"] or is_among(forge, principal, rule["bypassForcePushActorIds"])
        if not forced:
            yield "Cannot force-push to this protected branch"
    if rule["requiresLinearHistory"] and git.attempt("rev-list", "--merges", "-1", update.new, f"^{update.old}"):
        yield "Merge commits are not allowed"
    if rule["requiresCommitSignatures"]:
        yield "Commits must have verified signatures."


def _without_pull(forge: Forge, rule: Document, principal: Principal) -> Iterator[str]:
    if rule["requiresApprovingReviews"] and not is_among(forge, principal, rule["bypassPullRequestActorIds"]):
        yield "Changes must be made through a pull request."
    if rule["requiresStatusChecks"] and (contexts := rule["requiredStatusCheckContexts"]):
        yield f"{len(contexts)} of {len(contexts)} required status checks are expected."
