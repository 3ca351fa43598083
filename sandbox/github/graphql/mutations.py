"""What GraphQL can change: branch protections, and whether a pull request merges by itself."""

from typing import Any

from sandbox.github.core.errors import GitHubError
from sandbox.github.core.requests import Request
from sandbox.github.core.store import Document
from sandbox.github.graphql import nodes
from sandbox.github.graphql.nodes import Node, error, find_owned, may, unresolvable
from sandbox.github.pulls import auto_merge, pulls

SWITCHES = (
    "allowsDeletions",
    "allowsForcePushes",
    "blocksCreations",
    "dismissesStaleReviews",
    "isAdminEnforced",
    "lockAllowsFetchAndMerge",
    "lockBranch",
    "requireLastPushApproval",
    "requiresApprovingReviews",
    "requiresCodeOwnerReviews",
    "requiresCommitSignatures",
    "requiresConversationResolution",
    "requiresLinearHistory",
    "requiresStatusChecks",
    "requiresStrictStatusChecks",
    "restrictsPushes",
    "restrictsReviewDismissals",
)


def _number(node_id: str, prefix: str) -> int:
    kind, _, number = node_id.rpartition("_")
    if kind != prefix or not number.isascii() or not number.isdigit():
        raise unresolvable(node_id)
    return int(number)


def _forbidden(request: Request) -> Exception:
    if request.principal.is_integration:
        return error("Resource not accessible by integration", "FORBIDDEN")
    login = request.principal.login
    return error(f"{login} does not have the correct permissions to execute this mutation", "FORBIDDEN")


def _apply(request: Request, rule: Document, given: dict[str, Any]) -> None:
    for name in (*SWITCHES, "pattern", "requiredApprovingReviewCount", "requiredStatusCheckContexts"):
        if given.get(name) is not None:
            rule[name] = given[name]
    for name in nodes.ALLOWANCES.values():
        if given.get(name) is not None:
            for actor in given[name]:
                if nodes.resolve(request, actor) is None:
                    raise unresolvable(actor)
            rule[name] = given[name]


def create_rule(request: Request, given: dict[str, Any]) -> Node:
    """Adds a branch protection."""
    number = _number(given["repositoryId"], "R")
    repository = nodes.visible_repository(request, number)
    if repository is None:
        raise unresolvable(given["repositoryId"])
    if not may(request, repository, "administration:write"):
        raise _forbidden(request)
    table = request.forge.store.table("branch_protections")
    for other in table.all(f"{number}/"):
        if other["pattern"] == given["pattern"]:
            raise error(f"Name already protected: {given['pattern']}", "UNPROCESSABLE")
    rule: Document = {"id": table.next_id(), "requiredApprovingReviewCount": None, "requiredStatusCheckContexts": []}
    rule |= dict.fromkeys(SWITCHES, False) | {name: [] for name in nodes.ALLOWANCES.values()}
    _apply(request, rule, given)
    table.put(f"{number}/{rule['id']}", rule)
    return _payload(given, branchProtectionRule=nodes.rule_node(request, repository, rule))


def _rule(request: Request, given: dict[str, Any]) -> tuple[Document, Document]:
    node_id = given["branchProtectionRuleId"]
    found = find_owned(request, "branch_protections", _number(node_id, "BPR"))
    if found is None:
        raise unresolvable(node_id)
    if not may(request, found[0], "administration:write"):
        raise _forbidden(request)
    return found


def update_rule(request: Request, given: dict[str, Any]) -> Node:
    """Changes a branch protection."""
    repository, rule = _rule(request, given)
    _apply(request, rule, given)
    request.forge.store.table("branch_protections").put(f"{repository['id']}/{rule['id']}", rule)
    return _payload(given, branchProtectionRule=nodes.rule_node(request, repository, rule))


def delete_rule(request: Request, given: dict[str, Any]) -> Node:
    """Removes a branch protection."""
    repository, rule = _rule(request, given)
    request.forge.store.table("branch_protections").delete(f"{repository['id']}/{rule['id']}")
    return _payload(given)


def _pull(request: Request, given: dict[str, Any]) -> tuple[Document, Document]:
    node_id = given["pullRequestId"]
    found = find_owned(request, "pulls", _number(node_id, "PR"))
    if found is None:
        raise unresolvable(node_id)
    # Merging later is merging: it takes the same rights.
    if not may(request, found[0], "contents:write") or not may(request, found[0], "pull_requests:write"):
        raise _forbidden(request)
    return found


def enable_auto_merge(request: Request, given: dict[str, Any]) -> Node:
    """Has a pull request merged once it may be."""
    repository, pull = _pull(request, given)
    expected = given.get("expectedHeadOid")
    if expected and expected != pull["head"]["sha"]:
        raise error("Head branch was modified. Review and try the merge again.", "UNPROCESSABLE")
    try:
        changed = auto_merge.enable(
            request.forge,
            repository,
            request.principal,
            pull,
            method=str(given.get("mergeMethod") or "MERGE").lower(),
            title=given.get("commitHeadline"),
            message=given.get("commitBody"),
        )
    except GitHubError as refusal:
        raise error(refusal.message, "UNPROCESSABLE") from refusal
    auto_merge.consider(request.forge, repository, changed)
    return _pull_payload(request, repository, changed["number"], given)


def disable_auto_merge(request: Request, given: dict[str, Any]) -> Node:
    """Takes that back."""
    repository, pull = _pull(request, given)
    auto_merge.disable(request.forge, repository, request.principal, pull)
    return _pull_payload(request, repository, pull["number"], given)


def mark_ready(request: Request, given: dict[str, Any]) -> Node:
    """Makes a draft ready for review."""
    repository, pull = _pull(request, given)
    if pull["draft"]:
        changed = pulls.change(request.forge, repository, pull["number"], draft=False)
        pulls.announce(request.forge, repository, request.principal, changed, "ready_for_review")
    return _pull_payload(request, repository, pull["number"], given)


def _pull_payload(request: Request, repository: Document, number: int, given: dict[str, Any]) -> Node:
    pull = pulls.must_find(request.forge, repository, number)
    actor = nodes.actor_node(request.forge, request.principal.login)
    return _payload(given, actor=actor, pullRequest=nodes.pull_node(request.forge, repository, pull))


def _payload(given: dict[str, Any], **content: Any) -> Node:
    return {"clientMutationId": given.get("clientMutationId")} | content
