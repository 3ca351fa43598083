"""REST of git objects: blobs, trees, commits and annotated tags."""

import base64
import binascii
import datetime as dt
from typing import Any, cast

from sandbox.github.core.clock import stamp
from sandbox.github.core.errors import GitHubError, not_found, unprocessable
from sandbox.github.core.git import GitError, Signature
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import items
from sandbox.github.git import commits
from sandbox.github.repositories import repositories

MODES = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree", "160000": "commit"}


def _must_be_filled(request: Request) -> None:
    # GitHub has no object store for a repository until its first push or file.
    if not request.git.refs("refs/heads/"):
        raise GitHubError(409, "Git Repository is empty.")


@route("POST", "/repos/{owner}/{repo}/git/blobs", permission="contents:write")
def create_blob(request: Request) -> Answer:
    """Stores the content of a file."""
    _must_be_filled(request)
    content = str(request.required("content"))
    sha = request.git.write_blob(_decoded(content, request.data().get("encoding", "utf-8")))
    return 201, {"sha": sha, "url": f"{request.repository_url}/git/blobs/{sha}"}


def _decoded(content: str, encoding: str) -> bytes:
    if encoding != "base64":
        return content.encode()
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except binascii.Error as error:
        raise unprocessable("content is not valid Base64") from error


@route("GET", "/repos/{owner}/{repo}/git/blobs/{sha}", permission="contents:read")
def read_blob(request: Request) -> Answer:
    """Content of a blob."""
    sha = request.git.resolve(request.params["sha"], "blob")
    if sha is None:
        raise not_found()
    content = request.git.blob(sha)
    return {
        "sha": sha,
        "node_id": f"B_{sha}",
        "size": len(content),
        "url": f"{request.repository_url}/git/blobs/{sha}",
        "encoding": "base64",
        "content": base64.encodebytes(content).decode(),
    }


def _tree_view(request: Request, sha: str, *, recursive: bool) -> dict[str, Any]:
    entries: list[dict[str, Any]] = []
    for entry in request.git.entries(sha, recursive=recursive):
        folder = {"blob": "blobs", "tree": "trees", "commit": "commits"}[entry.kind]
        shown: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.kind, "sha": entry.sha}
        if entry.size is not None:
            shown["size"] = entry.size
        entries.append(shown | {"url": f"{request.repository_url}/git/{folder}/{entry.sha}"})
    return {"sha": sha, "url": f"{request.repository_url}/git/trees/{sha}", "tree": entries, "truncated": False}


@route("GET", "/repos/{owner}/{repo}/git/trees/{ref:path}", permission="contents:read")
def read_tree(request: Request) -> Answer:
    """Entries of a tree, of folders below it too with `recursive`."""
    git, name = request.git, request.params["ref"]
    commit = git.find_commit(name)
    sha = git.resolve(commit or name, "tree")
    if sha is None:
        raise not_found()
    return _tree_view(request, sha, recursive="recursive" in request.query)


@route("POST", "/repos/{owner}/{repo}/git/trees", permission="contents:write")
def create_tree(request: Request) -> Answer:
    """Stores a tree: another one with some entries changed, or one of these entries alone."""
    _must_be_filled(request)
    git, given = request.git, request.data()
    base = given.get("base_tree")
    if base is not None and git.resolve(str(base), "tree") is None:
        raise unprocessable("base_tree is not a valid tree SHA")
    entries: Any = request.required("tree")
    if not isinstance(entries, list) or not entries:
        raise unprocessable("Invalid tree info")
    changes = [_change(request, entry) for entry in cast("list[dict[str, Any]]", entries)]
    try:
        tree = git.write_tree(git.resolve(str(base), "tree") if base else None, changes)
    except GitError as error:
        raise unprocessable(f"tree could not be written: {error}") from error
    return 201, _tree_view(request, tree, recursive=False)


def _change(request: Request, entry: dict[str, Any]) -> tuple[str, str, str | None]:
    path, mode = str(entry.get("path") or ""), str(entry.get("mode") or "100644")
    parts = path.split("/")
    if not path or any(part in ("", ".", "..", ".git") for part in parts):
        raise unprocessable("tree.path contains a malformed path component")
    if mode not in MODES:
        raise unprocessable("Must supply a valid tree.mode")
    if "content" in entry:
        return path, mode, request.git.write_blob(str(entry["content"]).encode())
    sha = entry.get("sha")
    if sha is not None and mode != "160000" and request.git.resolve(str(sha), MODES[mode]) is None:
        raise unprocessable(f"tree.sha {sha} is not a valid {MODES[mode]}")
    return path, mode, sha


@route("POST", "/repos/{owner}/{repo}/git/commits", permission="contents:write")
def create_commit(request: Request) -> Answer:
    """Stores a commit; no ref moves."""
    _must_be_filled(request)
    git, given = request.git, request.data()
    tree = git.resolve(str(request.required("tree")), "tree")
    message = str(request.required("message"))
    if tree is None:
        raise unprocessable("Tree SHA does not exist")
    parents = [str(parent) for parent in items(given, "parents")]
    for parent in parents:
        if git.resolve(parent) is None:
            raise unprocessable("Parent SHA does not exist or is not a commit object")
    author = signature_of(request, given.get("author"))
    committer = signature_of(request, given.get("committer")) if given.get("committer") else author
    sha = git.write_commit(tree, parents, message, author, committer)
    return 201, commits.git_view(request.forge, request.repository, commits.read_one(git, sha))


def signature_of(request: Request, given: dict[str, Any] | None) -> Signature:
    """The signature that a body gives, or the caller's own."""
    own = repositories.signature(request.forge, request.principal)
    if not given:
        return own
    return Signature(given.get("name") or own.name, given.get("email") or own.email, given.get("date"))


@route("GET", "/repos/{owner}/{repo}/git/commits/{sha}", permission="contents:read")
def read_commit(request: Request) -> Answer:
    """One commit object."""
    sha = request.git.resolve(request.params["sha"])
    if sha is None:
        raise not_found()
    return commits.git_view(request.forge, request.repository, commits.read_one(request.git, sha))


@route("POST", "/repos/{owner}/{repo}/git/tags", permission="contents:write")
def create_tag(request: Request) -> Answer:
    """Stores an annotated tag object; a ref to it is made by `POST /git/refs`."""
    git, given = request.git, request.data()
    target, kind = str(request.required("object")), str(given.get("type") or "commit")
    if git.resolve(target, kind) is None:
        raise unprocessable("Object does not exist")
    tagger = signature_of(request, given.get("tagger"))
    epoch = git.text("log", "-1", "--format=%ct", "HEAD") if git.resolve("HEAD") else "0"
    text = f"object {target}\ntype {kind}\ntag {request.required('tag')}\n"
    text += f"tagger {tagger.name} <{tagger.email}> {epoch} +0000\n\n{request.required('message')}\n"
    sha = git.text("mktag", stdin=text.encode())
    return 201, _tag_view(request, sha)


@route("GET", "/repos/{owner}/{repo}/git/tags/{sha}", permission="contents:read")
def read_tag(request: Request) -> Answer:
    """One annotated tag object."""
    sha = request.git.resolve(request.params["sha"], "tag")
    if sha is None:
        raise not_found()
    return _tag_view(request, sha)


def _tag_view(request: Request, sha: str) -> dict[str, Any]:
    head, _, message = request.git.text("cat-file", "tag", sha).partition("\n\n")
    facts = dict(line.split(" ", 1) for line in head.splitlines())
    name, _, rest = facts.get("tagger", "").partition(" <")
    email, _, written = rest.partition("> ")
    date = stamp(dt.datetime.fromtimestamp(int(written.partition(" ")[0] or 0), dt.UTC))
    return {
        "sha": sha,
        "node_id": f"TA_{sha}",
        "tag": facts["tag"],
        "url": f"{request.repository_url}/git/tags/{sha}",
        "message": message,
        "tagger": {"name": name, "email": email, "date": date},
        "object": {
            "sha": facts["object"],
            "type": facts["type"],
            "url": f"{request.repository_url}/git/{facts['type']}s/{facts['object']}",
        },
        "verification": dict(commits.UNSIGNED),
    }
