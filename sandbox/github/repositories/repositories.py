"""Repositories as documents: creating, changing, deleting, and the JSON that GitHub shows of them."""

import re
import unicodedata
from typing import Any

from sandbox.github.access import accounts, plans
from sandbox.github.access.authorization import repository_role
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, check_length, invalid_field, missing_field
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import EMPTY_TREE, ZERO, Signature
from sandbox.github.core.principals import Kind, Principal
from sandbox.github.core.store import Document
from sandbox.github.repositories import links

CHANGEABLE: dict[str, Any] = {
    "description": None,
    "homepage": None,
    "has_issues": True,
    "has_projects": True,
    "has_wiki": True,
    "has_downloads": True,
    "has_discussions": False,
    "is_template": False,
    "allow_squash_merge": True,
    "allow_merge_commit": True,
    "allow_rebase_merge": True,
    "allow_auto_merge": False,
    "allow_update_branch": False,
    "allow_forking": False,
    "delete_branch_on_merge": False,
    "web_commit_signoff_required": False,
    "squash_merge_commit_title": "COMMIT_OR_PR_TITLE",
    "squash_merge_commit_message": "COMMIT_MESSAGES",
    "merge_commit_title": "MERGE_MESSAGE",
    "merge_commit_message": "PR_TITLE",
    "archived": False,
}
"""Fields that a caller may set, with what a new repository has."""

VISIBILITIES = ("public", "private", "internal")

NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LONGEST_DESCRIPTION = 350

# Everything else that is kept per repository, under keys that start with the repository's id.
OWNED_TABLES = (
    "actions_settings",
    "branch_protections",
    "check_runs",
    "collaborators",
    "deploy_keys",
    "deployment_statuses",
    "deployments",
    "environments",
    "hook_deliveries",
    "hooks",
    "issue_comments",
    "labels",
    "pulls",
    "reviews",
    "rulesets",
    "secrets",
    "statuses",
    "variables",
)


def create(forge: Forge, owner: Document, given: Document, principal: Principal) -> Document:
    """Makes a repository, with a first commit if `auto_init` is set.

    Raises:
        GitHubError: 422, the name is missing, malformed or taken.
    """
    name = given.get("name")
    if not name:
        raise missing_field("name")
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in (".", ".."):
        raise invalid_field("Repository", "name", "custom", "name can only contain ASCII letters, digits, and -, _, .")
    # GitHub takes the ending of an address off, and keeps that of wikis.
    name = re.sub(r"(?i)\.git$", "", name)
    if not name or name.lower().endswith(".wiki"):
        raise invalid_field("Repository", "name", "custom", "name is reserved")
    table = forge.store.table("repositories")
    with forge.store.lock:
        if (taken := forge.repository(f"{owner['login']}/{name}")) and taken["name"].lower() == name.lower():
            raise _taken()
        repository: Document = {
            "id": table.next_id(),
            "name": name,
            "full_name": f"{owner['login']}/{name}",
            "owner": {"login": owner["login"], "id": owner["id"]},
            "default_branch": "main",
            "topics": [],
            "created_at": now(),
            "updated_at": now(),
            "pushed_at": now(),
            "next_number": 1,
            "vulnerability_alerts": False,
            "automated_security_fixes": False,
        }
        repository |= CHANGEABLE
        _apply(repository, given)
        _apply_visibility(forge, repository, given)
        forge.git.create(repository["id"], repository["default_branch"])
        table.put(repository["id"], repository)
        forge.store.table("repository_names").put(repository["full_name"].lower(), {"id": repository["id"]})
    if given.get("auto_init"):
        _first_commit(forge, repository, principal)
    return repository


def _first_commit(forge: Forge, repository: Document, principal: Principal) -> None:
    git = forge.git.by_id(repository["id"])
    text = f"# {repository['name']}\n" + (f"\n{repository['description']}\n" if repository["description"] else "")
    tree = git.write_tree(EMPTY_TREE, [("README.md", "100644", git.write_blob(text.encode()))])
    commit = git.write_commit(tree, [], "Initial commit", signature(forge, principal), GITHUB)
    git.update_ref(f"refs/heads/{repository['default_branch']}", commit, ZERO)


GITHUB = Signature("GitHub", "noreply@github.com")
"""Committer of what is committed on the web: merges and first commits."""


def signature(forge: Forge, principal: Principal) -> Signature:
    """How a caller signs commits that it makes through the API."""
    user = accounts.find_user(forge, principal.login)
    if user is not None:
        return Signature(user["name"], user["email"])
    bot = accounts.simple(forge, principal.login)
    return Signature(bot["login"], f"{bot['id']}+{bot['login']}@users.noreply.github.com")


def change(forge: Forge, repository: Document, given: Document) -> Document:
    """Applies a PATCH and returns the new document.

    Raises:
        GitHubError: 422, a value is not allowed.
    """
    branch = given.get("default_branch")
    git = forge.git.by_id(repository["id"])
    if (
        branch
        and branch != repository["default_branch"]
        and git.refs("refs/heads/")
        and not git.ref(f"refs/heads/{branch}")
    ):
        message = f"The branch {branch} was not found. Please push that ref first or create it via the Git Data API."
        raise invalid_field("Repository", "default_branch", "invalid", message)
    name = given.get("name")
    if name and name != repository["name"]:
        rename(forge, repository, name)

    def apply(document: Document) -> None:
        _apply(document, given)
        _apply_visibility(forge, document, given)
        document["updated_at"] = now()

    changed = forge.store.table("repositories").update(repository["id"], apply)
    git.run("symbolic-ref", "HEAD", f"refs/heads/{changed['default_branch']}")
    return changed


def rename(forge: Forge, repository: Document, name: str) -> None:
    """Gives a repository another name; the old one keeps leading to it."""
    if not NAME.fullmatch(name):
        raise invalid_field("Repository", "name")
    full_name = f"{repository['owner']['login']}/{name}"
    holder = forge.repository(full_name)
    if holder is not None and holder["id"] != repository["id"] and holder["full_name"].lower() == full_name.lower():
        raise _taken()
    table = forge.store.table("repositories")
    table.update(repository["id"], lambda document: document.update(name=name, full_name=full_name))
    forge.store.table("repository_names").put(full_name.lower(), {"id": repository["id"]})


def transfer(forge: Forge, repository: Document, login: str) -> Document:
    """Gives a repository to another owner; the old name keeps leading to it, and teams of the old owner lose it."""
    owner = accounts.find_organization(forge, login) or accounts.find_user(forge, login)
    full_name = f"{owner['login'] if owner else login}/{repository['name']}"
    if owner is None or forge.repository(full_name) is not None:
        raise invalid_field("Repository", "new_owner")
    access = forge.store.table("team_repositories")
    for key in access.keys():  # noqa: SIM118 - a method, not a mapping's
        if key.endswith(f"/{repository['id']}"):
            access.delete(key)
    kept = {"login": owner["login"], "id": owner["id"]}
    forge.store.table("repository_names").put(full_name.lower(), {"id": repository["id"]})
    table = forge.store.table("repositories")
    return table.update(repository["id"], lambda document: document.update(owner=kept, full_name=full_name))


def delete(forge: Forge, repository: Document) -> None:
    """Removes a repository and all that belongs to it."""
    with forge.store.lock:
        names = forge.store.table("repository_names")
        for key in names.keys():  # noqa: SIM118 - a method, not a mapping's
            if (names.get(key) or {}).get("id") == repository["id"]:
                names.delete(key)
        for table in OWNED_TABLES:
            forge.store.table(table).delete_all(f"{repository['id']}/")
        access = forge.store.table("team_repositories")
        for key in access.keys():  # noqa: SIM118 - a method, not a mapping's
            if key.endswith(f"/{repository['id']}"):
                access.delete(key)
        forge.store.table("repositories").delete(repository["id"])
    forge.git.remove(repository["id"])


def next_number(forge: Forge, repository: Document) -> int:
    """The next number of an issue or pull request."""
    numbers: list[int] = []

    def take(document: Document) -> None:
        numbers.append(document["next_number"])
        document["next_number"] += 1

    forge.store.table("repositories").update(repository["id"], take)
    return numbers[0]


def view(forge: Forge, repository: Document, principal: Principal | None = None) -> dict[str, Any]:
    """The JSON of a repository, with the caller's own permissions if a caller is given."""
    full_name = repository["full_name"]
    html, api = f"{forge.url}/{full_name}", f"{forge.api_url}/repos/{full_name}"
    host = forge.url.partition("://")[2]
    shown: dict[str, Any] = {
        "id": repository["id"],
        "node_id": f"R_{repository['id']}",
        "name": repository["name"],
        "full_name": full_name,
        "owner": accounts.simple(forge, repository["owner"]["login"]),
        "private": repository["visibility"] != "public",
        "visibility": repository["visibility"],
        "html_url": html,
        "url": api,
        "clone_url": f"{html}.git",
        "git_url": f"git://{host}/{full_name}.git",
        "ssh_url": f"git@{host.partition(':')[0]}:{full_name}.git",
        "svn_url": html,
        "default_branch": repository["default_branch"],
        "topics": repository["topics"],
        "created_at": repository["created_at"],
        "updated_at": repository["updated_at"],
        "pushed_at": repository["pushed_at"],
        "fork": bool(repository.get("parent_id")),
        "disabled": False,
        "has_pages": False,
        "language": None,
        "license": None,
        "mirror_url": None,
    }
    shown |= links.of(api) | dict.fromkeys(links.COUNTS, 0)
    shown |= {name: repository[name] for name in CHANGEABLE}
    # Everybody who can read a public repository can fork it.
    shown["allow_forking"] = repository["allow_forking"] or repository["visibility"] == "public"
    shown["use_squash_pr_title_as_default"] = repository["squash_merge_commit_title"] == "PR_TITLE"
    if "security_and_analysis" in repository:
        shown["security_and_analysis"] = repository["security_and_analysis"]
    if accounts.find_organization(forge, repository["owner"]["login"]) is not None:
        shown["organization"] = shown["owner"]
    if principal is not None and principal.kind is Kind.USER:
        shown["permissions"] = role_flags(repository_role(forge, principal.login, repository))
    return shown


def role_flags(role: str) -> dict[str, bool]:
    """A role as the five flags that GitHub shows beside it."""
    order = ("read", "triage", "write", "maintain", "admin")
    reached = order.index(role) if role in order else -1
    names = ("pull", "triage", "push", "maintain", "admin")
    return {name: index <= reached for index, name in reversed(list(enumerate(names)))}


def _check_description(given: Document) -> None:
    text = str(given.get("description") or "")
    check_length("Repository", "description", text, _LONGEST_DESCRIPTION)
    if any(unicodedata.category(one) == "Cc" for one in text):
        raise invalid_field("Repository", "description", "custom", "description control characters are not allowed")


def _apply(repository: Document, given: Document) -> None:
    _check_description(given)
    for name in (*CHANGEABLE, "default_branch", "security_and_analysis"):
        if given.get(name) is not None or (name in given and name in ("description", "homepage")):
            repository[name] = given[name]


def _apply_visibility(forge: Forge, repository: Document, given: Document) -> None:
    visibility = given.get("visibility")
    if visibility is None and given.get("private") is not None:
        visibility = "private" if given["private"] else "public"
    visibility = visibility or repository.get("visibility") or "public"
    plans.check_visibility(forge, repository["owner"]["login"], visibility)
    if visibility not in VISIBILITIES:
        raise invalid_field("Repository", "visibility")
    repository["visibility"] = visibility


def _taken() -> GitHubError:
    return GitHubError(
        422,
        "Repository creation failed.",
        [
            {
                "resource": "Repository",
                "code": "custom",
                "field": "name",
                "message": "name already exists on this account",
            }
        ],
    )
