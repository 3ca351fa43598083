"""Who may do what: roles of people, permissions of Apps and workflow runs, scopes of classic tokens.

Every route names the permission it needs; `authorise` is the one place where that is decided. What a caller may not see
does not exist for it (404); what it sees but may not do is refused (403).
"""

from urllib.parse import urlencode

from sandbox.github.access import accounts
from sandbox.github.core.errors import GitHubError, forbidden, not_found, requires_authentication
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.requests import Request
from sandbox.github.core.routing import API, Route
from sandbox.github.core.store import Document
from sandbox.github.core.uses import LEVELS

ROLES = ("none", "read", "triage", "write", "maintain", "admin")

_READ = "metadata contents issues pull_requests actions deployments statuses checks environments pages packages"
_WRITE = "contents issues pull_requests actions deployments statuses checks secrets actions_variables workflows"
_ADMINISTER = "administration environments repository_hooks security_events vulnerability_alerts"


def _each(names: str, level: str) -> dict[str, str]:
    return {str(name): level for name in names.split()}


_ROLE_GRANTS: dict[str, dict[str, str]] = {}
_ROLE_GRANTS["none"] = {}
# A person who may read may also open pull requests, review and comment.
_ROLE_GRANTS["read"] = _each(_READ, "read") | {"participation": "write"}
_ROLE_GRANTS["triage"] = _ROLE_GRANTS["read"] | {"issues": "write"}
_ROLE_GRANTS["write"] = _ROLE_GRANTS["triage"] | _each(_WRITE, "write")
_ROLE_GRANTS["maintain"] = _ROLE_GRANTS["write"] | {"pages": "write", "administration": "read"}
_ROLE_GRANTS["admin"] = _ROLE_GRANTS["maintain"] | _each(_ADMINISTER, "write")

_FREE = {"public", "authenticated", "user", "app", "site_admin"}


def repository_role(forge: Forge, login: str, repository: Document) -> str:
    """The highest role that a person has in a repository: as owner, by organisation, collaboration or team."""
    owner = repository["owner"]["login"]
    if login and login.lower() == owner.lower():
        return "admin"
    roles = ["read"] if repository["visibility"] == "public" else []
    if accounts.find_user(forge, login) is None:
        return highest(roles)
    if repository["visibility"] == "internal":
        roles.append("read")
    organization = accounts.find_organization(forge, owner)
    if organization is not None:
        membership = accounts.membership(forge, organization, login)
        if membership == "admin":
            return "admin"
        if membership == "member":
            roles.append(organization["default_repository_permission"])
    collaboration = forge.store.table("collaborators").get(f"{repository['id']}/{login.lower()}")
    if collaboration is not None:
        roles.append(collaboration["role"])
    roles += [role for _, role in accounts.teams_of(forge, login, repository)]
    return highest(roles)


def highest(roles: list[str]) -> str:
    """The strongest of some roles; `none` if there are none."""
    return max([*roles, "none"], key=ROLES.index)


def granted(forge: Forge, principal: Principal, repository: Document) -> dict[str, str]:
    """Everything that a caller may do in a repository: permission → level. Empty: it may not even see it."""
    public = _each(_READ, "read") if repository["visibility"] == "public" else {}
    if principal.kind in (Kind.ANONYMOUS, Kind.APP):
        return public
    if principal.is_integration:
        refuse_suspended(forge, principal.installation_id)
        if not _covers(principal, repository):
            return public
        own = {"metadata": "read"} | (principal.permissions or {})
        return public | own
    grants = _ROLE_GRANTS[repository_role(forge, principal.login, repository)]
    if principal.scopes is not None and "repo" not in principal.scopes:
        if repository["visibility"] != "public":
            return {}
        if "public_repo" not in principal.scopes:
            return public
    if principal.permissions is not None:
        grants = {name: _lower(level, principal.permissions.get(name, "none")) for name, level in grants.items()}
    return grants


def refuse_suspended(forge: Forge, installation_id: int | None) -> None:
    """An installation that is suspended does nothing, with new tokens or old ones.

    Raises:
        GitHubError: 403.
    """
    found = forge.store.table("installations").get(installation_id) if installation_id is not None else None
    if found is not None and found.get("suspended_at"):
        raise forbidden("This installation has been suspended")


def _covers(principal: Principal, repository: Document) -> bool:
    if principal.owner is not None and principal.owner.lower() != repository["owner"]["login"].lower():
        return False
    return principal.repositories is None or repository["full_name"].lower() in principal.repositories


def _lower(one: str, other: str) -> str:
    return min(one, other, key=LEVELS.index)


def satisfies(grants: dict[str, str], permission: str) -> str | None:
    """The first alternative of a route's permission that the grants hold; None if they hold none."""
    for alternative in permission.split("|"):
        name, _, level = alternative.partition(":")
        if LEVELS.index(grants.get(name, "none")) >= LEVELS.index(level or "read"):
            return alternative
    return None


def allowed(forge: Forge, principal: Principal, repository: Document, permission: str) -> bool:
    """True if the caller holds a permission (`contents:write`) in a repository."""
    return satisfies(granted(forge, principal, repository), permission) is not None


def organization_grants(forge: Forge, principal: Principal, organization: Document) -> dict[str, str]:
    """What a caller may do in an organisation: permission → level."""
    if principal.is_integration:
        refuse_suspended(forge, principal.installation_id)
        covered = (principal.owner or "").lower() == organization["login"].lower()
        return dict(principal.permissions or {}) if covered else {}
    if principal.kind is not Kind.USER:
        return {}
    role = accounts.membership(forge, organization, principal.login)
    scopes = principal.scopes
    if role == "admin":
        writes = scopes is None or bool(scopes & {"admin:org", "write:org"})
        level = "write" if writes else "read"
        grants = {"members": level, "organization_administration": level}
        # Creating a repository in an organisation needs `repo`, not a scope on the organisation.
        return grants | {"administration": "write" if scopes is None or scopes & {"repo", "public_repo"} else "read"}
    return {"members": "read", "organization_administration": "read"} if role == "member" else {}


def authorise(request: Request, route: Route) -> None:
    """Looks up what the path names and lets the request through, or refuses it.

    Raises:
        GitHubError: 401, 403 or 404.
    """
    principal = request.principal
    if route.permission in _FREE:
        _check_caller(principal, route.permission, request)
    if "repo" in request.params and "owner" in request.params:
        _authorise_repository(request, route)
    elif "org" in request.params:
        _authorise_organization(request, route)
    if route.scope and principal.scopes is not None and route.scope not in principal.scopes:
        raise forbidden(f"This operation needs the scope {route.scope}, which the token does not have.")


def _check_caller(principal: Principal, permission: str, request: Request) -> None:
    if permission == "public":
        return
    if principal.kind is Kind.ANONYMOUS:
        raise requires_authentication()
    if permission == "app" and principal.kind is not Kind.APP:
        raise GitHubError(401, "A JSON web token could not be decoded")
    if permission != "app" and principal.kind is Kind.APP:
        raise forbidden("This endpoint needs a user or an installation of the App.")
    if permission == "user" and principal.kind is not Kind.USER:
        raise forbidden("Resource not accessible by integration")
    if permission == "site_admin" and not accounts.is_site_admin(request.forge, principal.login):
        raise not_found()


def _authorise_repository(request: Request, route: Route) -> None:
    forge, principal = request.forge, request.principal
    repository = forge.repository(f"{request.params['owner']}/{request.params['repo']}")
    if repository is None:
        raise not_found()
    request.found_repository = repository
    if route.permission in _FREE:
        return
    grants = granted(forge, principal, repository)
    if not satisfies(grants, "metadata:read"):
        raise not_found()
    needed = satisfies(grants, route.permission)
    if needed is None:
        raise _refusal(principal, route.permission)
    forge.uses.note(principal, needed, f"{route.method} {route.path.removeprefix(API)}")
    if route.method != "GET" and repository["archived"] and "administration" not in route.permission:
        raise forbidden("Repository was archived so is read-only.")
    _check_name(request, repository)


def _check_name(request: Request, repository: Document) -> None:
    """Sends the caller of a former name on to the present one: 301 where it reads, 307 where it writes."""
    asked = f"{request.params['owner']}/{request.params['repo']}"
    if asked.lower() == repository["full_name"].lower() or not request.path.startswith(f"{API}/repos/"):
        return
    rest = request.path.removeprefix(f"{API}/repos/").split("/", 2)[2:]
    location = "/".join([f"{request.forge.api_url}/repositories/{repository['id']}", *rest])
    location += f"?{urlencode(request.query)}" if request.query else ""
    reads = request.method in ("GET", "HEAD")
    status, message = (301, "Moved Permanently") if reads else (307, "Temporary Redirect")
    raise GitHubError(status, message, headers={"Location": location}, body={"url": location})


def _authorise_organization(request: Request, route: Route) -> None:
    organization = accounts.find_organization(request.forge, request.params["org"])
    if organization is None:
        raise not_found()
    request.found_organization = organization
    if route.permission in _FREE:
        return
    if request.principal.kind is Kind.ANONYMOUS:
        raise requires_authentication()
    grants = organization_grants(request.forge, request.principal, organization)
    needed = satisfies(grants, route.permission)
    if needed is None:
        if request.principal.is_integration:
            raise _refusal(request.principal, route.permission)
        # Outsiders do not learn of teams and members; members learn that they may not.
        raise forbidden("Must be an organization owner to do that.") if grants else not_found()
    request.forge.uses.note(request.principal, needed, f"{route.method} {route.path.removeprefix(API)}")


def _refusal(principal: Principal, permission: str) -> GitHubError:
    if principal.kind is Kind.ANONYMOUS:
        return requires_authentication()
    if principal.is_integration:
        accepted = "; ".join(alternative.replace(":", "=") for alternative in permission.split("|"))
        return GitHubError(
            403,
            "Resource not accessible by integration",
            headers={"X-Accepted-GitHub-Permissions": accepted},
        )
    if principal.permissions is not None:
        return forbidden("Resource not accessible by personal access token")
    needs_admin = permission.split(":", maxsplit=1)[0] in ("administration", "environments", "repository_hooks")
    return forbidden("Must have admin rights to Repository." if needs_admin else "Must have push access to repository")
