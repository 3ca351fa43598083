"""The kinds of rules and bypass actors that a ruleset may have, and what is missing or wrong in those of a request."""

import re
from collections.abc import Iterator
from typing import Any, cast

from sandbox.github.access import accounts
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document, items, mapping

_PATTERN = ("operator", "pattern")

REQUIRED: dict[str, tuple[str, ...]] = {
    "creation": (),
    "update": (),
    "deletion": (),
    "non_fast_forward": (),
    "required_linear_history": (),
    "required_signatures": (),
    "pull_request": (
        "dismiss_stale_reviews_on_push",
        "require_code_owner_review",
        "require_last_push_approval",
        "required_approving_review_count",
        "required_review_thread_resolution",
    ),
    "required_status_checks": ("required_status_checks", "strict_required_status_checks_policy"),
    "required_deployments": ("required_deployment_environments",),
    "merge_queue": (
        "check_response_timeout_minutes",
        "grouping_strategy",
        "max_entries_to_build",
        "max_entries_to_merge",
        "merge_method",
        "min_entries_to_merge",
        "min_entries_to_merge_wait_minutes",
    ),
    "workflows": ("workflows",),
    "code_scanning": ("code_scanning_tools",),
    "commit_message_pattern": _PATTERN,
    "commit_author_email_pattern": _PATTERN,
    "committer_email_pattern": _PATTERN,
    "branch_name_pattern": _PATTERN,
    "tag_name_pattern": _PATTERN,
    "file_path_restriction": ("restricted_file_paths",),
    "max_file_path_length": ("max_file_path_length",),
    "file_extension_restriction": ("restricted_file_extensions",),
    "max_file_size": ("max_file_size",),
    "copilot_code_review": (),
}
"""Kinds of rules with the parameters that each must have, as in GitHub's OpenAPI description."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "pull_request": {"allowed_merge_methods": ["merge", "squash", "rebase"]},
    "required_status_checks": {"do_not_enforce_on_create": False},
}
"""Parameters that GitHub adds where they were left out."""

MOST_APPROVALS = 10
OF_BRANCHES = frozenset({"pull_request", "merge_queue"})
"""Rules that a ruleset of tags cannot have; https://github.com/eclipse-csi/otterdog/issues/483"""
_REF = re.compile(r"~ALL|~DEFAULT_BRANCH|refs/\S+")
"""https://github.com/integrations/terraform-provider-github/pull/2660"""

ACTORS = ("Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User")
WITHOUT_ID = ("DeployKey", "OrganizationAdmin")
"""Actors of which there is one; GitHub drops an id that is sent."""


def rule_problems(target: object, rules: list[Document]) -> Iterator[str]:
    """What is wrong with the rules of a request for a ruleset of branches, tags or pushes."""
    for rule in rules:
        kind = rule.get("type")
        if kind not in REQUIRED or (target == "tag" and kind in OF_BRANCHES):
            yield f"Invalid rule '{kind}': "
            continue
        parameters = mapping(rule, "parameters")
        missing = [name for name in REQUIRED[kind] if parameters.get(name) is None]
        if missing:
            yield f"Invalid rule '{kind}': Missing required parameters: {', '.join(missing)}"
        approvals = parameters.get("required_approving_review_count")
        if isinstance(approvals, int) and not 0 <= approvals <= MOST_APPROVALS:
            yield f"Invalid rule '{kind}': required_approving_review_count must be between 0 and {MOST_APPROVALS}"


def condition_problems(conditions: Document) -> Iterator[str]:
    """What is wrong with the refs that a request names: whole ones, or words of GitHub's own, in both lists."""
    refs = conditions.get("ref_name")
    if isinstance(refs, dict):
        for key in ("include", "exclude"):
            given = cast("Document", refs).get(key)
            named = [str(pattern) for pattern in cast("list[object]", given)] if isinstance(given, list) else [""]
            if wrong := [pattern for pattern in named if not _REF.fullmatch(pattern)]:
                yield f"Invalid target patterns: {', '.join(repr(pattern) for pattern in wrong)}"


def actor_problems(forge: Forge, owner: str, actors: list[Document]) -> Iterator[str]:
    """What is wrong with the bypass actors of a request to a repository of `owner`."""
    for actor in actors:
        kind, number = actor.get("actor_type"), actor.get("actor_id")
        if kind not in ACTORS:
            yield f"Invalid bypass actor type '{kind}'"
        elif kind == "Team":
            team = forge.store.table("teams").get(number or 0)
            if team is None or team["organization"].lower() != owner.lower():
                yield "Actor team must be part of the ruleset source or owner organization"
            elif team["privacy"] == "secret":
                yield "Actor team must be visible to the ruleset source or owner organization"
        elif kind == "Integration":
            installed = (one for one in forge.store.table("installations") if one["app_id"] == number)
            if not any(one["account"].lower() == owner.lower() for one in installed):
                yield "Actor GitHub App integration must be part of the ruleset source or owner organization"
        elif kind == "User" and not any(user["id"] == number for user in forge.store.table("users")):
            yield "Actor user must be able to access the ruleset source"
        elif kind == "OrganizationAdmin" and accounts.find_organization(forge, owner) is None:
            yield "Actor organization admin is only valid for repositories of an organization"


def shown_actor(actor: Document) -> Document:
    """A bypass actor as it is kept and shown."""
    actor_id = None if actor["actor_type"] in WITHOUT_ID else actor.get("actor_id")
    mode = actor.get("bypass_mode") or "always"
    return {"actor_id": actor_id, "actor_type": actor["actor_type"], "bypass_mode": mode}


def shown_rule(rule: Document) -> Document:
    """A rule as it is kept and shown."""
    parameters = DEFAULTS.get(rule["type"], {}) | mapping(rule, "parameters")
    if rule["type"] == "required_status_checks":
        # A check without an App is shown without the key, as GitHub does.
        checks = [
            {k: v for k, v in one.items() if v is not None} for one in items(parameters, "required_status_checks")
        ]
        parameters = parameters | {"required_status_checks": checks}
    return {"type": rule["type"]} | ({"parameters": parameters} if parameters else {})
