"""The branch that a pull request brings: of its own repository or of a fork, whose commits are taken over."""

from sandbox.github.access import accounts
from sandbox.github.access.authorization import allowed
from sandbox.github.core.errors import GitHubError, forbidden, invalid_field
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document
from sandbox.github.repositories import forks


def named(forge: Forge, repository: Document, principal: Principal, given: Document) -> tuple[Document, str]:
    """The repository and the branch that `head` (`branch`, `owner:branch`) and `head_repo` name.

    Raises:
        GitHubError: 422, there is no such repository in the network, or the caller may push to neither side.
    """
    owner, colon, branch = str(given["head"]).partition(":")
    if not colon:
        owner, branch = repository["owner"]["login"], str(given["head"])
    wanted = str(given.get("head_repo") or "").rpartition("/")[2].lower()
    for one in forks.network(forge, repository):
        if one["owner"]["login"].lower() != owner.lower() or (wanted and one["name"].lower() != wanted):
            continue
        if one["id"] == repository["id"]:
            return one, branch
        if not allowed(forge, principal, one, "contents:read"):
            break
        if not any(allowed(forge, principal, side, "contents:write") for side in (one, repository)):
            raise _custom("head", "must be a collaborator")
        return one, branch
    raise invalid_field("PullRequest", "head")


def _custom(field: str, message: str) -> GitHubError:
    return invalid_field("PullRequest", field, "custom", message)


def source_of(forge: Forge, repository: Document, pull: Document) -> Document | None:
    """The repository that a pull request's branch is in; None once it is deleted."""
    return forge.store.table("repositories").get(_source_id(repository, pull))


def _source_id(repository: Document, pull: Document) -> int:
    return int(pull["head"].get("repository_id", repository["id"]))


def is_from_fork(repository: Document, pull: Document) -> bool:
    """Whether a pull request brings a branch of another repository."""
    return _source_id(repository, pull) != repository["id"]


def comes_from(repository: Document, pull: Document, source: Document, branch: str) -> bool:
    """Whether a pull request brings this very branch."""
    return _source_id(repository, pull) == source["id"] and pull["head"]["ref"] == branch


def label(forge: Forge, repository: Document, pull: Document) -> str:
    """The branch as `owner:branch`."""
    return label_in(source_of(forge, repository, pull), pull["head"]["ref"])


def label_in(source: Document | None, branch: str) -> str:
    """A branch of a repository as `owner:branch`; of one that is deleted the owner is not known any more."""
    return f"{source['owner']['login'] if source else 'unknown'}:{branch}"


def present(forge: Forge, source: Document, branch: str) -> str | None:
    """The commit that a branch is at."""
    return forge.git.by_id(source["id"]).ref(f"refs/heads/{branch}")


def bring(forge: Forge, repository: Document, source: Document, sha: str) -> None:
    """Takes a commit over from another repository of the network."""
    if source["id"] != repository["id"]:
        forge.git.by_id(repository["id"]).fetch(forge.git.by_id(source["id"]), sha)


def lends(forge: Forge, repository: Document, source: Document, given: Document) -> bool:
    """Whether who may push to the base may push to this head too: to a fork of a person, unless its owner says no.

    Raises:
        GitHubError: 422, it is asked for where the fork is an organisation's.
    """
    asked = given.get("maintainer_can_modify")
    if source["id"] == repository["id"]:
        return False
    if accounts.find_organization(forge, source["owner"]["login"]) is not None:
        if asked:
            raise _custom("fork_collab", "Fork collab can't be granted by someone without permission")
        return False
    return asked is not False


def must_push(forge: Forge, repository: Document, principal: Principal, pull: Document) -> Document:
    """The repository of the head, for a caller who may push to that branch.

    Raises:
        GitHubError: 403, it may not; 422, the fork is gone.
    """
    source = source_of(forge, repository, pull)
    if source is None:
        raise invalid_field("PullRequest", "head")
    lent = pull.get("maintainer_can_modify") and allowed(forge, principal, repository, "contents:write")
    if not lent and not allowed(forge, principal, source, "contents:write"):
        raise forbidden(f"Permission to {source['full_name']} denied to {principal.login}.")
    return source
