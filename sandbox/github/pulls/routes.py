"""REST of pull requests."""

from typing import Any

from starlette.responses import Response

from sandbox.github.access import accounts
from sandbox.github.access.authorization import allowed
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, check_texts, forbidden, invalid_field, unprocessable
from sandbox.github.core.git import GitError
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.requests import Answer, Request
from sandbox.github.core.routing import route
from sandbox.github.core.store import Document, items
from sandbox.github.git import commits, updates
from sandbox.github.organizations import teams
from sandbox.github.pulls import heads, merging, pulls
from sandbox.github.repositories import repositories, settings

PULLS = "/repos/{owner}/{repo}/pulls"
PULL = PULLS + "/{number}"
WRITE = "pull_requests:write|participation:write"


def pull_of(request: Request) -> Document:
    """The pull request that the path names."""
    return pulls.must_find(request.forge, request.repository, request.number("number"))


def check_workflow_may(request: Request) -> None:
    """Refuses workflow tokens where the repository does not let Actions create and approve pull requests."""
    kept = settings.of(request.forge, request.repository["full_name"])
    if request.principal.from_workflow and not kept.can_approve_pull_request_reviews:
        raise forbidden("GitHub Actions is not permitted to create or approve pull requests.")


@route("GET", PULLS, permission="pull_requests:read")
def list_pulls(request: Request) -> Answer:
    """Pull requests by state, head (`owner:branch`) and base, newest first."""
    query, found = request.query, pulls.all_of(request.forge, request.repository)
    state, head = query.get("state", "open"), query.get("head")
    if state != "all":
        found = [pull for pull in found if pull["state"] == state]
    if head:
        if ":" not in head:
            head = f"{request.repository['owner']['login']}:{head}"
        labels = {pull["number"]: heads.label(request.forge, request.repository, pull) for pull in found}
        found = [pull for pull in found if _same(labels[pull["number"]], head)]
    if query.get("base"):
        found = [pull for pull in found if pull["base"]["ref"] == query["base"]]
    sort = {"updated": "updated_at"}.get(query.get("sort", "created"), "number")
    descending = query.get("direction", "desc" if sort == "number" else "asc") == "desc"
    found.sort(key=lambda pull: (pull[sort], pull["number"]), reverse=descending)
    return [pulls.view(request.forge, request.repository, pull) for pull in found]


def _same(label: str, asked: str) -> bool:
    """Whether a label (`owner:branch`) is the one that was asked for; owners have no case."""
    (owner, _, branch), (other, _, wanted) = label.partition(":"), asked.partition(":")
    return owner.lower() == other.lower() and branch == wanted


@route("POST", PULLS, permission=WRITE)
def create_pull(request: Request) -> Answer:
    """Opens a pull request."""
    check_workflow_may(request)
    given = request.data()
    if not given.get("title"):
        raise invalid_field("PullRequest", "title", "missing_field")
    check_texts("PullRequest", given)
    request.required("head")
    request.required("base")
    pull = pulls.create(request.forge, request.repository, request.principal, given)
    return 201, pulls.view(request.forge, request.repository, pull, full=True)


@route("GET", PULL, permission="pull_requests:read")
def read_pull(request: Request) -> Answer:
    """One pull request, or its diff (`Accept: application/vnd.github.diff`)."""
    pull = pull_of(request)
    if "diff" in request.headers.get("accept", ""):
        span = f"{pull['base']['sha']}...{pull['head']['sha']}"
        return Response(request.git.run("diff", span), media_type="application/vnd.github.diff; charset=utf-8")
    return pulls.view(request.forge, request.repository, pull, full=True)


@route("PATCH", PULL, permission=WRITE)
def change_pull(request: Request) -> Answer:
    """Changes title, body or base, closes or reopens; the author may, and everyone with write access."""
    pull, given, forge, repository = pull_of(request), request.data(), request.forge, request.repository
    writes = allowed(forge, request.principal, repository, "pull_requests:write")
    if pull["user"] != request.principal.login and not writes:
        raise forbidden("Must have push access to repository")
    check_texts("PullRequest", given)
    changes = {name: given[name] for name in ("title", "body") if given.get(name) is not None}
    action = "edited" if changes else None
    if given.get("maintainer_can_modify") is not None:
        source = heads.source_of(forge, repository, pull)
        changes["maintainer_can_modify"] = bool(source and heads.lends(forge, repository, source, given))
        action = "edited"
    if given.get("base") and given["base"] != pull["base"]["ref"]:
        sha = request.git.ref(f"refs/heads/{given['base']}")
        if sha is None:
            raise invalid_field("PullRequest", "base")
        changes["base"], action = {"ref": given["base"], "sha": sha}, "edited"
    state = given.get("state", pull["state"])
    if state not in ("open", "closed"):
        raise invalid_field("PullRequest", "state")
    if state != pull["state"]:
        changes |= _changed_state(request, pull, state)
        action = "closed" if state == "closed" else "reopened"
    if action is None:
        return pulls.view(forge, repository, pull, full=True)
    pull = pulls.change(forge, repository, pull["number"], **changes)
    if pull["state"] == "open":
        pull = pulls.refresh(forge, repository, pull)
    pulls.announce(forge, repository, request.principal, pull, action)
    return pulls.view(forge, repository, pull, full=True)


def _changed_state(request: Request, pull: Document, state: str) -> dict[str, Any]:
    if state == "closed":
        return {"state": state, "closed_at": now(), "auto_merge": None}
    source = heads.source_of(request.forge, request.repository, pull)
    head = heads.present(request.forge, source, pull["head"]["ref"]) if source else None
    if pull["merged"] or source is None or head is None:
        raise invalid_field("PullRequest", "state", "invalid", "state cannot be changed.")
    heads.bring(request.forge, request.repository, source, head)
    return {"state": state, "closed_at": None, "head": pull["head"] | {"sha": head}}


@route("GET", PULL + "/files", permission="pull_requests:read")
def list_files(request: Request) -> Answer:
    """Files that a pull request changes."""
    pull, git = pull_of(request), request.git
    base, head = pull["base"]["sha"], pull["head"]["sha"]
    common = git.merge_base(base, head) or base
    return commits.changed_files(request.forge, request.repository, git, common, head)


@route("GET", PULL + "/commits", permission="pull_requests:read")
def list_pull_commits(request: Request) -> Answer:
    """Commits of a pull request, oldest first."""
    pull = pull_of(request)
    listed = commits.read_many(request.git, "--reverse", pull["head"]["sha"], f"^{pull['base']['sha']}")
    return [commits.view(request.forge, request.repository, commit) for commit in listed]


@route("GET", PULL + "/merge", permission="pull_requests:read")
def is_merged(request: Request) -> Answer:
    """204 for merged pull requests, 404 for others."""
    if not pull_of(request)["merged"]:
        raise GitHubError(404, "Not Found")
    return None


@route("PUT", PULL + "/merge", permission="contents:write")
def merge_pull(request: Request) -> Answer:
    """Merges."""
    given = request.data()
    sha = merging.merge(
        request.forge,
        request.repository,
        request.principal,
        pull_of(request)["number"],
        method=str(given.get("merge_method") or "merge"),
        title=given.get("commit_title"),
        message=given.get("commit_message"),
        sha=given.get("sha"),
    )
    return merging.view(sha)


@route("PUT", PULL + "/update-branch", permission="contents:write")
def update_branch(request: Request) -> Answer:
    """Merges the base into the head."""
    pull, git = pull_of(request), request.git
    base, head = git.ref(f"refs/heads/{pull['base']['ref']}") or pull["base"]["sha"], pull["head"]["sha"]
    expected = request.data().get("expected_head_sha")
    if expected and expected != head:
        raise unprocessable("expected_head_sha does not match the head of the pull request")
    if not git.is_ancestor(base, head):
        try:
            tree = git.text("merge-tree", "--write-tree", head, base).split()[0]
        except GitError as error:
            raise unprocessable("merge conflict between base and head") from error
        text = f"Merge branch '{pull['base']['ref']}' into {pull['head']['ref']}"
        author = repositories.signature(request.forge, request.principal)
        merged = git.write_commit(tree, [head, base], text, author, repositories.GITHUB)
        source = heads.must_push(request.forge, request.repository, request.principal, pull)
        heads.bring(request.forge, source, request.repository, merged)
        move = RefUpdate(f"refs/heads/{pull['head']['ref']}", head, merged)
        updates.move(request.forge, source, request.principal, [move])
    return 202, {"message": "Updating pull request branch.", "url": f"{request.repository_url}/pulls/{pull['number']}"}


@route("GET", PULL + "/requested_reviewers", permission="pull_requests:read")
def list_requested(request: Request) -> Answer:
    """Who has been asked for a review."""
    shown = pulls.view(request.forge, request.repository, pull_of(request))
    return {"users": shown["requested_reviewers"], "teams": shown["requested_teams"]}


def _asked(request: Request) -> tuple[list[str], list[int]]:
    """People and teams that a body names."""
    given, owner = request.data(), request.repository["owner"]["login"]
    people = [str(login) for login in items(given, "reviewers")]
    found = [teams.find(request.forge, owner, str(slug)) for slug in items(given, "team_reviewers")]
    if any(accounts.find_user(request.forge, login) is None for login in people) or None in found:
        raise unprocessable(
            "Reviews may only be requested from collaborators. One or more of the users or teams is not one."
        )
    return people, [team["id"] for team in found if team]


@route("POST", PULL + "/requested_reviewers", permission="pull_requests:write")
def request_reviewers(request: Request) -> Answer:
    """Asks people and teams for a review."""
    pull = pull_of(request)
    people, slugs = _asked(request)
    if pull["user"] in people:
        raise unprocessable("Review cannot be requested from pull request author.")
    changed = pulls.change(
        request.forge,
        request.repository,
        pull["number"],
        requested_reviewers=list(dict.fromkeys([*pull["requested_reviewers"], *people])),
        requested_teams=list(dict.fromkeys([*pull["requested_teams"], *slugs])),
    )
    pulls.announce(request.forge, request.repository, request.principal, changed, "review_requested")
    return 201, pulls.view(request.forge, request.repository, changed)


@route("DELETE", PULL + "/requested_reviewers", permission="pull_requests:write")
def unrequest_reviewers(request: Request) -> Answer:
    """Takes requests for a review back."""
    pull = pull_of(request)
    people, slugs = _asked(request)
    changed = pulls.change(
        request.forge,
        request.repository,
        pull["number"],
        requested_reviewers=[login for login in pull["requested_reviewers"] if login not in people],
        requested_teams=[team for team in pull["requested_teams"] if team not in slugs],
    )
    return pulls.view(request.forge, request.repository, changed)


@route("GET", "/repos/{owner}/{repo}/commits/{sha}/pulls", permission="pull_requests:read|contents:read")
def pulls_of_commit(request: Request) -> Answer:
    """Pull requests that brought a commit, or that hold it."""
    sha = commits.must_find(request.git, request.params["sha"])
    return [
        pulls.view(request.forge, request.repository, pull)
        for pull in pulls.all_of(request.forge, request.repository)
        if sha in (pull["merge_commit_sha"], pull["head"]["sha"])
    ]
