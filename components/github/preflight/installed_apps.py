"""The GitHub Apps as they are: whether each key is its App's, where the App is installed and what it may do there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from components.github.api import GitHubApi, JsonObject
from components.github.apps import ARGOCD, OPERATOR, READS_PULL_REQUESTS, ROLES, AppRole, lacks
from components.github.credentials import AppItself
from components.github.errors import GitHubError
from components.github.preflight.findings import Check, later
from manifests.model import App, GitHub, Settings


@dataclass(frozen=True)
class _Named:
    """An App as the stack names it."""

    role: AppRole
    app: App
    key: str = field(repr=False)


def app_checks(settings: Settings, api: GitHubApi, keys: Mapping[str, str], there: set[str]) -> list[Check]:
    """A check of each App that the stack names.

    Args:
        settings: the stack's settings.
        api: the way to GitHub; it is asked as the Apps.
        keys: the private keys, by the name of their setting.
        there: the repositories of the platform that exist.
    """
    named = [
        _Named(role, app, keys[role.secret])
        for role in (OPERATOR, *ROLES)
        if (app := role.of(settings.github)) is not None and role.secret in keys
    ]
    return [later(_app_problems, settings, api, one, named, there) for one in named]


def _app_problems(
    settings: Settings, api: GitHubApi, named: _Named, all_named: list[_Named], there: set[str]
) -> Iterator[str]:
    github, role, app = settings.github, named.role, named.app
    asking = api.acting_as(AppItself(app.id, named.key))
    try:
        shown: JsonObject = asking.get("/app")
    except GitHubError as error:
        if error.status not in {401, 404}:
            raise
        yield _wrong_key(github, api, named, all_named, unknown=error.status == 404)
        return
    if app.slug is not None and app.slug != shown.get("slug", app.slug):
        yield f"{role.setting}.slug: {app.slug!r} is not the name of App {app.id}; it is {shown['slug']!r}"
    installation: JsonObject | None = asking.find(f"/app/installations/{app.installation_id}")
    if installation is None or str(installation["account"]["login"]).lower() != github.owner.lower():
        right = asking.find(f"/orgs/{github.owner}/installation")
        remedy = f"it is {right['id']}" if right else f"install it: {_page(shown)}/installations/new"
        what = "its App is not installed there" if installation is None else "that is another account's installation"
        yield f"{role.setting}.installationId: {app.installation_id} is wrong for {github.owner}: {what}; {remedy}"
        return
    page = str(installation.get("html_url") or _page(shown))
    if installation.get("suspended_at"):
        yield f"{role.setting}: its installation is suspended; unsuspend it: {page}"
    needed = role.needs(github) | (READS_PULL_REQUESTS if _with_pull_requests(settings, role) else {})
    yield from _permission_problems(role, needed, shown, installation, page)
    yield from _reach_problems(settings, asking, role, installation, page, there)


def _with_pull_requests(settings: Settings, role: AppRole) -> list[str]:
    """The repositories in which an App finds the pull requests that are run."""
    if role is not ARGOCD:
        return []
    return [service.repository_name for service in settings.services if service.pull_requests is not None]


def _wrong_key(github: GitHub, api: GitHubApi, named: _Named, all_named: list[_Named], *, unknown: bool) -> str:
    role, app = named.role, named.app
    for other in all_named:
        if other is not named and _is_key_of(api, other.app.id, named.key):
            return (
                f"{role.secret}: it is the private key of {other.role.setting} (App {other.app.id}) and not of"
                f" {role.setting} (App {app.id}); swap ids or keys"
            )
    if unknown:
        return f"{role.setting}.id: there is no App {app.id} at {github.base_url}; its id is on the App's page"
    return (
        f"{role.secret}: it is not a private key of App {app.id} ({role.setting}); check the id, or generate a key on"
        " the App's page and set that"
    )


def _is_key_of(api: GitHubApi, app_id: str, key: str) -> bool:
    try:
        return api.acting_as(AppItself(app_id, key)).find("/app") is not None
    except GitHubError:
        return False


def _permission_problems(
    role: AppRole, needed: dict[str, str], app: JsonObject, installation: JsonObject, page: str
) -> Iterator[str]:
    granted: dict[str, str] = installation.get("permissions") or {}
    asked: dict[str, str] = app.get("permissions") or {}
    if lacking := lacks(needed, granted):
        pending = [wanted for wanted in lacking if wanted not in lacks(needed, asked)]
        if missing := [wanted for wanted in lacking if wanted not in pending]:
            yield (
                f"{role.setting}: its App lacks the permissions {', '.join(missing)}; add them on {_page(app)}, then"
                f" accept them on {page}"
            )
        if pending:
            yield f"{role.setting}: its new permissions {', '.join(pending)} wait for an owner; accept them on {page}"
    if role.shared:
        more = [
            f"{name}: {level}"
            for name, level in granted.items()
            if level in {"write", "admin"} and needed.get(name) != "write"
        ]
        if more:
            yield (
                f"{role.setting}: repositories of services hold its key, and it may do more than it has to"
                f" ({', '.join(more)}); take that off on {_page(app)}"
            )


def _reach_problems(
    settings: Settings, asking: GitHubApi, role: AppRole, installation: JsonObject, page: str, there: set[str]
) -> Iterator[str]:
    if installation.get("repository_selection") != "selected":
        return
    github = settings.github
    needed = [github.environment_repository]
    if role.everywhere:
        needed += [service.repository_name for service in settings.services]
    needed += _with_pull_requests(settings, role)
    if missing := [name for name in needed if name not in there]:
        later_on = "leave it so, services come and go" if role.everywhere else "narrow it when they exist"
        yield (
            f"{role.setting}: it is installed on selected repositories, and {', '.join(missing)} does not exist yet;"
            f" choose all repositories on {page}, and {later_on}"
        )
    unseen = [name for name in needed if name in there and not _sees(asking, github.owner, name)]
    if unseen:
        yield f"{role.setting}: it is not installed on {', '.join(unseen)}; add them, or all repositories, on {page}"


def _sees(asking: GitHubApi, owner: str, name: str) -> bool:
    return asking.find(f"/repos/{owner}/{quote(name)}/installation") is not None


def _page(app: dict[str, Any]) -> str:
    return str(app.get("html_url") or "the App's page")
