"""Merging a pull request: by merge commit, squash or rebase, once its requirements are met."""

from typing import Any

from sandbox.github.core.clock import now
from sandbox.github.core.errors import GitHubError, conflict
from sandbox.github.core.forge import Forge
from sandbox.github.core.git import GitError, GitRepository, Signature
from sandbox.github.core.principals import Principal
from sandbox.github.core.ref_updates import RefUpdate, RulesViolated, Violation
from sandbox.github.core.store import Document
from sandbox.github.git import commits, publishing, updates
from sandbox.github.pulls import heads, pulls, requirements
from sandbox.github.repositories import repositories

SWITCHES = {
    "merge": ("allow_merge_commit", "Merge commits are not allowed on this repository."),
    "squash": ("allow_squash_merge", "Squash merges are not allowed on this repository."),
    "rebase": ("allow_rebase_merge", "Rebase merges are not allowed on this repository."),
}


def merge(
    forge: Forge,
    repository: Document,
    principal: Principal,
    number: int,
    *,
    method: str = "merge",
    title: str | None = None,
    message: str | None = None,
    sha: str | None = None,
) -> str:
    """Merges a pull request and returns the commit that the base is at afterwards.

    Raises:
        GitHubError: 405, it may not be merged (yet); 409, its head is not the expected one.
    """
    git = forge.git.by_id(repository["id"])
    with git.lock:
        pull = pulls.must_find(forge, repository, number)
        _check(forge, repository, principal, pull, method, sha)
        base_ref, head = f"refs/heads/{pull['base']['ref']}", pull["head"]["sha"]
        base = git.ref(base_ref)
        if base is None:
            raise GitHubError(405, "Base branch does not exist")
        title, message = _words(forge, repository, pull, method, title, message)
        signature = repositories.signature(forge, principal)
        if method == "rebase":
            new = _rebase(git, base, head, signature)
        else:
            new = _merge_commit(git, base, head, f"{title}\n\n{message}".strip(), signature, squash=method == "squash")
        update = RefUpdate(base_ref, base, new)
        updates.apply(forge, repository, principal, [update], status=405, through_pull=True)
        pull = _close(forge, repository, principal, pull, base, new)
    publishing.pushed(forge, repository, principal, [update], merging=number)
    pulls.announce(forge, repository, principal, pull, "closed")
    if repository["delete_branch_on_merge"]:
        _delete_head(forge, repository, principal, pull)
    return new


def _check(
    forge: Forge, repository: Document, principal: Principal, pull: Document, method: str, sha: str | None
) -> None:
    if method not in SWITCHES:
        raise GitHubError(422, "Validation Failed", [f"merge_method must be one of {', '.join(SWITCHES)}"])
    if pull["state"] != "open" or pull["draft"] or not pull["mergeable"]:
        draft = "Pull Request is still a draft" if pull["draft"] and pull["state"] == "open" else None
        raise GitHubError(405, draft or "Pull Request is not mergeable")
    if sha is not None and sha != pull["head"]["sha"]:
        raise conflict("Head branch was modified. Review and try the merge again.")
    switch, refusal = SWITCHES[method]
    if not repository[switch]:
        raise GitHubError(405, refusal)
    if method not in requirements.of(forge, repository, pull, principal).methods:
        raise GitHubError(405, f"The rules of this branch do not allow the merge method {method}.")
    if missing := requirements.unmet(forge, repository, pull, principal):
        ref = f"refs/heads/{pull['base']['ref']}"
        raise RulesViolated([Violation(ref, text) for text in missing], 405)


def _words(
    forge: Forge, repository: Document, pull: Document, method: str, title: str | None, message: str | None
) -> tuple[str, str]:
    """Title and message of the commit: as given, or as the repository's settings say."""
    git, number, body = forge.git.by_id(repository["id"]), pull["number"], pull["body"] or ""
    if method == "merge":
        branch = heads.label(forge, repository, pull).replace(":", "/", 1)
        by_setting = {
            "MERGE_MESSAGE": f"Merge pull request #{number} from {branch}",
            "PR_TITLE": f"{pull['title']} (#{number})",
        }
        texts = {"PR_TITLE": pull["title"], "PR_BODY": body, "BLANK": ""}
        default_title = by_setting[repository["merge_commit_title"]]
        default_message = texts[repository["merge_commit_message"]]
    else:
        listed = commits.read_many(git, "--reverse", "--no-merges", pull["head"]["sha"], f"^{pull['base']['sha']}")
        only = listed[0]["message"] if len(listed) == 1 else None
        subject = only.partition("\n")[0] if only and repository["squash_merge_commit_title"] != "PR_TITLE" else None
        default_title = f"{subject or pull['title']} (#{number})"
        described = only.partition("\n")[2].strip() if only else "\n\n".join(f"* {one['message']}" for one in listed)
        texts = {"COMMIT_MESSAGES": described, "PR_BODY": body, "BLANK": ""}
        default_message = texts[repository["squash_merge_commit_message"]]
    return title or default_title, default_message if message is None else message


def _merge_commit(git: GitRepository, base: str, head: str, message: str, author: Signature, *, squash: bool) -> str:
    try:
        tree = git.text("merge-tree", "--write-tree", base, head).split()[0]
    except GitError as error:
        raise GitHubError(405, "Pull Request is not mergeable") from error
    return git.write_commit(tree, [base] if squash else [base, head], message, author, repositories.GITHUB)


def _rebase(git: GitRepository, base: str, head: str, committer: Signature) -> str:
    """Puts the commits of a branch on top of another, one by one."""
    top = base
    for commit in commits.read_many(git, "--reverse", "--no-merges", head, f"^{base}"):
        if not commit["parents"]:
            raise GitHubError(405, "This branch can't be rebased")
        # A commit with the tree of `top` on the parent of the picked one makes that parent the base of the merge.
        stand_in = git.write_commit(
            git.text("rev-parse", f"{top}^{{tree}}"), [commit["parents"][0]], "stand-in", committer
        )
        try:
            tree = git.text("merge-tree", "--write-tree", stand_in, commit["sha"]).split()[0]
        except GitError as error:
            raise GitHubError(405, "This branch can't be rebased") from error
        author = Signature(**commit["author"])
        top = git.write_commit(tree, [top], commit["message"], author, committer)
    return top


def _close(
    forge: Forge, repository: Document, principal: Principal, pull: Document, base: str, merged: str
) -> Document:
    return pulls.change(
        forge,
        repository,
        pull["number"],
        state="closed",
        merged=True,
        merged_at=now(),
        closed_at=now(),
        merged_by=principal.login,
        merge_commit_sha=merged,
        auto_merge=None,
        base={"ref": pull["base"]["ref"], "sha": base},
    )


def _delete_head(forge: Forge, repository: Document, principal: Principal, pull: Document) -> None:
    ref = f"refs/heads/{pull['head']['ref']}"
    present = forge.git.by_id(repository["id"]).ref(ref)
    if present is None or present != pull["head"]["sha"] or pull["head"]["ref"] == repository["default_branch"]:
        return
    if heads.is_from_fork(repository, pull):
        return
    try:
        updates.move(forge, repository, principal, [publishing.deleted(ref, present)])
    except GitHubError:
        # The merge stands; a branch that rules protect from deletion stays, as on GitHub.
        return


def view(sha: str) -> dict[str, Any]:
    """The answer to a merge."""
    return {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}
