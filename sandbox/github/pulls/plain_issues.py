"""REST of issues that are not pull requests: opened, listed, changed and closed."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.access.authorization import allowed
from sandbox.github.core.clock import now
from sandbox.github.core.errors import check_texts, forbidden, missing_field, not_found
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.pulls import pulls
from sandbox.github.repositories import repositories

ISSUES = "/repos/{owner}/{repo}/issues"
WRITE = "issues:write|participation:write"


def find(request: Request) -> Document | None:
    """The issue that the path names; None where that number is a pull request or nothing."""
    return request.forge.store.table("issues").get(f"{request.repository['id']}/{request.number('number')}")


def view(request: Request, issue: Document) -> dict[str, Any]:
    """An issue as GitHub shows it."""
    url = f"{request.repository_url}/issues/{issue['number']}"
    same = ("id", "number", "state", "state_reason", "title", "body", "created_at", "updated_at", "closed_at")
    return {
        **{name: issue[name] for name in same},
        "node_id": f"I_{issue['id']}",
        "url": url,
        "html_url": f"{request.forge.url}/{request.repository['full_name']}/issues/{issue['number']}",
        "repository_url": request.repository_url,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "user": accounts.simple(request.forge, issue["user"]),
        "author_association": "MEMBER",
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "comments": 0,
    }


@route("GET", ISSUES, permission="issues:read")
def list_issues(request: Request) -> Answer:
    """Issues by state, newest first. Pull requests are issues on GitHub; here they are listed by themselves."""
    state, table = request.query.get("state", "open"), request.forge.store.table("issues")
    found = [issue for issue in table.all(f"{request.repository['id']}/") if state in {"all", issue["state"]}]
    return [view(request, issue) for issue in sorted(found, key=lambda issue: -int(issue["number"]))]


@route("POST", ISSUES, permission=WRITE)
def create_issue(request: Request) -> Answer:
    """Opens an issue."""
    if not request.data().get("title"):
        raise missing_field("title")
    check_texts("Issue", request.data())
    table = request.forge.store.table("issues")
    issue: Document = {
        "id": table.next_id(),
        "number": repositories.next_number(request.forge, request.repository),
        "title": str(request.data()["title"]),
        "body": request.data().get("body"),
        "state": "open",
        "state_reason": None,
        "user": request.principal.login,
        "created_at": now(),
        "updated_at": now(),
        "closed_at": None,
    }
    table.put(f"{request.repository['id']}/{issue['number']}", issue)
    return 201, view(request, issue)


@route("PATCH", ISSUES + "/{number}", permission=WRITE)
def update_issue(request: Request) -> Answer:
    """Changes title, text or state; of pull requests that is the pull request's own route."""
    issue = find(request)
    if issue is None:
        pulls.must_find(request.forge, request.repository, request.number("number"))
        raise not_found()
    manages = allowed(request.forge, request.principal, request.repository, "issues:write")
    if issue["user"] != request.principal.login and not manages:
        raise forbidden("Must have push access to repository")
    given = request.data()
    check_texts("Issue", given)
    issue |= {name: given[name] for name in ("title", "body", "state") if name in given} | {"updated_at": now()}
    closed = issue["state"] == "closed"
    issue |= {"closed_at": now() if closed else None, "state_reason": "completed" if closed else None}
    request.forge.store.table("issues").put(f"{request.repository['id']}/{issue['number']}", issue)
    return view(request, issue)
