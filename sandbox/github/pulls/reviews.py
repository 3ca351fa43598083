"""REST of reviews of pull requests."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, not_found, unprocessable
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document
from sandbox.github.pulls import auto_merge, pulls
from sandbox.github.pulls.routes import PULL, WRITE, check_workflow_may, pull_of

STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def _prefix(request: Request, pull: Document) -> str:
    return f"{request.repository['id']}/{pull['number']}/"


def _view(request: Request, pull: Document, review: Document) -> dict[str, Any]:
    html = f"{request.forge.url}/{request.repository['full_name']}/pull/{pull['number']}"
    return {
        "id": review["id"],
        "node_id": f"PRR_{review['id']}",
        "user": accounts.simple(request.forge, review["user"]),
        "body": review["body"],
        "state": review["state"],
        "commit_id": review["commit_id"],
        "submitted_at": review["submitted_at"],
        "html_url": f"{html}#pullrequestreview-{review['id']}",
        "pull_request_url": f"{request.repository_url}/pulls/{pull['number']}",
        "author_association": "MEMBER",
        "_links": {
            "html": {"href": f"{html}#pullrequestreview-{review['id']}"},
            "pull_request": {"href": f"{request.repository_url}/pulls/{pull['number']}"},
        },
    }


@route("GET", PULL + "/reviews", permission="pull_requests:read")
def list_reviews(request: Request) -> Answer:
    """Reviews, oldest first."""
    pull = pull_of(request)
    found = request.forge.store.table("reviews").all(_prefix(request, pull))
    return [_view(request, pull, review) for review in found]


@route("POST", PULL + "/reviews", permission=WRITE)
def create_review(request: Request) -> Answer:
    """Approves, asks for changes, or comments."""
    pull, given, forge, repository = pull_of(request), request.data(), request.forge, request.repository
    event = str(given.get("event") or "COMMENT")
    if event not in STATES:
        raise unprocessable("event must be one of APPROVE, REQUEST_CHANGES, COMMENT")
    if event == "APPROVE":
        check_workflow_may(request)
    if event != "COMMENT" and pull["user"] == request.principal.login:
        verb = "approve" if event == "APPROVE" else "request changes on"
        raise GitHubError(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
    if event != "APPROVE" and not given.get("body"):
        raise GitHubError(422, "Unprocessable Entity", ["Body can not be blank"])
    table = forge.store.table("reviews")
    review: Document = {
        "id": table.next_id(),
        "user": request.principal.login,
        "body": given.get("body") or "",
        "state": STATES[event],
        "commit_id": given.get("commit_id") or pull["head"]["sha"],
        "submitted_at": now(),
    }
    table.put(f"{_prefix(request, pull)}{review['id']}", review)
    remaining = [login for login in pull["requested_reviewers"] if login != request.principal.login]
    pull = pulls.change(forge, repository, pull["number"], requested_reviewers=remaining)
    shown = _view(request, pull, review)
    pulls.announce(
        forge,
        repository,
        request.principal,
        pull,
        "submitted",
        "pull_request_review",
        review=shown | {"state": review["state"].lower()},
    )
    auto_merge.consider(forge, repository, pull)
    return shown


def _find(request: Request, pull: Document) -> Document:
    review = request.forge.store.table("reviews").get(f"{_prefix(request, pull)}{request.number('review_id')}")
    if review is None:
        raise not_found()
    return review


@route("GET", PULL + "/reviews/{review_id}", permission="pull_requests:read")
def read_review(request: Request) -> Answer:
    """One review."""
    pull = pull_of(request)
    return _view(request, pull, _find(request, pull))


@route("PUT", PULL + "/reviews/{review_id}/dismissals", permission="pull_requests:write")
def dismiss_review(request: Request) -> Answer:
    """Takes a review its worth."""
    pull = pull_of(request)
    review = _find(request, pull) | {"state": "DISMISSED"}
    request.required("message")
    request.forge.store.table("reviews").put(f"{_prefix(request, pull)}{review['id']}", review)
    pulls.announce(
        request.forge,
        request.repository,
        request.principal,
        pull,
        "dismissed",
        "pull_request_review",
        review=_view(request, pull, review) | {"state": "dismissed"},
    )
    return _view(request, pull, review)
