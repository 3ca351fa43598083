"""Delivery by pull request: at most one open request for a service in an environment."""

from __future__ import annotations

from dataclasses import dataclass

from slipway_release import fields, history, release_file, workflow
from slipway_release.contents import ConflictError, Contents
from slipway_release.errors import ApiError
from slipway_release.fields import Document
from slipway_release.github import quoted
from slipway_release.platform_file import Environment
from slipway_release.release_file import ReleaseFile

_MERGE = """
mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) { clientMutationId } }
"""


@dataclass(frozen=True)
class PullRequest:
    """An open request of this program."""

    number: int
    node: str
    url: str
    branch: str

    @property
    def version(self) -> str:
        return self.branch.rpartition("/")[2]


def branch_of(environment: str, service: str, version: str, kind: str = "release") -> str:
    return f"{kind}/{environment}/{service}/{version}"


def placement_of(branch: str) -> tuple[str, str] | None:
    """The environment and service that a request's branch is of, or None for other people's branches."""
    parts = branch.split("/")
    return (parts[1], parts[2]) if len(parts) == 4 and parts[0] in {"release", "rollback", "hold"} else None


def open_requests(contents: Contents, environment: Environment, service: str) -> list[PullRequest]:
    """The open requests for a service in an environment."""
    found: list[PullRequest] = []
    query = {"state": "open", "base": environment.target_branch}
    for item in contents.github.pages(f"/repos/{contents.repository}/pulls", query):
        head = fields.child(item, "head", "pull request")
        repository = fields.optional_document(head, "repo") or {}
        own = str(repository.get("full_name")).lower() == contents.repository.lower()
        branch = fields.text(head, "ref", "pull request.head")
        if own and placement_of(branch) == (environment.name, service):
            found.append(_pull_request(item, branch))
    return found


def ask(
    contents: Contents,
    environment: Environment,
    service: str,
    wanted: ReleaseFile,
    *,
    branch: str,
    title: str,
    body: str,
) -> PullRequest:
    """Open the request, or bring the open one of the same branch up to date."""
    path = release_file.path_of(environment.name, service)
    _commit(contents, environment.target_branch, branch, path, wanted, message=f"{title}\n\n{body}")
    for request in open_requests(contents, environment, service):
        if request.branch == branch:
            return request
    made = contents.github.post(
        f"/repos/{contents.repository}/pulls",
        {"title": title, "body": body, "head": branch, "base": environment.target_branch},
    )
    return _pull_request(made, branch)


def close(contents: Contents, request: PullRequest, reason: str) -> None:
    base = f"/repos/{contents.repository}"
    contents.github.post(f"{base}/issues/{request.number}/comments", {"body": reason})
    contents.github.patch(f"{base}/pulls/{request.number}", {"state": "closed"})
    contents.github.call("DELETE", f"{base}/git/refs/heads/{quoted(request.branch, slashes=True)}")


def merge_when_allowed(contents: Contents, request: PullRequest) -> str | None:
    """Let the request merge itself once its checks pass. Returns the commit if it could be merged at once."""
    try:
        contents.github.graphql(_MERGE, {"id": request.node})
    except ApiError as error:
        if "clean status" not in error.message.lower():
            workflow.say(f"{request.url}: does not merge by itself ({error.message}); somebody has to")
            return None
    else:
        workflow.say(f"{request.url}: merges by itself once its checks have passed")
        return None
    # Nothing is left to wait for, and GitHub then wants a plain merge instead.
    response = contents.github.call(
        "PUT", f"/repos/{contents.repository}/pulls/{request.number}/merge", {"merge_method": "squash"}
    )
    if not response.ok:
        workflow.say(f"{request.url}: does not merge by itself ({response.message}); somebody has to")
        return None
    return fields.text(fields.document(response.json(), "merge"), "sha", "merge")


def _commit(contents: Contents, base: str, branch: str, path: str, wanted: ReleaseFile, *, message: str) -> None:
    """One commit on top of the base branch; what the request's branch had before is replaced."""
    attempt = 0
    while True:
        head = history.branch_head(contents.github, contents.repository, base)
        existing = contents.read(path, branch) if _has_branch(contents, branch) else None
        if existing is not None and existing.content == wanted.dump():
            return
        _point(contents, branch, head or base)
        found = contents.read(path, branch)
        try:
            contents.write(path, wanted.dump(), message, branch, found.sha if found else None)
        except ConflictError as conflict:
            contents.github.transport.pause(attempt, f"{branch}: {conflict}")
            attempt += 1
            continue
        return


def _has_branch(contents: Contents, branch: str) -> bool:
    return history.branch_head(contents.github, contents.repository, branch) is not None


def _point(contents: Contents, branch: str, commit: str) -> None:
    base = f"/repos/{contents.repository}/git/refs"
    try:
        contents.github.post(base, {"ref": f"refs/heads/{branch}", "sha": commit})
    except ApiError as error:
        if error.status not in {409, 422}:
            raise
        contents.github.patch(f"{base}/heads/{quoted(branch, slashes=True)}", {"sha": commit, "force": True})


def _pull_request(source: Document, branch: str) -> PullRequest:
    where = "pull request"
    return PullRequest(
        fields.number(source, "number", where),
        fields.text(source, "node_id", where),
        fields.text(source, "html_url", where),
        branch,
    )
