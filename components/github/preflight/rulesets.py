"""Rulesets of the organisation that would refuse what the platform writes."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.preflight.findings import REFUSALS
from manifests.model import Delivery, Settings
from slipway_release.pulls import SETTINGS_BRANCH

_FIXED = {
    "creation": "restricts who creates refs",
    "update": "restricts who updates refs",
    "required_signatures": "wants signed commits",
    "pull_request": "wants pull requests",
    "required_status_checks": "wants status checks",
    "workflows": "wants workflows to pass",
    "required_deployments": "wants deployments",
    "merge_queue": "wants the merge queue",
    "code_scanning": "wants code scanning",
}
"""Rules that stop a direct commit, whatever is in it."""
_MESSAGES = ("Describe the platform", "Start from the template", "Follow the settings of the platform", "Release x")
_EMAIL = "1+app[bot]@users.noreply.github.com"


def ruleset_problems(settings: Settings, api: GitHubApi) -> Iterator[str]:
    """What the organisation's rulesets would refuse, with whom they have to let pass."""
    github = settings.github
    path = f"/orgs/{github.owner}/rulesets"
    try:
        rulesets = [api.get(f"{path}/{found['id']}") for found in api.pages(path) if found["enforcement"] == "active"]
    except GitHubError as error:
        if error.status in REFUSALS:
            return
        raise
    for ruleset in rulesets:
        if not _concerns(settings, ruleset) or not (stranded := _bound(settings, ruleset)):
            continue
        if reasons := list(dict.fromkeys(_refusals(settings, ruleset))):
            page = f"{github.base_url}organizations/{github.owner}/settings/rules/{ruleset['id']}"
            yield (
                f"github.owner: the organisation's ruleset {str(ruleset['name'])!r} {' and '.join(reasons)}, which the"
                f" platform's own commits do not meet; let {' and '.join(stranded)} bypass it, or exclude the"
                f" platform's repositories, on {page}"
            )


def _concerns(settings: Settings, ruleset: dict[str, Any]) -> bool:
    """Whether it holds for a repository of the platform; by name, since new ones have neither id nor properties."""
    named = cast(dict[str, list[str]], ruleset.get("conditions", {}).get("repository_name") or {})
    names = [settings.github.environment_repository, *(service.repository_name for service in settings.services)]
    return any(_fits(name, named) for name in names)


def _fits(name: str, condition: dict[str, list[str]]) -> bool:
    def listed(key: str) -> bool:
        return any(pattern == "~ALL" or fnmatchcase(name, pattern) for pattern in condition.get(key) or [])

    return listed("include") and not listed("exclude")


def _bound(settings: Settings, ruleset: dict[str, Any]) -> list[str]:
    """Who writes and may not bypass it."""
    passing: set[tuple[str, int | None]] = {
        (actor["actor_type"], actor.get("actor_id"))
        for actor in cast(list[dict[str, Any]], ruleset.get("bypass_actors") or [])
        if actor.get("bypass_mode", "always") != "pull_request"
    }
    github = settings.github
    writers: list[tuple[str, tuple[str, int | None]]] = [
        ("the App of github.promoter", ("Integration", int(github.promoter.id)))
    ]
    if github.app is not None:
        writers.append(("the App of github.app", ("Integration", int(github.app.id))))
    kinds = {kind for kind, _ in passing}
    bound = [name for name, actor in writers if actor not in passing]
    if github.app is None and "OrganizationAdmin" not in kinds:
        bound.append("organisation owners")
    return bound


def _refusals(settings: Settings, ruleset: dict[str, Any]) -> Iterator[str]:
    target = ruleset.get("target", "branch")
    refs = cast(dict[str, list[str]], ruleset.get("conditions", {}).get("ref_name") or {})
    for rule in cast(list[dict[str, Any]], ruleset.get("rules") or []):
        kind, parameters = str(rule["type"]), cast(dict[str, Any], rule.get("parameters") or {})
        if target == "branch" and kind in _FIXED and _holds_for_main(refs):
            yield _FIXED[kind]
        elif target == "branch" and kind == "commit_message_pattern" and _refused(parameters, _MESSAGES):
            yield f"wants commit messages that {_said(parameters)}"
        elif kind in {"commit_author_email_pattern", "committer_email_pattern"} and _refused(parameters, [_EMAIL]):
            yield f"wants addresses that {_said(parameters)}"
        elif kind == "branch_name_pattern" and _refused(parameters, _branches(settings)):
            yield f"wants branch names that {_said(parameters)}"
        elif kind == "tag_name_pattern" and _refused(parameters, _tags(settings)):
            yield f"wants tag names that {_said(parameters)}"
        elif kind == "file_path_restriction" and _restricted(parameters):
            yield "restricts files under .github"


def _holds_for_main(refs: dict[str, list[str]]) -> bool:
    def listed(key: str) -> bool:
        words = {"~ALL", "~DEFAULT_BRANCH"}
        return any(word in words or fnmatchcase("refs/heads/main", word) for word in refs.get(key) or [])

    return listed("include") and not listed("exclude")


def _branches(settings: Settings) -> list[str]:
    delivered = [each.target_branch for each in settings.environments if each.delivery is Delivery.BRANCH]
    return [SETTINGS_BRANCH, *delivered]


def _tags(settings: Settings) -> list[str]:
    return ["v0.1.0", *(f"{each.tag_prefix}-v0.1.0" for each in settings.environments if each.tag_prefix)]


def _refused(parameters: dict[str, Any], samples: Sequence[str]) -> bool:
    return any(_matches(parameters, sample) == bool(parameters.get("negate")) for sample in samples)


def _matches(parameters: dict[str, Any], text: str) -> bool:
    operator, pattern = parameters.get("operator"), str(parameters.get("pattern", ""))
    if operator == "starts_with":
        return text.startswith(pattern)
    if operator == "ends_with":
        return text.endswith(pattern)
    if operator == "contains":
        return pattern in text
    try:
        return re.search(pattern, text) is not None
    except re.error:  # RE2 knows what Python does not; GitHub will say
        return not parameters.get("negate")


def _said(parameters: dict[str, Any]) -> str:
    words = str(parameters.get("operator", "regex")).replace("_", " ").replace("regex", "match")
    return f"{'do not ' if parameters.get('negate') else ''}{words} {str(parameters.get('pattern'))!r}"


def _restricted(parameters: dict[str, Any]) -> bool:
    paths = cast(list[str], parameters.get("restricted_file_paths") or [])
    return any(fnmatchcase(".github/workflows/release.yml", path) for path in paths)
