"""Forks: copies of a repository that stay one network with it, so that pull requests go between them."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.errors import forbidden, invalid_field, unprocessable
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document
from sandbox.github.repositories import repositories

TABLE = "forks"
"""Every fork under `<id of the network's root>/<its own id>`."""


def source_id(repository: Document) -> int:
    """Id of the repository that a network began with; its own for one that is not a fork."""
    return int(repository.get("source_id") or repository["id"])


def network(forge: Forge, repository: Document) -> list[Document]:
    """A repository with all that pull requests may come from or go to: itself first."""
    root = source_id(repository)
    numbers = [root, *(entry["id"] for entry in forge.store.table(TABLE).all(f"{root}/"))]
    table = forge.store.table("repositories")
    found = [table.get(number) for number in numbers if number != repository["id"]]
    return [repository, *(one for one in found if one is not None)]


def of(forge: Forge, repository: Document) -> list[Document]:
    """The forks that were made of this very repository, oldest first."""
    return [one for one in network(forge, repository) if one.get("parent_id") == repository["id"]]


def check_allowed(forge: Forge, repository: Document) -> None:
    """Refuses a fork of what is not public, where the organisation or the repository does not let it be forked.

    Raises:
        GitHubError: 403.
    """
    if repository["visibility"] == "public":
        return
    organization = accounts.find_organization(forge, repository["owner"]["login"])
    if organization is None or (allows_private(organization) and repository["allow_forking"]):
        return
    raise forbidden("The repository exists, but forking is disabled.")


def allows_private(organization: Document) -> bool:
    """Whether members may fork private and internal repositories. Nobody may until an owner says so."""
    return bool(organization.get("members_can_fork_private_repositories"))


def check_setting(forge: Forge, repository: Document, given: Document) -> None:
    """Refuses `allow_forking` where the organisation does not leave it to its repositories.

    Raises:
        GitHubError: 422.
    """
    organization = accounts.find_organization(forge, repository["owner"]["login"])
    visibility = given.get("visibility") or repository["visibility"]
    if given.get("allow_forking") and visibility != "public" and organization and not allows_private(organization):
        raise unprocessable("This organization does not allow private repository forking")
    if repository.get("parent_id") and visibility != repository["visibility"]:
        raise unprocessable("The visibility of a fork is that of the repository that it was made of.")


def find(forge: Forge, repository: Document, owner: Document) -> Document | None:
    """The fork that another account has already; it has one of each network."""
    if owner["login"] == repository["owner"]["login"]:
        return None
    return next((one for one in network(forge, repository)[1:] if one["owner"]["login"] == owner["login"]), None)


def create(forge: Forge, repository: Document, owner: Document, given: Document, principal: Principal) -> Document:
    """Makes a fork on an account.

    Raises:
        GitHubError: 403, there is nothing to fork; 422, the name is malformed or taken.
    """
    git = forge.git.by_id(repository["id"])
    heads = git.refs("refs/heads/")
    if not heads:
        raise forbidden("The repository exists, but it contains no Git content. Empty repositories cannot be forked.")
    is_own = owner["login"] == repository["owner"]["login"]
    name = given.get("name") or repository["name"]
    while not given.get("name") and not is_own and forge.repository(f"{owner['login']}/{name}"):
        name += "-1"
    fields = {"name": name, "description": repository["description"], "has_issues": False}
    made = repositories.create(forge, owner, fields | {"visibility": repository["visibility"]}, principal)
    lineage = {
        "parent_id": repository["id"],
        "source_id": source_id(repository),
        "default_branch": repository["default_branch"],
    }
    made = forge.store.table("repositories").update(made["id"], lambda document: document.update(lineage))
    forge.store.table(TABLE).put(f"{lineage['source_id']}/{made['id']}", {"id": made["id"]})
    only = f"refs/heads/{repository['default_branch']}"
    wanted = [f"{only}:{only}"] if given.get("default_branch_only") else ["refs/heads/*:refs/heads/*"]
    copy = forge.git.by_id(made["id"])
    copy.fetch(git, *wanted, "refs/tags/*:refs/tags/*")
    copy.run("symbolic-ref", "HEAD", only)
    return made


def delete_private(forge: Forge, repository: Document) -> None:
    """Removes the private forks of a repository that is to be deleted; a public one begins a network of its own."""
    table = forge.store.table("repositories")
    for fork in of(forge, repository):
        if fork["visibility"] != "public":
            delete_private(forge, fork)
            repositories.delete(forge, fork)
        else:
            table.update(fork["id"], lambda document: document.update(parent_id=None, source_id=None))
        forge.store.table(TABLE).delete(f"{source_id(fork)}/{fork['id']}")
    forge.store.table(TABLE).delete(f"{source_id(repository)}/{repository['id']}")


def full_view(forge: Forge, repository: Document, principal: Principal | None = None) -> dict[str, Any]:
    """A repository as on its own page: of a fork, with what it was made of."""
    shown = repositories.view(forge, repository, principal)
    shown["forks"] = shown["forks_count"] = len(of(forge, repository))
    shown["network_count"] = len(network(forge, repository)) - 1
    table = forge.store.table("repositories")
    for name, key in (("parent", "parent_id"), ("source", "source_id")):
        if repository.get(key) and (other := table.get(repository[key])) is not None:
            shown[name] = repositories.view(forge, other)
    return shown


def must_take(owner: Document | None, login: str) -> Document:
    """The account that a fork is to be made on.

    Raises:
        GitHubError: 422, there is none.
    """
    if owner is None:
        raise invalid_field("Fork", "organization", "invalid", f"'{login}' is invalid")
    return owner
