"""REST of files: read, and write one file a commit, guarded by the id of what is replaced."""

import base64
import binascii
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from sandbox.github.core.errors import GitHubError, conflict, missing_field, not_found, unprocessable
from sandbox.github.core.git import ZERO
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.git import commits, publishing, updates
from sandbox.github.git.git_data import signature_of

LARGEST_INLINE = 1_000_000
"""Bytes up to which the content itself is in the answer."""


def _entry(request: Request, ref: str, path: str, sha: str, kind: str, size: int) -> dict[str, Any]:
    html = f"{request.forge.url}/{request.repository['full_name']}"
    quoted = quote(path)
    url = f"{request.repository_url}/contents/{quoted}?ref={quote(ref, safe='')}"
    folder = "tree" if kind == "dir" else "blob"
    git_url = f"{request.repository_url}/git/{folder}s/{sha}"
    html_url = f"{html}/{folder}/{ref}/{quoted}"
    return {
        "name": PurePosixPath(path).name,
        "path": path,
        "sha": sha,
        "size": size,
        "type": kind,
        "url": url,
        "html_url": html_url,
        "git_url": git_url,
        "download_url": None if kind == "dir" else f"{html}/raw/{ref}/{quoted}",
        "_links": {"self": url, "git": git_url, "html": html_url},
    }


@route("GET", "/repos/{owner}/{repo}/contents", permission="contents:read")
def read_root(request: Request) -> Answer:
    """The root folder."""
    return _read(request, "")


@route("GET", "/repos/{owner}/{repo}/contents/{path:path}", permission="contents:read")
def read_contents(request: Request) -> Answer:
    """A file with its content, or the entries of a folder."""
    return _read(request, request.params["path"].strip("/"))


def _read(request: Request, path: str) -> Answer:
    git = request.git
    ref = request.query.get("ref") or request.repository["default_branch"]
    commit = git.find_commit(ref)
    if commit is None:
        if not git.refs("refs/heads/"):
            raise GitHubError(404, "This repository is empty.")
        raise GitHubError(404, f"No commit found for the ref {ref}")
    sha = git.resolve(f"{commit}:{path}", "object")
    if sha is None:
        raise not_found()
    kind = git.kind(sha)
    accept = request.headers.get("accept", "")
    if kind == "tree":
        entries = _folder(request, ref, path, sha)
        if "object" in accept:
            return _entry(request, ref, path, sha, "dir", 0) | {"entries": entries}
        return entries
    content = git.blob(sha)
    if "raw" in accept:
        return Response(content, media_type="application/vnd.github.raw; charset=utf-8")
    shown = _entry(request, ref, path, sha, "file", len(content))
    if len(content) > LARGEST_INLINE:
        return shown | {"encoding": "none", "content": ""}
    return shown | {"encoding": "base64", "content": base64.encodebytes(content).decode()}


def _folder(request: Request, ref: str, path: str, tree: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for entry in request.git.entries(tree):
        shown_kind = "dir" if entry.kind == "tree" else "symlink" if entry.mode == "120000" else "file"
        full = f"{path}/{entry.path}" if path else entry.path
        entries.append(_entry(request, ref, full, entry.sha, shown_kind, entry.size or 0))
    return entries


@route("PUT", "/repos/{owner}/{repo}/contents/{path:path}", permission="contents:write")
def write_file(request: Request) -> Answer:
    """Creates a file, or replaces the one whose blob id is given."""
    given = request.data()
    if given.get("content") is None:
        raise missing_field("content")
    try:
        content = base64.b64decode("".join(str(given["content"]).split()), validate=True)
    except binascii.Error as error:
        raise unprocessable("content is not valid Base64") from error
    existed, commit = _commit(request, content)
    path = request.params["path"]
    branch = given.get("branch") or request.repository["default_branch"]
    blob = request.git.resolve(f"{commit['sha']}:{path}", "blob") or ""
    shown = _entry(request, branch, path, blob, "file", len(content))
    body = {"content": shown, "commit": commits.git_view(request.forge, request.repository, commit)}
    return (200 if existed else 201), body


@route("DELETE", "/repos/{owner}/{repo}/contents/{path:path}", permission="contents:write")
def delete_file(request: Request) -> Answer:
    """Removes the file whose blob id is given."""
    _, commit = _commit(request, None)
    return {"content": None, "commit": commits.git_view(request.forge, request.repository, commit)}


def _commit(request: Request, content: bytes | None) -> tuple[bool, dict[str, Any]]:
    """Commits one file's change; tells whether the file was there, and the commit."""
    git, given, path = request.git, request.data(), request.params["path"]
    message = str(request.required("message"))
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise unprocessable("path contains a malformed path component")
    if content is None and not given.get("sha") and "sha" in request.query:
        given["sha"] = request.query["sha"]
    branch = str(given.get("branch") or request.query.get("branch") or request.repository["default_branch"])
    branch = branch.removeprefix("refs/heads/")
    ref = f"refs/heads/{branch}"
    # Two writers of one branch come one after the other, so the second is measured against what the first left.
    with git.lock:
        head = git.ref(ref)
        if head is None and git.refs("refs/heads/"):
            raise GitHubError(404, f"Branch {branch} not found")
        present = git.resolve(f"{head}:{path}", "blob") if head else None
        _check_lock(path, present, given.get("sha"), deletes=content is None)
        blob = None if content is None else git.write_blob(content)
        tree = git.write_tree(git.resolve(head, "tree") if head else None, [(path, _mode(request, head), blob)])
        author = signature_of(request, given.get("author") or given.get("committer"))
        committer = signature_of(request, given.get("committer") or given.get("author"))
        sha = git.write_commit(tree, [head] if head else [], message, author, committer)
        update = RefUpdate(ref, head or ZERO, sha)
        updates.apply(request.forge, request.repository, request.principal, [update], status=409)
    publishing.pushed(request.forge, request.repository, request.principal, [update])
    return present is not None, commits.read_one(git, sha)


def _mode(request: Request, head: str | None) -> str:
    """The file's mode stays what it was."""
    listed = request.git.attempt("ls-tree", head, "--", request.params["path"]) if head else None
    mode = (listed or "").partition(" ")[0]
    return mode if mode in ("100644", "100755") else "100644"


def _check_lock(path: str, present: str | None, given: str | None, *, deletes: bool) -> None:
    if present is None:
        if deletes:
            raise not_found()
        if given:
            raise conflict(f"{path} does not match {given}")
        return
    if not given:
        raise missing_field("sha")
    if given != present:
        raise conflict(f"{path} does not match {given}")
