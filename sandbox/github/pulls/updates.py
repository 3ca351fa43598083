"""What a moved branch does to pull requests: new heads, new bases, merged or closed ones."""

from sandbox.github.core.clock import now
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Principal
from sandbox.github.core.ref_updates import RefUpdate
from sandbox.github.core.store import Document
from sandbox.github.git import publishing
from sandbox.github.pulls import auto_merge, heads, pulls
from sandbox.github.repositories import forks
from sandbox.github.rules import protection, rules


def branch_moved(
    forge: Forge, repository: Document, principal: Principal, update: RefUpdate, merging: int | None
) -> None:
    """Brings the open pull requests from and to a branch up to date.

    Args:
        forge: The server.
        repository: Whose branch it is.
        principal: Who moved it.
        update: How it moved.
        merging: The pull request whose merge moved it; that one is looked after already.
    """
    branch = update.ref.removeprefix("refs/heads/")
    for base in forks.network(forge, repository):
        own = base["id"] == repository["id"]
        for pull in pulls.all_of(forge, base):
            if pull["state"] != "open" or (own and pull["number"] == merging):
                continue
            if heads.comes_from(base, pull, repository, branch):
                if not update.deletes:
                    heads.bring(forge, base, repository, update.new)
                _head_moved(forge, base, principal, pull, update)
            elif own and pull["base"]["ref"] == branch:
                _base_moved(forge, base, principal, pull, update)


def _head_moved(forge: Forge, repository: Document, principal: Principal, pull: Document, update: RefUpdate) -> None:
    number = pull["number"]
    if update.deletes:
        closed = pulls.change(forge, repository, number, state="closed", closed_at=now(), auto_merge=None)
        pulls.announce(forge, repository, principal, closed, "closed")
        return
    head = pull["head"] | {"sha": update.new}
    pull = pulls.change(forge, repository, number, head=head, last_pusher=principal.login)
    pull = pulls.refresh(forge, repository, pull)
    if _dismisses(forge, repository, pull):
        _dismiss(forge, repository, number)
    pulls.announce(forge, repository, principal, pull, "synchronize", before=update.old, after=update.new)
    auto_merge.consider(forge, repository, pulls.must_find(forge, repository, number))


def _dismisses(forge: Forge, repository: Document, pull: Document) -> bool:
    """True if a new push takes the worth from approvals that were given before."""
    ref = f"refs/heads/{pull['base']['ref']}"
    classic = protection.rule_for(forge, repository, ref)
    if classic is not None and classic["dismissesStaleReviews"]:
        return True
    return any(
        rule.type == "pull_request" and rule.parameters.get("dismiss_stale_reviews_on_push")
        for rule in rules.active_rules(forge, repository, ref, None)
    )


def _dismiss(forge: Forge, repository: Document, number: int) -> None:
    table = forge.store.table("reviews")
    for key in table.keys(f"{repository['id']}/{number}/"):
        table.update(
            key, lambda review: review.update(state="DISMISSED" if review["state"] == "APPROVED" else review["state"])
        )


def _base_moved(forge: Forge, repository: Document, principal: Principal, pull: Document, update: RefUpdate) -> None:
    git, number = forge.git.by_id(repository["id"]), pull["number"]
    if update.deletes:
        closed = pulls.change(forge, repository, number, state="closed", closed_at=now(), auto_merge=None)
        pulls.announce(forge, repository, principal, closed, "closed")
        return
    if git.is_ancestor(pull["head"]["sha"], update.new):
        # Someone pushed a merge made elsewhere.
        merged = pulls.change(
            forge,
            repository,
            number,
            state="closed",
            merged=True,
            merged_at=now(),
            closed_at=now(),
            merged_by=principal.login,
            merge_commit_sha=update.new,
            auto_merge=None,
        )
        pulls.announce(forge, repository, principal, merged, "closed")
        return
    pulls.refresh(forge, repository, pull)


publishing.BRANCH_WATCHERS.append(branch_moved)
