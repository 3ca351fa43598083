"""Packages: whose they are, and what a credential may do with one.

The first push makes a package. Pushed by a workflow it belongs to that workflow's repository, and nothing but that
repository's own GITHUB_TOKEN and people reach it: it is private, and tokens of Apps do not count here at all. Names
whose first part is not an account of this GitHub are a mirror of other registries and free to read.
"""

from sandbox.github.access import accounts
from sandbox.github.access.authorization import repository_role
from sandbox.github.core.clock import now
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.store import Document

NOTHING: frozenset[str] = frozenset()
READ = frozenset({"pull"})
WRITE = frozenset({"pull", "push"})


def find(forge: Forge, name: str) -> Document | None:
    """A package by its name, `owner/image`."""
    return forge.store.table("packages").get(name.lower())


def granted(forge: Forge, principal: Principal, name: str) -> frozenset[str]:
    """What a caller may do with a package: nothing, `pull`, or `pull` and `push`."""
    owner = name.partition("/")[0]
    if accounts.find_account(forge, owner) is None:
        return WRITE if accounts.is_site_admin(forge, principal.login) else READ
    package = find(forge, name)
    public = READ if package is not None and package["visibility"] == "public" else NOTHING
    if principal.kind is Kind.WORKFLOW:
        return _of_workflow(forge, principal, owner, package) | public
    if principal.kind is Kind.USER:
        return _of_user(forge, principal, owner, package) | public
    return public


def _of_workflow(forge: Forge, principal: Principal, owner: str, package: Document | None) -> frozenset[str]:
    repository = next((forge.repository(name) for name in principal.repositories or ()), None)
    if repository is None or repository["owner"]["login"].lower() != owner.lower():
        return NOTHING
    level = (principal.permissions or {}).get("packages", "none")
    if package is None:
        return WRITE if level == "write" else NOTHING
    if package["repository_id"] != repository["id"]:
        return NOTHING
    return {"write": WRITE, "read": READ}.get(level, NOTHING)


def _of_user(forge: Forge, principal: Principal, owner: str, package: Document | None) -> frozenset[str]:
    scopes = principal.scopes or frozenset()
    most = WRITE if "write:packages" in scopes else READ if "read:packages" in scopes else NOTHING
    organization = accounts.find_organization(forge, owner)
    membership = accounts.membership(forge, organization, principal.login) if organization else None
    if membership == "admin" or principal.login.lower() == owner.lower():
        return most
    if package is None:
        return most & WRITE if membership else NOTHING
    if package["creator"] == principal.login:
        return most
    repository = forge.store.table("repositories").get(package["repository_id"] or 0)
    role = repository_role(forge, principal.login, repository) if repository else "none"
    return most if role in ("write", "maintain", "admin") else most & READ if role != "none" else NOTHING


def ensure(forge: Forge, principal: Principal, name: str) -> None:
    """Makes a package at its first push: private, and of the repository whose workflow pushes it."""
    if accounts.find_account(forge, name.partition("/")[0]) is None:
        return
    with forge.store.lock:
        if find(forge, name) is not None:
            return
        workflow = principal.kind is Kind.WORKFLOW
        repository = next((forge.repository(one) for one in principal.repositories or ()), None) if workflow else None
        package: Document = {
            "name": name,
            "visibility": "private",
            "repository_id": repository["id"] if repository else None,
            "creator": principal.login,
            "created_at": now(),
        }
        forge.store.table("packages").put(name.lower(), package)
