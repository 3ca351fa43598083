"""REST of what pull requests have as issues: comments and labels."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.access.authorization import allowed
from sandbox.github.core.clock import now
from sandbox.github.core.errors import check_texts, forbidden, missing_field, not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, items
from sandbox.github.git import publishing
from sandbox.github.pulls import plain_issues, pulls
from sandbox.github.pulls.routes import pull_of

ISSUE = "/repos/{owner}/{repo}/issues/{number}"
READ = "issues:read|pull_requests:read"
WRITE = "issues:write|pull_requests:write|participation:write"
MANAGE = "issues:write|pull_requests:write"


def _view(request: Request, comment: Document) -> dict[str, Any]:
    html = f"{request.forge.url}/{request.repository['full_name']}/pull/{comment['number']}"
    return {
        "id": comment["id"],
        "node_id": f"IC_{comment['id']}",
        "url": f"{request.repository_url}/issues/comments/{comment['id']}",
        "html_url": f"{html}#issuecomment-{comment['id']}",
        "issue_url": f"{request.repository_url}/issues/{comment['number']}",
        "body": comment["body"],
        "user": accounts.simple(request.forge, comment["user"]),
        "author_association": "MEMBER",
        "created_at": comment["created_at"],
        "updated_at": comment["updated_at"],
    }


def _issue_view(request: Request, pull: Document) -> dict[str, Any]:
    shown = pulls.view(request.forge, request.repository, pull)
    same = (
        "id",
        "html_url",
        "number",
        "state",
        "title",
        "user",
        "body",
        "labels",
        "assignee",
        "assignees",
        "milestone",
        "node_id",
        "locked",
        "comments_url",
    )
    times = ("created_at", "updated_at", "closed_at")
    issue = {name: shown[name] for name in (*same, *times)}
    url, links = shown["issue_url"], ("url", "html_url", "diff_url", "patch_url", "merged_at")
    comments = request.forge.store.table("issue_comments").keys(f"{request.repository['id']}/{pull['number']}/")
    return issue | {
        "url": url,
        "comments": len(comments),
        "events_url": f"{url}/events",
        "labels_url": f"{url}/labels{{/name}}",
        "repository_url": request.repository_url,
        "pull_request": {name: shown[name] for name in links},
    }


def _announce(request: Request, pull: Document, action: str, comment: Document) -> None:
    repository = request.repository
    head = f"refs/heads/{repository['default_branch']}"
    publishing.emit(
        request.forge,
        repository,
        request.principal,
        "issue_comment",
        action=action,
        ref=head,
        sha=request.git.resolve(head) or "",
        payload={"issue": _issue_view(request, pull), "comment": _view(request, comment)},
    )


@route("GET", ISSUE, permission=READ)
def read_issue(request: Request) -> Answer:
    """An issue, or a pull request as one."""
    if (issue := plain_issues.find(request)) is not None:
        return plain_issues.view(request, issue)
    return _issue_view(request, pull_of(request))


@route("GET", ISSUE + "/comments", permission=READ)
def list_comments(request: Request) -> Answer:
    """Comments, oldest first."""
    prefix = f"{request.repository['id']}/{pull_of(request)['number']}/"
    return [_view(request, comment) for comment in request.forge.store.table("issue_comments").all(prefix)]


@route("POST", ISSUE + "/comments", permission=WRITE)
def create_comment(request: Request) -> Answer:
    """Comments on a pull request."""
    pull, table = pull_of(request), request.forge.store.table("issue_comments")
    if not request.data().get("body"):
        raise missing_field("body")
    check_texts("IssueComment", request.data())
    comment: Document = {
        "id": table.next_id(),
        "number": pull["number"],
        "body": request.data()["body"],
        "user": request.principal.login,
        "created_at": now(),
        "updated_at": now(),
    }
    table.put(f"{request.repository['id']}/{pull['number']}/{comment['id']}", comment)
    _announce(request, pull, "created", comment)
    return 201, _view(request, comment)


def _find(request: Request) -> tuple[str, Document]:
    ending, table = f"/{request.number('comment_id')}", request.forge.store.table("issue_comments")
    for key in table.keys(f"{request.repository['id']}/"):
        if key.endswith(ending) and (comment := table.get(key)) is not None:
            return key, comment
    raise not_found()


def _check_author(request: Request, comment: Document) -> None:
    manages = allowed(request.forge, request.principal, request.repository, MANAGE)
    if comment["user"] != request.principal.login and not manages:
        raise forbidden("Must have push access to repository")


@route("GET", "/repos/{owner}/{repo}/issues/comments/{comment_id}", permission=READ)
def read_comment(request: Request) -> Answer:
    """One comment."""
    return _view(request, _find(request)[1])


@route("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", permission=WRITE)
def change_comment(request: Request) -> Answer:
    """Changes a comment."""
    key, comment = _find(request)
    _check_author(request, comment)
    check_texts("IssueComment", request.data())
    comment |= {"body": str(request.required("body")), "updated_at": now()}
    request.forge.store.table("issue_comments").put(key, comment)
    _announce(request, pulls.must_find(request.forge, request.repository, comment["number"]), "edited", comment)
    return _view(request, comment)


@route("DELETE", "/repos/{owner}/{repo}/issues/comments/{comment_id}", permission=WRITE)
def delete_comment(request: Request) -> Answer:
    """Removes a comment."""
    key, comment = _find(request)
    _check_author(request, comment)
    request.forge.store.table("issue_comments").delete(key)
    return None


def _set_labels(request: Request, names: list[str]) -> Answer:
    pull = pull_of(request)
    added = [name for name in names if name not in pull["labels"]]
    changed = pulls.change(request.forge, request.repository, pull["number"], labels=list(dict.fromkeys(names)))
    if names != pull["labels"]:
        action = "labeled" if added else "unlabeled"
        pulls.announce(request.forge, request.repository, request.principal, changed, action)
    return pulls.labels_of(request.forge, request.repository, changed["labels"])


@route("GET", ISSUE + "/labels", permission=READ)
def list_issue_labels(request: Request) -> Answer:
    """Labels of a pull request."""
    return pulls.labels_of(request.forge, request.repository, pull_of(request)["labels"])


@route("POST", ISSUE + "/labels", permission=MANAGE)
def add_issue_labels(request: Request) -> Answer:
    """Adds labels."""
    return _set_labels(request, [*pull_of(request)["labels"], *(str(name) for name in request.required("labels"))])


@route("PUT", ISSUE + "/labels", permission=MANAGE)
def replace_issue_labels(request: Request) -> Answer:
    """Sets all labels."""
    return _set_labels(request, [str(name) for name in items(request.data(), "labels")])


@route("DELETE", ISSUE + "/labels/{name}", permission=MANAGE)
def remove_issue_label(request: Request) -> Answer:
    """Takes one label away."""
    names = pull_of(request)["labels"]
    if request.params["name"] not in names:
        raise not_found()
    return _set_labels(request, [name for name in names if name != request.params["name"]])
