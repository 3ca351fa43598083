"""Auto-merge: merging a pull request by itself once everything that it needs is there."""

import logging

from sandbox.github.core import principals
from sandbox.github.core.errors import GitHubError
from sandbox.github.core.forge import Forge
from sandbox.github.core.principals import Principal
from sandbox.github.core.store import Document
from sandbox.github.deployments import statuses
from sandbox.github.pulls import merging, pulls, requirements

logger = logging.getLogger(__name__)


def enable(
    forge: Forge,
    repository: Document,
    principal: Principal,
    pull: Document,
    *,
    method: str,
    title: str | None = None,
    message: str | None = None,
) -> Document:
    """Has a pull request merged in the caller's name as soon as it may be.

    Raises:
        GitHubError: the repository does not allow it, or there is nothing to wait for.
    """
    if not repository["allow_auto_merge"]:
        raise GitHubError(422, "Pull request Auto merge is not allowed for this repository")
    if pull["state"] != "open":
        raise GitHubError(422, "Pull request Pull request is closed")
    if pull["draft"]:
        raise GitHubError(422, "Pull request Pull request is in draft state")
    if pull["mergeable"] and not requirements.unmet(forge, repository, pull, None):
        raise GitHubError(422, "Pull request Pull request is in clean status")
    changed = pulls.change(
        forge,
        repository,
        pull["number"],
        auto_merge={
            "enabled_by": principal.login,
            "merge_method": method,
            "commit_title": title,
            "commit_message": message,
            "principal": principals.to_document(principal),
        },
    )
    pulls.announce(forge, repository, principal, changed, "auto_merge_enabled")
    return changed


def disable(forge: Forge, repository: Document, principal: Principal, pull: Document) -> Document:
    """Stops waiting."""
    changed = pulls.change(forge, repository, pull["number"], auto_merge=None)
    pulls.announce(
        forge, repository, principal, changed, "auto_merge_disabled", reason="auto merge was disabled manually"
    )
    return changed


def consider(forge: Forge, repository: Document, pull: Document) -> None:
    """Merges a waiting pull request if it has what it needs by now."""
    auto = pull["auto_merge"]
    if auto is None or pull["state"] != "open" or not pull["mergeable"] or pull["draft"]:
        return
    # Auto-merge waits for everything, also for what the person behind it could bypass.
    if requirements.unmet(forge, repository, pull, None):
        return
    principal = principals.from_document(auto["principal"])
    try:
        merging.merge(
            forge,
            repository,
            principal,
            pull["number"],
            method=auto["merge_method"].lower(),
            title=auto["commit_title"],
            message=auto["commit_message"],
            sha=pull["head"]["sha"],
        )
    except GitHubError as error:
        logger.info("auto-merge of %s#%d: %s", repository["full_name"], pull["number"], error.message)


def consider_commit(forge: Forge, repository: Document, sha: str) -> None:
    """Looks again at pull requests whose head is a commit that something has become known of."""
    for pull in pulls.all_of(forge, repository):
        if pull["state"] == "open" and pull["auto_merge"] is not None and pull["head"]["sha"] == sha:
            consider(forge, repository, pull)


statuses.COMMIT_WATCHERS.append(consider_commit)
