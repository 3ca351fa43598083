"""What on GitHub stands in the way of a stack: found before the first write, each with its remedy."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.credentials import AppKey, Credentials
from components.github.errors import GitHubError
from manifests.model import GitHub, Settings, Visibility

PARALLEL = 8
TOKEN_SCOPES = ("repo", "workflow", "admin:org")
"""What a classic token needs; larger scopes hold smaller ones, and these are the largest of their kinds."""
APP_PERMISSIONS = (
    "actions",
    "actions_variables",
    "administration",
    "contents",
    "environments",
    "issues",
    "members",
    "pull_requests",
    "repository_hooks",
    "secrets",
    "workflows",
)
"""What the App that `pulumi up` acts as must be allowed to write."""

_Check = Callable[[], Iterator[str]]


def github_problems(settings: Settings, api: GitHubApi, credentials: Credentials) -> list[str]:
    """Everything that is in the way; nothing is written."""
    try:
        organisation = _organisation(settings.github, api)
    except GitHubError as error:
        return [f"{settings.github.base_url}: {error}"]
    if isinstance(organisation, str):
        return [organisation]
    problems = [*_plan_problems(settings, organisation), *_permission_problems(settings.github, api, credentials)]
    checks: list[_Check] = [
        lambda: _repository_problems(settings, api, settings.github.environment_repository),
        *(_later(_repository_problems, settings, api, service.repository_name) for service in settings.services),
        *(_later(_team_problems, settings, api, team.name, team.existing) for team in settings.teams),
        *(_later(_account_problems, api, login) for login in sorted(_logins(settings))),
    ]
    with ThreadPoolExecutor(PARALLEL) as pool:
        for found in pool.map(_collected, checks):
            problems += found
    return problems


def _later(check: Callable[..., Iterator[str]], *arguments: object) -> _Check:
    return lambda: check(*arguments)


def _collected(check: _Check) -> list[str]:
    try:
        return list(check())
    except GitHubError as error:
        return [str(error)]


def _organisation(github: GitHub, api: GitHubApi) -> dict[str, Any] | str:
    found = api.find(f"/orgs/{github.owner}")
    if found is not None:
        return found
    if api.find(f"/users/{github.owner}") is not None:
        return f"github.owner: {github.owner} is a person's account; allowed is an organisation, teams need one"
    return (
        f"github.owner: there is no organisation {github.owner} at {github.base_url}, or the credential may not see it"
    )


def _plan_problems(settings: Settings, organisation: dict[str, Any]) -> Iterator[str]:
    """What the organisation's plan lacks; own servers have no plan and lack nothing."""
    plan: object = cast(dict[str, object], organisation.get("plan") or {}).get("name")
    if not settings.github.is_hosted or settings.github.visibility is Visibility.PUBLIC:
        return
    if plan == "free":
        yield "github.visibility: rulesets of private repositories need GitHub Team; allowed is `public`, or that plan"
    if plan in {"free", "team"}:
        for environment in settings.environments:
            if environment.approvers:
                yield (
                    f"environments[{environment.name}].approvers: reviewers of private repositories need GitHub"
                    f" Enterprise and the plan is {plan}; use `delivery: pull-request` and CODEOWNERS instead"
                )


def _permission_problems(github: GitHub, api: GitHubApi, credentials: Credentials) -> Iterator[str]:
    if isinstance(credentials, AppKey):
        lacking = [name for name in APP_PERMISSIONS if credentials.permissions.get(name) != "write"]
        if lacking:
            yield f"github.app: it lacks the permission to write {', '.join(lacking)}; grant them on the App's page"
        return
    try:
        answer = api.response("GET", f"/user/memberships/orgs/{github.owner}")
    except GitHubError as error:
        yield f"githubToken: {error}; allowed is a token of an owner of {github.owner}"
        return
    if cast(dict[str, object], answer.json_or_none or {}).get("role") != "admin":
        yield f"githubToken: its account is no owner of {github.owner}; allowed is a token of an owner, or `github.app`"
    given = {scope.strip() for scope in answer.header("x-oauth-scopes").split(",") if scope.strip()}
    lacking = [scope for scope in TOKEN_SCOPES if scope not in given]
    if given and lacking:
        yield f"githubToken: it lacks the scopes {', '.join(lacking)}; add them on the token's page"


def _repository_problems(settings: Settings, api: GitHubApi, name: str) -> Iterator[str]:
    github = settings.github
    found = api.find(f"/repos/{github.owner}/{quote(name)}")
    if found is None:
        return
    if found.get("archived"):
        yield f"repository {github.owner}/{name}: it is archived; unarchive it on its settings page, or rename it"
    if f"[{settings.mark}]" not in (found.get("description") or ""):
        yield (
            f"repository {github.owner}/{name}: it exists and is not this stack's; choose another name, or adopt it:"
            f" end its description with [{settings.mark}] and run `pulumi import github:index/repository:Repository"
            f" {name}-repository {name}`"
        )


def _team_problems(settings: Settings, api: GitHubApi, name: str, existing: bool) -> Iterator[str]:
    found = api.find(f"/orgs/{settings.github.owner}/teams/{name}")
    if existing and found is None:
        yield f"teams[{name}]: {settings.github.owner} has no such team; create it, or leave `existing` out"
    if not existing and found is not None and f"[{settings.mark}]" not in (found.get("description") or ""):
        yield f"teams[{name}]: the team exists and is not this stack's; set `existing: true`, or choose another name"


def _account_problems(api: GitHubApi, login: str) -> Iterator[str]:
    if api.find(f"/users/{quote(login)}") is None:
        yield f"teams: there is no account {login}"


def _logins(settings: Settings) -> set[str]:
    return {member.login for team in settings.teams for member in team.members}
