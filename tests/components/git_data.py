"""The Git data API of one repository in memory, for tests of what is written and how often."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from components.github.api import GitHubApi
from components.github.tree import Blob, blob_sha
from tests.components.wire import api

Tree = dict[str, Blob]


@dataclass
class Commit:
    tree: str
    parents: list[str]
    message: str


@dataclass
class GitData:
    """A repository `acme/guestbook`; `refuse` may answer in its place."""

    branches: dict[str, str] = field(default_factory=dict[str, str])
    trees: dict[str, Tree] = field(default_factory=dict[str, Tree])
    commits: dict[str, Commit] = field(default_factory=dict[str, Commit])
    pulls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rules: list[str] = field(default_factory=list[str])
    default_branch: str = "main"
    description: str | None = None
    writes: list[str] = field(default_factory=list[str])
    refuse: Callable[[httpx.Request], httpx.Response | None] = lambda _request: None
    texts: dict[str, str] = field(default_factory=dict[str, str])
    """What was committed by hand, by its name in Git."""
    naps: list[float] = field(default_factory=list[float])

    @classmethod
    def initialised(cls, files: dict[str, str] | None = None) -> "GitData":
        """With the commit that GitHub itself makes."""
        data = cls()
        data.commit("main", files or {"README.md": "# guestbook\n"}, "Initial commit")
        return data

    def commit(self, branch: str, files: dict[str, str], message: str = "by hand") -> None:
        parent = self.branches.get(branch)
        before = self.trees[self.commits[parent].tree] if parent else {}
        self.texts |= {blob_sha(text): text for text in files.values()}
        tree = self._keep({**before, **{path: Blob(blob_sha(text)) for path, text in files.items()}})
        self.branches[branch] = self._add(Commit(tree, [parent] if parent else [], message))

    def files(self, branch: str = "main") -> Tree:
        return self.trees[self.commits[self.branches[branch]].tree]

    def history(self, branch: str = "main") -> list[str]:
        messages: list[str] = []
        here: str | None = self.branches[branch]
        while here:
            messages.append(self.commits[here].message)
            here = next(iter(self.commits[here].parents), None)
        return messages

    def api(self) -> GitHubApi:
        return api(self._answer, sleep=self.naps.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        refused = self.refuse(request)
        if refused is not None:
            return refused
        path = request.url.path.removeprefix("/api/v3/repos/acme/guestbook")
        body: dict[str, Any] = json.loads(request.content) if request.content else {}
        if request.method != "GET":
            self.writes.append(f"{request.method} {path}")
        for (method, pattern), handler in self._routes().items():
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                return handler(*found.groups(), body)
        return _error(404, "Not Found")

    def _routes(self) -> dict[tuple[str, str], Callable[..., httpx.Response]]:
        return {
            ("GET", ""): lambda _b: _json(
                {"default_branch": self.default_branch, "name": "guestbook", "description": self.description}
            ),
            ("GET", "/git/blobs/(.+)"): self._blob,
            ("GET", "/git/ref/heads/(.+)"): self._ref,
            ("POST", "/git/refs"): lambda b: self._set(b["ref"].removeprefix("refs/heads/"), b["sha"]),
            ("PATCH", "/git/refs/heads/(.+)"): self._move,
            ("GET", "/git/trees/(.+)"): self._tree,
            ("POST", "/git/trees"): self._make_tree,
            ("GET", "/git/commits/(.+)"): self._commit,
            ("POST", "/git/commits"): self._make_commit,
            ("PUT", "/contents/(.+)"): self._contents,
            ("GET", "/rules/branches/main"): lambda _b: _json([{"type": rule} for rule in self.rules]),
            ("GET", "/pulls"): lambda _b: _json(self.pulls),
            ("POST", "/pulls"): self._open,
            ("POST", "/branches/(.+)/rename"): self._rename,
        }

    def _ref(self, branch: str, _body: object) -> httpx.Response:
        if not self.branches:
            return _error(409, "Git Repository is empty.")
        sha = self.branches.get(branch)
        return _json({"object": {"sha": sha}}) if sha else _error(404, "Not Found")

    def _set(self, branch: str, sha: str) -> httpx.Response:
        self.branches[branch] = sha
        return _json({"object": {"sha": sha}}, 201)

    def _move(self, branch: str, body: dict[str, Any]) -> httpx.Response:
        if "pull_request" in self.rules and branch == "main":
            return _error(422, "Repository rule violations found")
        if not body["force"] and self.commits[body["sha"]].parents != [self.branches[branch]]:
            return _error(422, "Update is not a fast forward")
        return self._set(branch, body["sha"])

    def _tree(self, revision: str, _body: object) -> httpx.Response:
        sha = self.commits[revision].tree if revision in self.commits else revision
        entries = [
            {"path": path, "type": "blob", "mode": blob.mode, "sha": blob.sha} for path, blob in self.trees[sha].items()
        ]
        return _json({"tree": entries, "truncated": False})

    def _blob(self, sha: str, _body: object) -> httpx.Response:
        return _json({"content": base64.b64encode(self.texts[sha].encode()).decode()})

    def _make_tree(self, body: dict[str, Any]) -> httpx.Response:
        if not self.branches:
            return _error(409, "Git Repository is empty.")
        base = body["base_tree"]
        tree = dict(self.trees[self.commits[base].tree if base in self.commits else base])
        for entry in body["tree"]:
            if "content" in entry:
                tree[entry["path"]] = Blob(blob_sha(entry["content"]), entry["mode"])
            elif entry["sha"] is None:
                del tree[entry["path"]]
            else:
                tree[entry["path"]] = Blob(entry["sha"], entry["mode"])
        return _json({"sha": self._keep(tree)}, 201)

    def _commit(self, sha: str, _body: object) -> httpx.Response:
        commit = self.commits[sha]
        return _json({"tree": {"sha": commit.tree}, "parents": [{"sha": parent} for parent in commit.parents]})

    def _make_commit(self, body: dict[str, Any]) -> httpx.Response:
        return _json({"sha": self._add(Commit(body["tree"], body["parents"], body["message"]))}, 201)

    def _contents(self, path: str, body: dict[str, Any]) -> httpx.Response:
        self.commit(body["branch"], {path: base64.b64decode(body["content"]).decode()}, body["message"])
        return _json({"commit": {"sha": self.branches[body["branch"]]}}, 201)

    def _open(self, body: dict[str, Any]) -> httpx.Response:
        head = {"ref": body["head"], "repo": {"full_name": "acme/guestbook"}}
        url = f"https://github.test/acme/guestbook/pull/{len(self.pulls) + 1}"
        self.pulls.append({"html_url": url, **body, "head": head})
        return _json(self.pulls[-1], 201)

    def _rename(self, branch: str, body: dict[str, Any]) -> httpx.Response:
        self.branches[body["new_name"]] = self.branches.pop(branch)
        return _json({}, 201)

    def _keep(self, tree: Tree) -> str:
        sha = hashlib.sha1(repr(sorted(tree.items())).encode()).hexdigest()
        self.trees[sha] = tree
        return sha

    def _add(self, commit: Commit) -> str:
        sha = hashlib.sha1(f"{len(self.commits)}{commit}".encode()).hexdigest()
        self.commits[sha] = commit
        return sha


def _json(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=body)


def _error(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message})
