"""REST of commits: list, read, compare, and where a commit is the head."""

from typing import Any
from urllib.parse import unquote

from starlette.responses import Response

from sandbox.github.core.errors import GitHubError, not_found
from sandbox.github.core.git import EMPTY_TREE
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.git import commits
from sandbox.github.repositories import repositories
from sandbox.github.rules import rules

MOST_LISTED = 5000


@route("GET", "/repos/{owner}/{repo}/commits", permission="contents:read")
def list_commits(request: Request) -> Answer:
    """Commits reachable from a ref, newest first; by path, author and time."""
    git, query = request.git, request.query
    start = query.get("sha") or request.repository["default_branch"]
    found = git.find_commit(start)
    if found is None:
        if not git.refs("refs/heads/"):
            raise GitHubError(409, "Git Repository is empty.")
        raise not_found()
    arguments = [f"--max-count={MOST_LISTED}", found]
    arguments += [f"--{name}={query[name]}" for name in ("since", "until", "author", "committer") if query.get(name)]
    if query.get("path"):
        arguments += ["--", query["path"]]
    listed = commits.read_many(git, *arguments)
    return [commits.view(request.forge, request.repository, commit) for commit in listed]


@route("GET", "/repos/{owner}/{repo}/commits/{ref:path}", permission="contents:read")
def read_commit(request: Request) -> Answer:
    """One commit with its files, or its id alone (`Accept: application/vnd.github.sha`)."""
    git = request.git
    sha = commits.must_find(git, request.params["ref"])
    if "application/vnd.github.sha" in request.headers.get("accept", ""):
        return Response(sha, media_type="application/vnd.github.sha; charset=utf-8")
    commit = commits.read_one(git, sha)
    shown = commits.view(request.forge, request.repository, commit)
    base = commit["parents"][0] if commit["parents"] else EMPTY_TREE
    files = commits.changed_files(request.forge, request.repository, git, base, sha)
    added, removed = sum(file["additions"] for file in files), sum(file["deletions"] for file in files)
    return shown | {"files": files, "stats": {"additions": added, "deletions": removed, "total": added + removed}}


@route("GET", "/repos/{owner}/{repo}/commits/{sha}/branches-where-head", permission="contents:read")
def branches_where_head(request: Request) -> Answer:
    """Branches whose head is this commit."""
    git = request.git
    sha = commits.must_find(git, request.params["sha"])
    heads = git.refs("refs/heads/")
    return [
        {
            "name": ref[11:],
            "commit": {"sha": sha, "url": f"{request.repository_url}/commits/{sha}"},
            "protected": rules.is_protected(request.forge, request.repository, ref[11:]),
        }
        for ref, head in heads.items()
        if head == sha
    ]


@route("GET", "/repos/{owner}/{repo}/compare/{spec:path}", permission="contents:read")
def compare(request: Request) -> Answer:
    """`base...head`: how far they are apart, the commits between them and the files that differ."""
    base_name, separator, head_name = unquote(request.params["spec"]).partition("...")
    if not separator:
        raise not_found()
    git, forge, repository = request.git, request.forge, request.repository
    owner = repository["owner"]["login"]
    base, head = (git.find_commit(name.removeprefix(f"{owner}:")) for name in (base_name, head_name))
    if base is None or head is None:
        raise not_found()
    common = git.merge_base(base, head)
    if common is None:
        raise GitHubError(404, f"No common ancestor between {base_name} and {head_name}.")
    behind, ahead = (
        int(count) for count in git.text("rev-list", "--left-right", "--count", f"{base}...{head}").split()
    )
    status = {(True, True): "diverged", (True, False): "ahead", (False, True): "behind"}.get(
        (ahead > 0, behind > 0), "identical"
    )
    between: list[dict[str, Any]] = commits.read_many(git, "--reverse", f"{common}..{head}")
    html = f"{repositories.view(forge, repository)['html_url']}/compare/{base_name}...{head_name}"
    return {
        "url": f"{request.repository_url}/compare/{base_name}...{head_name}",
        "html_url": html,
        "permalink_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "base_commit": commits.view(forge, repository, commits.read_one(git, base)),
        "merge_base_commit": commits.view(forge, repository, commits.read_one(git, common)),
        "status": status,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [commits.view(forge, repository, commit) for commit in between[-250:]],
        "files": commits.changed_files(forge, repository, git, common, head),
    }
