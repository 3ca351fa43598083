"""Rulesets and branch protection at work: what stands against a change of refs.

Every way of changing a ref (push, contents, refs, merge) asks here before it does. Reviews and checks of a pull request
are judged in `requirements`; a change that did not come through one meets the rule that demands it here.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sandbox.github.access import accounts, plans
from sandbox.github.access.authorization import ROLES, repository_role
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import GitRepository
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.ref_updates import RefUpdate, Violation
from sandbox.github.core.store import Document, items, mapping
from sandbox.github.rules import protection
from sandbox.github.rules.patterns import matches

OF_ORGANIZATIONS = "organization_rulesets"
"""The table of their rulesets, by organisation."""
REPOSITORY_ROLES = {1: "read", 2: "maintain", 3: "triage", 4: "write", 5: "admin"}
"""Ids by which rulesets name repository roles."""


@dataclass(frozen=True)
class ActiveRule:
    """One rule that holds for a ref, and the ruleset it comes from."""

    ruleset: Document
    type: str
    parameters: dict[str, Any]
    source_type: str
    """`Repository` or `Organization`."""


def active_rules(
    forge: Forge, repository: Document, ref: str, principal: Principal | None, *, through_pull: bool = False
) -> Iterator[ActiveRule]:
    """Rules of enabled rulesets that hold for a ref and that the caller may not bypass."""
    if not plans.protects(forge, repository):
        return
    target = {"refs/heads/": "branch", "refs/tags/": "tag"}.get(ref[: ref.find("/", 5) + 1])
    for source_type, ruleset in _rulesets(forge, repository):
        if ruleset["enforcement"] != "active" or ruleset["target"] != target:
            continue
        condition = mapping(mapping(ruleset, "conditions"), "ref_name")
        if not _covers(repository, ref, items(condition, "include"), items(condition, "exclude")):
            continue
        if principal is not None and may_bypass(forge, repository, ruleset, principal, through_pull=through_pull):
            continue
        for rule in items(ruleset, "rules"):
            yield ActiveRule(ruleset, rule["type"], mapping(rule, "parameters"), source_type)


def _rulesets(forge: Forge, repository: Document) -> Iterator[tuple[str, Document]]:
    """The repository's own, and those of its organisation that cover its name."""
    for ruleset in forge.store.table("rulesets").all(f"{repository['id']}/"):
        yield "Repository", ruleset
    owner = repository["owner"]["login"]
    organization = accounts.find_organization(forge, owner)
    if organization is None or plans.of(forge, owner) is plans.Plan.FREE:
        return
    for ruleset in forge.store.table(OF_ORGANIZATIONS).all(f"{organization['id']}/"):
        names = mapping(mapping(ruleset, "conditions"), "repository_name")

        def listed(key: str, names: Document = names) -> bool:
            return any(pattern == "~ALL" or fnmatchcase(repository["name"], pattern) for pattern in items(names, key))

        if listed("include") and not listed("exclude"):
            yield "Organization", ruleset


def _covers(repository: Document, ref: str, include: Iterable[str], exclude: Iterable[str]) -> bool:
    def fits(pattern: str) -> bool:
        if pattern == "~ALL":
            return True
        if pattern == "~DEFAULT_BRANCH":
            return ref == f"refs/heads/{repository['default_branch']}"
        return matches(pattern, ref)

    return any(fits(pattern) for pattern in include) and not any(fits(pattern) for pattern in exclude)


def may_bypass(
    forge: Forge, repository: Document, ruleset: Document, principal: Principal, *, through_pull: bool
) -> bool:
    """True if a ruleset names the caller as a bypass actor for this way of changing a ref."""
    for actor in items(ruleset, "bypass_actors"):
        if actor.get("bypass_mode", "always") == "pull_request" and not through_pull:
            continue
        if _is_actor(forge, repository, actor, principal):
            return True
    return False


def _is_actor(forge: Forge, repository: Document, actor: Document, principal: Principal) -> bool:
    kind, actor_id = actor.get("actor_type"), actor.get("actor_id")
    if kind == "Integration":
        return principal.is_integration and principal.app_id == actor_id
    if principal.kind is not Kind.USER:
        return False
    if kind == "OrganizationAdmin":
        organization = accounts.find_organization(forge, repository["owner"]["login"])
        return organization is not None and accounts.membership(forge, organization, principal.login) == "admin"
    if kind == "RepositoryRole":
        needed = REPOSITORY_ROLES.get(actor_id or 0)
        held = repository_role(forge, principal.login, repository)
        return needed is not None and ROLES.index(held) >= ROLES.index(needed)
    if kind == "Team":
        return accounts.is_team_member(forge, actor_id or 0, principal.login)
    if kind == "User":
        return (accounts.find_user(forge, principal.login) or {}).get("id") == actor_id
    return False


def violations(
    forge: Forge,
    repository: Document,
    git: GitRepository,
    principal: Principal,
    updates: Iterable[RefUpdate],
    *,
    through_pull: bool = False,
) -> list[Violation]:
    """Everything that stands against changes of refs.

    Args:
        forge: The server.
        repository: Whose refs they are.
        git: The bare repository; within a push, as its hooks see it, or new commits are not found.
        principal: The account that sends the request.
        updates: The changes.
        through_pull: They are the merge of a pull request that met its own requirements.
    """
    found: list[Violation] = []
    for update in updates:
        for rule in active_rules(forge, repository, update.ref, principal, through_pull=through_pull):
            found += [Violation(update.ref, text) for text in _against(git, rule, update, through_pull=through_pull)]
    for update in updates:
        texts = protection.against(forge, repository, git, principal, update, through_pull=through_pull)
        found += [Violation(update.ref, text, protected_branch=True) for text in texts]
    return found


def _against(git: GitRepository, rule: ActiveRule, update: RefUpdate, *, through_pull: bool) -> Iterator[str]:
    """What one rule has against one change."""
    match rule.type:
        case "creation" if update.creates:
            yield "Cannot create ref due to creations being restricted."
        case "deletion" if update.deletes:
            yield "Cannot delete this ref." if update.ref.startswith("refs/tags/") else "Cannot delete this branch"
        case "update" if update.moves:
            yield "Cannot update this protected ref."
        case "non_fast_forward" if update.moves and not git.is_ancestor(update.old, update.new):
            yield "Cannot force-push to this branch"
        case "required_linear_history" if not update.deletes and _new_merges(git, update):
            yield "This branch must not contain merge commits."
        case "required_signatures" if not update.deletes:
            yield "Commits must have verified signatures."
        case "pull_request" if not through_pull and update.moves:
            yield "Changes must be made through a pull request."
        case "required_status_checks" if not through_pull and not update.deletes:
            # Whether the commit has passed is judged only for pull requests here; GitHub also lets a push through whose
            # commit has passed elsewhere, which no client of the sandbox relies on.
            if update.moves or not rule.parameters.get("do_not_enforce_on_create"):
                count = len(items(rule.parameters, "required_status_checks"))
                yield f"{count} of {count} required status checks are expected."
        case "tag_name_pattern" | "branch_name_pattern" if update.creates:
            yield from _name_pattern(rule.parameters, update.ref)
        case "commit_message_pattern" if not update.deletes:
            yield from _message_pattern(git, rule.parameters, update)
        case _:
            return


def _new_merges(git: GitRepository, update: RefUpdate) -> bool:
    known = ["--not", "--all"] if update.creates else [f"^{update.old}"]
    return bool(git.attempt("rev-list", "--merges", "--max-count=1", update.new, *known))


def new_commits(git: GitRepository, update: RefUpdate) -> list[str]:
    """Commits that a change brings and that no ref held before."""
    if update.deletes:
        return []
    return (git.attempt("rev-list", update.new, "--not", "--all") or "").split()


def _pattern_holds(parameters: dict[str, Any], text: str) -> bool:
    pattern = str(parameters.get("pattern", ""))
    holds = {
        "starts_with": lambda: text.startswith(pattern),
        "ends_with": lambda: text.endswith(pattern),
        "contains": lambda: pattern in text,
        "regex": lambda: re.search(pattern, text) is not None,
    }[parameters.get("operator", "regex")]()
    return holds != bool(parameters.get("negate"))


def _described(parameters: dict[str, Any]) -> str:
    verb = {"starts_with": "start with", "ends_with": "end with", "contains": "contain", "regex": "match"}
    must = "must not" if parameters.get("negate") else "must"
    return (
        f"{must} {verb.get(parameters.get('operator', 'regex'), 'match')} a given pattern: {parameters.get('pattern')}"
    )


def _name_pattern(parameters: dict[str, Any], ref: str) -> Iterator[str]:
    kind, name = ("Tag", ref[10:]) if ref.startswith("refs/tags/") else ("Branch", ref[11:])
    if not _pattern_holds(parameters, name):
        yield f"{kind} name {_described(parameters)}"


def _message_pattern(git: GitRepository, parameters: dict[str, Any], update: RefUpdate) -> Iterator[str]:
    for commit in new_commits(git, update):
        if not _pattern_holds(parameters, git.message(commit)):
            yield f"Commit message {_described(parameters)}"
            return


def is_protected(forge: Forge, repository: Document, branch: str) -> bool:
    """True if a ruleset or a branch protection holds for a branch, for any account."""
    ref = f"refs/heads/{branch}"
    if protection.rule_for(forge, repository, ref) is not None:
        return True
    return next(active_rules(forge, repository, ref, None), None) is not None
