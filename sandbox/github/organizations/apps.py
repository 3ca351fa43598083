"""GitHub Apps: what they are, where they are installed, and the tokens of their installations."""

import re
from typing import Any

from sandbox.github.access import accounts
from sandbox.github.access.authorization import LEVELS, refuse_suspended
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Kind
from sandbox.github.core.requests import Answer, Page, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.repositories import repositories

TOKEN_SECONDS = 3600


def add(forge: Forge, app: Document) -> None:
    """Creates an App with its installation, or brings both up to date.

    Args:
        forge: The server.
        app: `id`, `slug`, `owner`, `public_key` (PEM) and `installation`: `id`, `permissions`, and `repositories`, a
            list of names that need not exist yet, or null for all.
    """
    describe(forge, app, app["installation"]["permissions"])
    install(forge, forge.store.table("apps").get(app["id"]) or {}, app["installation"])


def describe(forge: Forge, app: Document, permissions: dict[str, str]) -> None:
    """Creates an App that is not installed anywhere, or brings it up to date."""
    kept = forge.store.table("apps").get(app["id"]) or {"created_at": now()}
    forge.store.table("apps").put(
        app["id"],
        kept
        | {
            "id": int(app["id"]),
            "slug": app["slug"],
            "name": app["slug"],
            "client_id": f"Iv23{app['slug']}",
            "owner": app["owner"],
            "public_key": app["public_key"],
            "permissions": {"metadata": "read"} | permissions,
        },
    )


def install(forge: Forge, app: Document, installation: Document) -> None:
    """Installs an App with its owner: `id`, `permissions` and `repositories` as in `add`."""
    names: list[str] | None = installation["repositories"]
    forge.store.table("installations").put(
        installation["id"],
        {
            "id": int(installation["id"]),
            "app_id": int(app["id"]),
            "app_slug": app["slug"],
            "account": app["owner"],
            "permissions": {"metadata": "read"} | installation["permissions"],
            "repositories": None if names is None else [f"{app['owner']}/{name}".lower() for name in names],
            "created_at": app["created_at"],
        },
    )


def shown(forge: Forge, app_id: int, slug: str) -> dict[str, Any]:
    """An App beside what it has made; the one of GitHub Actions is kept nowhere."""
    app = forge.store.table("apps").get(app_id)
    if app is None:
        made: Document = {
            "id": app_id,
            "slug": slug,
            "client_id": "",
            "name": slug,
            "owner": "github",
            "permissions": {},
        }
        app = made | {"created_at": "2018-07-30T09:30:17Z"}
    return view(forge, app)


def view(forge: Forge, app: Document) -> dict[str, Any]:
    return {
        "id": app["id"],
        "node_id": f"A_{app['id']}",
        "slug": app["slug"],
        "client_id": app["client_id"],
        "name": app["name"],
        "owner": accounts.simple(forge, app["owner"]),
        "description": "",
        "external_url": forge.url,
        "html_url": f"{forge.url}/apps/{app['slug']}",
        "permissions": app["permissions"],
        "events": [],
        "created_at": app["created_at"],
        "updated_at": app["created_at"],
    }


def _is_narrowed(forge: Forge, installation: Document) -> bool:
    """Only what exists can be selected: until then it is installed on all, and narrowed as its owner would do it."""
    names: list[str] | None = installation["repositories"]
    return names is not None and all(forge.repository(name) is not None for name in names)


def _installation_view(forge: Forge, installation: Document) -> dict[str, Any]:
    url = f"{forge.api_url}/app/installations/{installation['id']}"
    account = accounts.simple(forge, installation["account"])
    return {
        "id": installation["id"],
        "app_id": installation["app_id"],
        "app_slug": installation["app_slug"],
        "account": account,
        "target_id": account["id"],
        "target_type": account["type"],
        "repository_selection": "selected" if _is_narrowed(forge, installation) else "all",
        "permissions": installation["permissions"],
        "events": [],
        "access_tokens_url": f"{url}/access_tokens",
        "repositories_url": f"{forge.api_url}/installation/repositories",
        "html_url": f"{forge.url}/settings/installations/{installation['id']}",
        "created_at": installation["created_at"],
        "updated_at": installation["created_at"],
        "single_file_name": None,
        "suspended_at": installation.get("suspended_at"),
        "suspended_by": None,
    }


def _installations(request: Request) -> list[Document]:
    """Installations of the App that asks."""
    table = request.forge.store.table("installations")
    return [installation for installation in table if installation["app_id"] == request.principal.app_id]


@route("GET", "/app", permission="app")
def read_app(request: Request) -> Answer:
    """The App that asks."""
    app = request.forge.store.table("apps").get(request.principal.app_id or 0)
    if app is None:
        raise not_found()
    return view(request.forge, app)


@route("GET", "/apps/{app_slug}", permission="public")
def read_app_by_slug(request: Request) -> Answer:
    """An App, to anyone."""
    for app in request.forge.store.table("apps"):
        if app["slug"] == request.params["app_slug"]:
            return view(request.forge, app)
    raise not_found()


@route("GET", "/app/installations", permission="app")
def list_installations(request: Request) -> Answer:
    """Where the App is installed."""
    return [_installation_view(request.forge, installation) for installation in _installations(request)]


@route("GET", "/app/installations/{installation_id}", permission="app")
def read_installation(request: Request) -> Answer:
    """One installation of the App."""
    return _installation_view(request.forge, _find(request))


def _find(request: Request) -> Document:
    number = request.number("installation_id")
    for installation in _installations(request):
        if installation["id"] == number:
            return installation
    raise not_found()


def _on_account(request: Request, login: str) -> Document:
    for installation in _installations(request):
        if installation["account"].lower() == login.lower():
            return installation
    raise not_found()


@route("GET", "/orgs/{org}/installation", permission="app")
def installation_of_organization(request: Request) -> Answer:
    """The App's installation on an organisation."""
    return _installation_view(request.forge, _on_account(request, request.params["org"]))


@route("GET", "/users/{login}/installation", permission="app")
def installation_of_user(request: Request) -> Answer:
    """The App's installation on an account."""
    return _installation_view(request.forge, _on_account(request, request.params["login"]))


@route("GET", "/repos/{owner}/{repo}/installation", permission="app")
def installation_of_repository(request: Request) -> Answer:
    """The App's installation that covers a repository."""
    installation = _on_account(request, request.params["owner"])
    covered = installation["repositories"]
    if covered is not None and request.repository["full_name"].lower() not in covered:
        raise not_found()
    return _installation_view(request.forge, installation)


@route("GET", "/orgs/{org}/installations", permission="organization_administration:read")
def installations_of_organization(request: Request) -> Answer:
    """Apps that are installed on an organisation."""
    login = request.organization["login"].lower()
    table = request.forge.store.table("installations")
    found = [installation for installation in table if installation["account"].lower() == login]
    return Page([_installation_view(request.forge, installation) for installation in found], "installations")


@route("POST", "/app/installations/{installation_id}/access_tokens", permission="app")
def create_token(request: Request) -> Answer:
    """A token of an installation for an hour, narrowed to some repositories and permissions if asked."""
    installation, given, forge = _find(request), request.data(), request.forge
    refuse_suspended(forge, installation["id"])
    permissions = _narrowed_permissions(installation, given.get("permissions"))
    chosen = _narrowed_repositories(forge, installation, given)
    covered = installation["repositories"] if chosen is None else [found["full_name"].lower() for found in chosen]
    # The stand-in of the action says for which job it asks.
    job = re.fullmatch(r"create-github-app-token \((.+)\)", request.headers.get("user-agent", ""))
    purpose = job[1] if job else ""
    token, ends = forge.tokens.issue_installation_token(
        installation, permissions, covered, TOKEN_SECONDS, purpose=purpose
    )
    forge.note_issued(token)
    answer: dict[str, Any] = {
        "token": token,
        "expires_at": ends,
        "permissions": permissions,
        "repository_selection": "all" if covered is None else "selected",
    }
    if chosen is not None:
        answer["repositories"] = [repositories.view(forge, repository) for repository in chosen]
    return 201, answer


def _narrowed_permissions(installation: Document, wanted: Any) -> dict[str, str]:
    held: dict[str, str] = installation["permissions"]
    if not wanted:
        return held
    for name, level in wanted.items():
        if level not in LEVELS or LEVELS.index(level) > LEVELS.index(held.get(name, "none")):
            raise GitHubError(422, "The permissions requested are not granted to this installation.")
    return {"metadata": "read"} | dict(wanted)


def _narrowed_repositories(forge: Forge, installation: Document, given: dict[str, Any]) -> list[Document] | None:
    names: list[str] | None = given.get("repositories")
    ids: list[int] | None = given.get("repository_ids")
    if names is None and ids is None:
        return None
    chosen = [forge.repository(f"{installation['account']}/{name}") for name in names or []]
    chosen += [forge.store.table("repositories").get(number) for number in ids or []]
    covered = installation["repositories"]
    found: list[Document] = []
    for repository in chosen:
        if (
            repository is None
            or repository["owner"]["login"] != installation["account"]
            or (covered is not None and repository["full_name"].lower() not in covered)
        ):
            raise GitHubError(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            )
        found.append(repository)
    return found


@route("GET", "/installation/repositories", permission="authenticated")
def list_installation_repositories(request: Request) -> Answer:
    """Repositories that the token of an installation reaches."""
    principal, forge = request.principal, request.forge
    if not principal.is_integration:
        raise GitHubError(403, "You must authenticate with an installation access token in order to list repositories.")
    found = [
        repositories.view(forge, repository)
        for repository in forge.store.table("repositories")
        if repository["owner"]["login"] == principal.owner
        and (principal.repositories is None or repository["full_name"].lower() in principal.repositories)
    ]
    return Page(found, "repositories")


@route("DELETE", "/installation/token", permission="authenticated")
def revoke_token(request: Request) -> Answer:
    """Ends the installation token that the request is made with."""
    if request.principal.kind is not Kind.INSTALLATION:
        raise GitHubError(403, "Resource not accessible by integration")
    request.forge.tokens.revoke(request.headers["authorization"].split(" ", 1)[1])
    return None
