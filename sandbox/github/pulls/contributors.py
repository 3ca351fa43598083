"""What the author of a pull request is to a repository."""

from sandbox.github.access import accounts
from sandbox.github.core.forge import Forge
from sandbox.github.core.store import Document

FIRST_TIME = "FIRST_TIME_CONTRIBUTOR"
EXTERNAL = ("CONTRIBUTOR", FIRST_TIME)
"""Of people who are neither owner, nor member, nor collaborator."""


def association(forge: Forge, repository: Document, login: str) -> str:
    """GitHub's `author_association`."""
    owner = repository["owner"]["login"]
    if login.lower() == owner.lower():
        return "OWNER"
    organization = accounts.find_organization(forge, owner)
    if organization is not None and accounts.membership(forge, organization, login) is not None:
        return "MEMBER"
    if forge.store.table("collaborators").get(f"{repository['id']}/{login.lower()}") is not None:
        return "COLLABORATOR"
    if accounts.find_user(forge, login) is None:
        return "NONE"
    return "CONTRIBUTOR" if _has_contributed(forge, repository, login) else FIRST_TIME


def _has_contributed(forge: Forge, repository: Document, login: str) -> bool:
    """Whether a pull request of somebody was merged, or a commit of theirs is on the default branch."""
    for pull in forge.store.table("pulls").all(f"{repository['id']}/"):
        if pull["merged"] and pull["user"].lower() == login.lower():
            return True
    user = accounts.find_user(forge, login)
    if user is None:
        return False
    git = forge.git.by_id(repository["id"])
    span = ("--max-count=1", "--format=%H", "--fixed-strings", f"--author=<{user['email']}>")
    return bool(git.attempt("log", *span, f"refs/heads/{repository['default_branch']}"))
