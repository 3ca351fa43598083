"""Pull requests as documents: creating, finding, their test merge, and the JSON that GitHub shows of them."""

from typing import Any

from sandbox.github.access import accounts
from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, invalid_field, not_found
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import ZERO, GitError
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document
from sandbox.github.git import publishing
from sandbox.github.organizations import teams
from sandbox.github.pulls import contributors, heads, requirements
from sandbox.github.repositories import labels, repositories


def key(repository: Document, number: int) -> str:
    """Where a pull request is kept."""
    return f"{repository['id']}/{number}"


def all_of(forge: Forge, repository: Document) -> list[Document]:
    """All pull requests of a repository, oldest first."""
    return forge.store.table("pulls").all(f"{repository['id']}/")


def must_find(forge: Forge, repository: Document, number: int) -> Document:
    """One pull request.

    Raises:
        GitHubError: 404, there is none of that number.
    """
    pull = forge.store.table("pulls").get(key(repository, number))
    if pull is None:
        raise not_found()
    return pull


def change(forge: Forge, repository: Document, number: int, **values: Any) -> Document:
    """Sets fields of a pull request."""
    values["updated_at"] = now()
    return forge.store.table("pulls").update(key(repository, number), lambda document: document.update(values))


def create(forge: Forge, repository: Document, principal: Principal, given: dict[str, Any]) -> Document:
    """Opens a pull request between two branches, of the repository or of a fork in its network.

    Raises:
        GitHubError: 422, a branch is missing, there is nothing to merge, or it is open already.
    """
    git, base = forge.git.by_id(repository["id"]), str(given["base"])
    source, head = heads.named(forge, repository, principal, given)
    owner = source["owner"]["login"]
    base_sha, head_sha = git.ref(f"refs/heads/{base}"), heads.present(forge, source, head)
    if base_sha is None:
        raise invalid_field("PullRequest", "base")
    if head_sha is None:
        raise invalid_field("PullRequest", "head")
    heads.bring(forge, repository, source, head_sha)
    with git.lock:
        for other in all_of(forge, repository):
            same = heads.comes_from(repository, other, source, head) and other["base"]["ref"] == base
            if other["state"] == "open" and same:
                raise _custom(f"A pull request already exists for {owner}:{head}.")
        if git.is_ancestor(head_sha, base_sha):
            raise _custom(f"No commits between {base} and {head}")
        number = repositories.next_number(forge, repository)
        pull: Document = {
            "id": forge.store.next_id(),
            "number": number,
            "title": given.get("title") or head,
            "body": given.get("body"),
            "state": "open",
            "draft": bool(given.get("draft", False)),
            "user": principal.login,
            "head": {"ref": head, "sha": head_sha, "repository_id": source["id"]},
            "maintainer_can_modify": heads.lends(forge, repository, source, given),
            "base": {"ref": base, "sha": base_sha},
            "merged": False,
            "merged_at": None,
            "merged_by": None,
            "merge_commit_sha": None,
            "mergeable": None,
            "labels": [],
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "auto_merge": None,
            "last_pusher": principal.login,
            "created_at": now(),
            "updated_at": now(),
            "closed_at": None,
        }
        forge.store.table("pulls").put(key(repository, number), pull)
        pull = refresh(forge, repository, pull)
    announce(forge, repository, principal, pull, "opened")
    return pull


def _custom(message: str) -> GitHubError:
    return GitHubError(422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": message}])


def refresh(forge: Forge, repository: Document, pull: Document) -> Document:
    """Tries the merge of the present head into the present base, and keeps the result under `refs/pull/`."""
    git, number = forge.git.by_id(repository["id"]), pull["number"]
    base = git.ref(f"refs/heads/{pull['base']['ref']}") or pull["base"]["sha"]
    head = pull["head"]["sha"]
    _set_ref(forge, repository, f"refs/pull/{number}/head", head)
    try:
        tree = git.text("merge-tree", "--write-tree", base, head).split()[0]
    except GitError:
        _set_ref(forge, repository, f"refs/pull/{number}/merge", None)
        return change(
            forge, repository, number, mergeable=False, merge_commit_sha=None, base={**pull["base"], "sha": base}
        )
    message = f"Merge {head} into {base}"
    merged = git.write_commit(tree, [base, head], message, repositories.GITHUB)
    _set_ref(forge, repository, f"refs/pull/{number}/merge", merged)
    return change(
        forge, repository, number, mergeable=True, merge_commit_sha=merged, base={**pull["base"], "sha": base}
    )


def _set_ref(forge: Forge, repository: Document, ref: str, sha: str | None) -> None:
    git = forge.git.by_id(repository["id"])
    present = git.ref(ref) or ZERO
    if (sha or ZERO) != present:
        git.update_ref(ref, sha or ZERO, present)


def announce(
    forge: Forge,
    repository: Document,
    principal: Principal,
    pull: Document,
    action: str,
    event: str = "pull_request",
    **extra: Any,
) -> None:
    """Publishes an event of a pull request. Its commit is the test merge; with conflicts there is none."""
    ref = f"refs/heads/{pull['base']['ref']}" if pull["merged"] else f"refs/pull/{pull['number']}/merge"
    publishing.emit(
        forge,
        repository,
        principal,
        event,
        action=action,
        ref=ref,
        sha=pull["merge_commit_sha"] or "",
        payload={"number": pull["number"], "pull_request": view(forge, repository, pull, full=True), **extra},
    )


LINKED = ("comments", "commits", "review_comment", "review_comments", "statuses")
"""Links that a pull request has twice."""


def labels_of(forge: Forge, repository: Document, names: list[str]) -> list[dict[str, Any]]:
    """Labels by name, as they appear inside a pull request."""
    found = [labels.ensure(forge, repository, name) for name in names]
    return [labels.view(forge, repository, label) for label in found]


def view(forge: Forge, repository: Document, pull: Document, *, full: bool = False) -> dict[str, Any]:
    """A pull request as GitHub shows it; `full` as on its own page, with what must be computed."""
    number = pull["number"]
    api = f"{forge.api_url}/repos/{repository['full_name']}"
    html = f"{forge.url}/{repository['full_name']}/pull/{number}"

    def side(branch: dict[str, Any], of: Document | None) -> dict[str, Any]:
        return {
            "label": heads.label_in(of, branch["ref"]),
            "ref": branch["ref"],
            "sha": branch["sha"],
            "user": accounts.simple(forge, of["owner"]["login"]) if of else None,
            "repo": repositories.view(forge, of) if of else None,
        }

    auto = pull["auto_merge"]
    asked = [team for team in (forge.store.table("teams").get(number) for number in pull["requested_teams"]) if team]
    shown: dict[str, Any] = {
        "url": f"{api}/pulls/{number}",
        "id": pull["id"],
        "node_id": f"PR_{pull['id']}",
        "html_url": html,
        "diff_url": f"{html}.diff",
        "patch_url": f"{html}.patch",
        "issue_url": f"{api}/issues/{number}",
        "comments_url": f"{api}/issues/{number}/comments",
        "commits_url": f"{api}/pulls/{number}/commits",
        "statuses_url": f"{api}/statuses/{pull['head']['sha']}",
        "review_comment_url": f"{api}/pulls/comments{{/number}}",
        "review_comments_url": f"{api}/pulls/{number}/comments",
        "number": number,
        "state": pull["state"],
        "locked": False,
        "title": pull["title"],
        "user": accounts.simple(forge, pull["user"]),
        "body": pull["body"],
        "labels": labels_of(forge, repository, pull["labels"]),
        "milestone": None,
        "assignee": None,
        "assignees": [accounts.simple(forge, login) for login in pull["assignees"]],
        "requested_reviewers": [accounts.simple(forge, login) for login in pull["requested_reviewers"]],
        "requested_teams": [teams.brief(forge, team) for team in asked],
        "head": side(pull["head"], heads.source_of(forge, repository, pull)),
        "base": side(pull["base"], repository),
        "draft": pull["draft"],
        "author_association": contributors.association(forge, repository, pull["user"]),
        "auto_merge": auto
        and {
            "enabled_by": accounts.simple(forge, auto["enabled_by"]),
            "merge_method": auto["merge_method"],
            "commit_title": auto["commit_title"],
            "commit_message": auto["commit_message"],
        },
        "merge_commit_sha": pull["merge_commit_sha"],
        "created_at": pull["created_at"],
        "updated_at": pull["updated_at"],
        "closed_at": pull["closed_at"],
        "merged_at": pull["merged_at"],
    }
    shown["_links"] = {
        "self": {"href": shown["url"]},
        "html": {"href": html},
        "issue": {"href": shown["issue_url"]},
        **{name: {"href": shown[f"{name}_url"]} for name in LINKED},
    }
    return shown | _computed(forge, repository, pull) if full else shown


def _computed(forge: Forge, repository: Document, pull: Document) -> dict[str, Any]:
    git = forge.git.by_id(repository["id"])
    base, head = pull["base"]["sha"], pull["head"]["sha"]
    common = git.merge_base(base, head) or base
    counts = git.text("diff", "--numstat", "--no-renames", common, head).splitlines()
    numbers = [line.split("\t") for line in counts]
    comments = forge.store.table("issue_comments").keys(f"{repository['id']}/{pull['number']}/")
    return {
        "merged": pull["merged"],
        "mergeable": None if pull["merged"] else pull["mergeable"],
        "mergeable_state": requirements.mergeable_state(forge, repository, pull),
        "rebaseable": bool(pull["mergeable"]),
        "merged_by": accounts.simple(forge, pull["merged_by"]) if pull["merged_by"] else None,
        "comments": len(comments),
        "review_comments": 0,
        "maintainer_can_modify": bool(pull.get("maintainer_can_modify")),
        "commits": int(git.text("rev-list", "--count", f"{common}..{head}")),
        "additions": sum(int(added) for added, _, _ in numbers if added != "-"),
        "deletions": sum(int(removed) for _, removed, _ in numbers if removed != "-"),
        "changed_files": len(numbers),
    }
