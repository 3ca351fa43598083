"""The organisation: that it is one, what its plan carries, and what its policy for Actions allows."""

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any, cast

from components.github.api import GitHubApi
from components.github.errors import GitHubError
from components.github.preflight.findings import REFUSALS
from manifests.model import ActionsPolicy, GitHub, Settings, Visibility
from manifests.repository_files import environment_repository_files, service_repository_files

_USES = re.compile(r"^\s*(?:-\s+)?uses:\s*['\"]?([^\s'\"#]+)", re.MULTILINE)
_PINNED = re.compile(r"@[0-9a-f]{40}$")
_GITHUB_OWNED = frozenset({"actions", "github"})


def find_organisation(github: GitHub, api: GitHubApi) -> dict[str, Any] | str:
    """The organisation as GitHub shows it, or what is wrong."""
    found = api.find(f"/orgs/{github.owner}")
    if found is not None:
        return found
    if api.find(f"/users/{github.owner}") is not None:
        return f"github.owner: {github.owner} is a person's account; use an organisation, because teams need one"
    return (
        f"github.owner: there is no organisation {github.owner} at {github.base_url}, or the credential may not see it"
    )


def plan_problems(settings: Settings, organisation: dict[str, Any]) -> Iterator[str]:
    """What the organisation's plan lacks; an own server may have no plan, and then lacks nothing."""
    github = settings.github
    if github.visibility is Visibility.PUBLIC:
        return
    plan: object = cast(dict[str, object], organisation.get("plan") or {}).get("name")
    if plan is None and github.is_hosted:
        what = "grant its App the organisation permission Plan: read" if github.app else "use a token of an owner"
        yield (
            f"{'github.app' if github.app else 'githubToken'}: it may not see the plan of {github.owner}, which decides"
            f" whether {github.visibility} repositories have rules and environments; {what}"
        )
    if plan == "free":
        yield (
            "github.visibility: on the plan Free, repositories that are not public have neither rulesets nor"
            " environments; set `visibility: public`, or take GitHub Team"
        )
    if plan in {"free", "team"} and github.visibility is Visibility.INTERNAL:
        yield f"github.visibility: `internal` needs GitHub Enterprise and the plan is {plan}; set `visibility: private`"
    if plan in {"free", "team"}:
        for environment in settings.environments:
            if environment.reviewers:
                yield (
                    f"environments[{environment.name}].approvers: reviewers of {github.visibility} repositories need"
                    f" GitHub Enterprise and the plan is {plan}; use `delivery: pull-request`: its review approves"
                )


def actions_problems(settings: Settings, api: GitHubApi, there: set[str]) -> Iterator[str]:
    """What the organisation's policy for Actions would stop."""
    github = settings.github
    path = f"/orgs/{github.owner}/actions/permissions"
    policy = _seen(api, path)
    if policy is None:
        return
    page = f"{github.base_url}organizations/{github.owner}/settings/actions"
    if (enabled := policy.get("enabled_repositories")) == "none":
        yield f"github.owner: Actions are disabled in {github.owner}; enable them for all repositories on {page}"
        return
    if enabled == "selected":
        chosen = {str(found["name"]) for found in _pages(api, f"{path}/repositories")}
        if missing := [name for name in _repositories(settings) if name not in chosen]:
            new = [name for name in missing if name not in there]
            how = "for all repositories, since new ones are not among the selected" if new else "for them"
            yield f"github.owner: Actions are disabled for {', '.join(missing)}; enable them {how} on {page}"
    yield from _allowed_problems(settings, api, policy, path, page)


def _allowed_problems(
    settings: Settings, api: GitHubApi, policy: dict[str, Any], path: str, page: str
) -> Iterator[str]:
    github, allowed = settings.github, policy.get("allowed_actions", "all")
    used = sorted(_used_actions(settings))
    foreign = [use for use in used if _owner(use).lower() != github.owner.lower()]
    if allowed == "local_only" and foreign:
        yield f"github.owner: only actions of {github.owner} may run; allow {_listed(foreign)} on {page}"
    if allowed == "selected":
        selected = _seen(api, f"{path}/selected-actions") or {}
        if refused := [use for use in foreign if not _is_selected(use, selected)]:
            yield f"github.owner: these actions may not run: {_listed(refused)}; allow them on {page}"
    if allowed != "all" and github.actions_policy is ActionsPolicy.REPOSITORY:
        yield (
            f"github.actionsPolicy: {github.owner} restricts actions, and then GitHub refuses a list of the"
            " environment repository's own; set `actionsPolicy: organization`"
        )
    if policy.get("sha_pinning_required"):
        loose = [use for use in used if "/.github/workflows/" not in use and not _PINNED.search(use)]
        if loose:
            yield (
                f"github.pinnedActions: in {github.owner} actions must be pinned to a commit, and {_listed(loose)}"
                " follows a branch; set `pinnedActions: true`, and give the App of github.requester Contents: read"
            )


def _used_actions(settings: Settings) -> set[str]:
    """What our workflows use from repositories, as `owner/name/path@ref`."""
    files = [environment_repository_files(settings)]
    files += [
        service_repository_files(settings, service)
        for service in {service.template: service for service in settings.services}.values()
    ]
    texts = [text for each in files for path, text in each.owned.items() if path.startswith(".github/")]
    uses = {use for text in texts for use in _USES.findall(text)}
    return {use for use in uses if not use.startswith((".", "docker://"))}


def _is_selected(use: str, selected: dict[str, Any]) -> bool:
    if _owner(use) in _GITHUB_OWNED and selected.get("github_owned_allowed"):
        return True
    patterns = cast(list[str], selected.get("patterns_allowed") or [])
    name = use.partition("@")[0]
    taken = any(fnmatchcase(use, pattern) or fnmatchcase(name, pattern) for pattern in patterns)
    refused = any(fnmatchcase(use, pattern[1:]) for pattern in patterns if pattern.startswith("!"))
    # Which creators are verified is not told.
    return (taken and not refused) or bool(selected.get("verified_allowed") and _owner(use) not in _GITHUB_OWNED)


def _repositories(settings: Settings) -> list[str]:
    return [settings.github.environment_repository, *(service.repository_name for service in settings.services)]


def _owner(use: str) -> str:
    return use.partition("/")[0]


def _listed(uses: Iterable[str]) -> str:
    return ", ".join(sorted({use.partition("@")[0] for use in uses}))


def _seen(api: GitHubApi, path: str) -> dict[str, Any] | None:
    try:
        return api.find(path)
    except GitHubError as error:
        if error.status in REFUSALS | {409}:
            return None
        raise


def _pages(api: GitHubApi, path: str) -> list[dict[str, Any]]:
    try:
        return list(api.pages(path, key="repositories"))
    except GitHubError as error:
        if error.status in REFUSALS:
            return []
        raise
