"""REST of refs, branches and tags."""

from typing import Any

from sandbox.github.core.errors import GitHubError, invalid_field, not_found, unprocessable
from sandbox.github.core.git import ZERO
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.git import commits, publishing, updates
from sandbox.github.repositories import repositories
from sandbox.github.rules import protection, rules


def _view(request: Request, ref: str, sha: str) -> dict[str, Any]:
    kind = request.git.kind(sha)
    folder = {"commit": "commits", "tag": "tags", "tree": "trees", "blob": "blobs"}[kind]
    return {
        "ref": ref,
        "node_id": f"REF_{request.repository['id']}_{ref}",
        "url": f"{request.repository_url}/git/{ref}",
        "object": {"sha": sha, "type": kind, "url": f"{request.repository_url}/git/{folder}/{sha}"},
    }


def _must_be_filled(request: Request) -> None:
    if not request.git.refs("refs/heads/"):
        raise GitHubError(409, "Git Repository is empty.")


@route("GET", "/repos/{owner}/{repo}/git/ref/{ref:path}", permission="contents:read")
def read_ref(request: Request) -> Answer:
    """One ref by its exact name."""
    _must_be_filled(request)
    ref = f"refs/{request.params['ref']}"
    sha = request.git.ref(ref)
    if sha is None:
        raise not_found()
    return _view(request, ref, sha)


@route("GET", "/repos/{owner}/{repo}/git/matching-refs/{ref:path}", permission="contents:read")
def matching_refs(request: Request) -> Answer:
    """All refs whose names start as given."""
    start = f"refs/{request.params['ref']}"
    found = request.git.refs().items()
    return [_view(request, ref, sha) for ref, sha in found if ref.startswith(start)]


@route("GET", "/repos/{owner}/{repo}/git/matching-refs/", permission="contents:read")
def all_refs(request: Request) -> Answer:
    """All refs."""
    return [_view(request, ref, sha) for ref, sha in request.git.refs().items()]


@route("POST", "/repos/{owner}/{repo}/git/refs", permission="contents:write")
def create_ref(request: Request) -> Answer:
    """Makes a branch or a tag at an existing object."""
    ref, sha = str(request.required("ref")), str(request.required("sha"))
    _must_be_filled(request)
    git = request.git
    if not ref.startswith("refs/") or ref.count("/") < 2 or git.attempt("check-ref-format", ref) is None:
        raise unprocessable("Reference name is not valid. It must start with 'refs/heads/' or 'refs/tags/'.")
    if text := updates.name_refusal(ref):
        raise unprocessable(text)
    if git.resolve(sha, "object") != sha:
        raise unprocessable("Object does not exist")
    if ref.startswith("refs/heads/") and git.resolve(sha) != sha:
        raise unprocessable("Object is not a commit")
    update = RefUpdate(ref, ZERO, sha)
    with git.lock:
        if git.ref(ref) is not None:
            raise unprocessable("Reference already exists")
        updates.apply(request.forge, request.repository, request.principal, [update])
    publishing.pushed(request.forge, request.repository, request.principal, [update])
    return 201, _view(request, ref, sha)


@route("PATCH", "/repos/{owner}/{repo}/git/refs/{ref:path}", permission="contents:write")
def move_ref(request: Request) -> Answer:
    """Moves a ref; backwards or sideways only with `force`."""
    git, ref = request.git, f"refs/{request.params['ref']}"
    sha = str(request.required("sha"))
    with git.lock:
        old = git.ref(ref)
        if old is None:
            raise unprocessable("Reference does not exist")
        if git.resolve(sha, "object") != sha:
            raise unprocessable("Object does not exist")
        if not request.data().get("force") and not git.is_ancestor(old, sha):
            raise unprocessable("Update is not a fast forward")
        update = RefUpdate(ref, old, sha)
        if old != sha:
            updates.apply(request.forge, request.repository, request.principal, [update])
    if old != sha:
        publishing.pushed(request.forge, request.repository, request.principal, [update])
    return _view(request, ref, sha)


@route("DELETE", "/repos/{owner}/{repo}/git/refs/{ref:path}", permission="contents:write")
def delete_ref(request: Request) -> Answer:
    """Deletes a branch or a tag."""
    ref = f"refs/{request.params['ref']}"
    old = request.git.ref(ref)
    if old is None:
        raise unprocessable("Reference does not exist")
    if ref == f"refs/heads/{request.repository['default_branch']}":
        raise unprocessable("Cannot delete the default branch")
    updates.move(request.forge, request.repository, request.principal, [publishing.deleted(ref, old)])
    return None


@route("GET", "/repos/{owner}/{repo}/branches", permission="contents:read")
def list_branches(request: Request) -> Answer:
    """All branches, or only those that are (not) protected."""
    shown = [
        {
            "name": ref[11:],
            "commit": {"sha": sha, "url": f"{request.repository_url}/commits/{sha}"},
            "protected": rules.is_protected(request.forge, request.repository, ref[11:]),
        }
        for ref, sha in request.git.refs("refs/heads/").items()
    ]
    wanted = request.query.get("protected")
    return [branch for branch in shown if wanted is None or branch["protected"] == (wanted == "true")]


@route("GET", "/repos/{owner}/{repo}/branches/{branch:path}", permission="contents:read")
def read_branch(request: Request) -> Answer:
    """One branch with its newest commit."""
    return _branch_view(request, request.params["branch"])


def _branch_view(request: Request, name: str) -> dict[str, Any]:
    git = request.git
    sha = git.resolve(f"refs/heads/{name}")
    if sha is None:
        raise GitHubError(404, "Branch not found")
    guarded = rules.is_protected(request.forge, request.repository, name)
    url = f"{request.repository_url}/branches/{name}"
    return {
        "name": name,
        "commit": commits.view(request.forge, request.repository, commits.read_one(git, sha)),
        "_links": {"self": url, "html": f"{request.forge.url}/{request.repository['full_name']}/tree/{name}"},
        "protected": guarded,
        "protection": {
            "enabled": guarded,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
        },
        "protection_url": f"{url}/protection",
    }


@route("GET", "/repos/{owner}/{repo}/branches/{branch:path}/protection", permission="administration:read")
def read_protection(request: Request) -> Answer:
    """Branch protection is kept and shown by GraphQL; REST says only whether there is one."""
    rule = protection.rule_for(request.forge, request.repository, f"refs/heads/{request.params['branch']}")
    if rule is None:
        raise GitHubError(404, "Branch not protected")
    return {
        "url": f"{request.repository_url}/branches/{request.params['branch']}/protection",
        "enforce_admins": {"enabled": rule["isAdminEnforced"]},
        "required_linear_history": {"enabled": rule["requiresLinearHistory"]},
        "allow_force_pushes": {"enabled": rule["allowsForcePushes"]},
        "allow_deletions": {"enabled": rule["allowsDeletions"]},
        "lock_branch": {"enabled": rule["lockBranch"]},
    }


@route("POST", "/repos/{owner}/{repo}/branches/{branch:path}/rename", permission="administration:write")
def rename_branch(request: Request) -> Answer:
    """Gives a branch another name."""
    git, old = request.git, request.params["branch"]
    new = str(request.required("new_name"))
    if git.ref(f"refs/heads/{old}") is None:
        raise not_found()
    if git.attempt("check-ref-format", f"refs/heads/{new}") is None or git.ref(f"refs/heads/{new}") is not None:
        raise invalid_field("Branch", "new_name")
    git.run("branch", "-m", old, new)
    if request.repository["default_branch"] == old:
        repositories.change(request.forge, request.repository, {"default_branch": new})
    return 201, _branch_view(request, new)


@route("GET", "/repos/{owner}/{repo}/tags", permission="contents:read")
def list_tags(request: Request) -> Answer:
    """All tags with the commits they lead to, the greatest name first."""
    git = request.git
    shown: list[dict[str, Any]] = []
    for ref in sorted(git.refs("refs/tags/"), reverse=True):
        sha = git.resolve(ref)
        if sha:
            name = ref[10:]
            shown.append(
                {
                    "name": name,
                    "commit": {"sha": sha, "url": f"{request.repository_url}/commits/{sha}"},
                    "zipball_url": f"{request.repository_url}/zipball/{ref}",
                    "tarball_url": f"{request.repository_url}/tarball/{ref}",
                    "node_id": f"REF_{request.repository['id']}_{ref}",
                }
            )
    return shown
