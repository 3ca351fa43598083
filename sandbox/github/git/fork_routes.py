"""REST of forks, and whose branches of a fork others may push to."""

from sandbox.github.access import accounts
from sandbox.github.access.authorization import allowed, organization_grants, satisfies
from sandbox.github.core.errors import forbidden
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.git import publishing
from sandbox.github.repositories import forks, repositories

FORKS = "/repos/{owner}/{repo}/forks"


@route("GET", FORKS)
def list_forks(request: Request) -> Answer:
    """Forks of a repository that the caller may see, newest first."""
    forge, found = request.forge, forks.of(request.forge, request.repository)
    visible = [fork for fork in found if allowed(forge, request.principal, fork, "metadata:read")]
    return [repositories.view(forge, fork, request.principal) for fork in reversed(visible)]


@route("POST", FORKS, permission="contents:read")
def create_fork(request: Request) -> Answer:
    """Forks a repository into the caller's account or an organisation; it is there at once, unlike GitHub's."""
    forge, principal, given = request.forge, request.principal, request.data()
    forks.check_allowed(forge, request.repository)
    organization = given.get("organization")
    if organization:
        owner = forks.must_take(accounts.find_organization(forge, str(organization)), str(organization))
        if not satisfies(organization_grants(forge, principal, owner), "administration:write"):
            raise forbidden(f"You don't have the permission to create repositories on {owner['login']}.")
    elif principal.kind is not Kind.USER:
        raise forbidden("Resource not accessible by integration")
    else:
        owner = forks.must_take(accounts.find_user(forge, principal.login), principal.login)
    if found := forks.find(forge, request.repository, owner):
        return 202, forks.full_view(forge, found, principal)
    made = forks.create(forge, request.repository, owner, given, principal)
    branch = f"refs/heads/{request.repository['default_branch']}"
    publishing.emit(
        forge,
        request.repository,
        principal,
        "fork",
        ref=branch,
        sha=request.git.resolve(branch) or "",
        payload={"forkee": repositories.view(forge, made)},
    )
    return 202, forks.full_view(forge, made, principal)


def maintained_refs(forge: Forge, principal: Principal, fork: Document) -> set[str]:
    """Branches of a fork that a caller may push to though the fork is not its own.

    They are the heads of open pull requests that let maintainers modify them, where the caller may push to the base.
    """
    return {
        f"refs/heads/{pull['head']['ref']}"
        for base in forks.network(forge, fork)[1:]
        for pull in forge.store.table("pulls").all(f"{base['id']}/")
        if pull["state"] == "open"
        and pull.get("maintainer_can_modify")
        and pull["head"].get("repository_id") == fork["id"]
        and allowed(forge, principal, base, "contents:write")
    }
