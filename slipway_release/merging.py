"""Which open pull requests merge without a person, and when.

The promoter's App passes the rules of the branch, so GitHub would let it merge what fails every check. It waits here
for the checks that the rules require, as everybody else has to.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from slipway_release import fields, history, workflow
from slipway_release.choices import Rollback
from slipway_release.contents import Contents
from slipway_release.errors import ApiError
from slipway_release.fields import Document
from slipway_release.github import content_of, quoted
from slipway_release.platform_types import Environment
from slipway_release.pulls import PullRequest

BY_HAND = "By hand: a person has asked for this, whether the version is healthy or not"
"""A line of the message of a rollback's commit."""
MOST = 1000
"""How many statuses or checks of a commit are looked at."""
_PASSED = frozenset({"success", "neutral", "skipped"})
"""Conclusions of a check that GitHub counts as passed."""


def merges_itself(environment: Environment, kind: str, message: str) -> bool:
    """Whether a pull request needs no person.

    Args:
        environment: where it leads.
        kind: what it is for, one of `pulls.KINDS`.
        message: that of its commit, which is this program's.
    """
    match kind:
        case "release":
            return not environment.approval
        case "rollback":
            asked = environment.approval and BY_HAND in message.splitlines()
            return environment.rollback is Rollback.AUTOMATIC and not asked
        case "hold":
            return True
        case _:
            return False


def merge(contents: Contents, pull: PullRequest, base: str) -> str | None:
    """Merge a pull request if its checks have passed. Its commit, or None where something has to be waited for.

    Nothing merges by itself later: a hold or a freeze could come in between. The judge's workflow and each
    reconciliation try again.
    """
    if contents.github.get(f"/repos/{contents.repository}").get("allow_auto_merge") is False:
        workflow.say(f"{pull.url}: waits for a person, because the repository allows no automatic merges")
        return None
    head = history.branch_head(contents.github, contents.repository, pull.branch)
    waits = missing_checks(contents, base, head) if head else []
    if head is None or waits:
        workflow.say(f"{pull.url}: merges once {', '.join(waits) or 'its branch'} has passed")
        return None
    # What has passed is what is merged, whatever was pushed meanwhile.
    body = {"merge_method": "squash", "sha": head}
    response = contents.github.call("PUT", f"/repos/{contents.repository}/pulls/{pull.number}/merge", body)
    if not response.ok:
        workflow.say(f"{pull.url}: does not merge yet ({response.message}); reconcile tries again")
        return None
    contents.github.call("DELETE", f"/repos/{contents.repository}/git/refs/heads/{quoted(pull.branch, slashes=True)}")
    return fields.text(fields.document(content_of(response, "PUT", "merge"), "merge"), "sha", "merge")


def missing_checks(contents: Contents, base: str, commit: str) -> list[str]:
    """The checks that the rules of a branch require and that a commit has not passed."""
    required = _required(contents, base)
    if not required:
        return []
    passed = _statuses(contents, commit, required)
    if required.keys() - passed:
        passed |= _checks(contents, commit, required)
    return sorted(required.keys() - passed)


def _required(contents: Contents, branch: str) -> dict[str, int | None]:
    """The required checks, each with the App that it is taken from; None is anybody."""
    path = f"/repos/{contents.repository}/rules/branches/{quoted(branch, slashes=True)}"
    found: dict[str, int | None] = {}
    for rule in fields.documents(contents.checks.read(path), path):
        parameters = fields.optional_document(rule, "parameters") or {}
        if rule.get("type") == "required_status_checks":
            for check in fields.documents(parameters.get("required_status_checks") or [], path):
                app = check.get("integration_id")
                found[fields.text(check, "context", path)] = app if isinstance(app, int) else None
    return found


def _statuses(contents: Contents, commit: str, required: Mapping[str, int | None]) -> set[str]:
    path = f"/repos/{contents.repository}/commits/{commit}/statuses"
    newest: dict[str, Document] = {}
    # Newest first; other tools may have set any number of them.
    for item in itertools.islice(contents.checks.pages(path), MOST):
        if not required.keys() - newest.keys():
            break
        context = fields.text(item, "context", path)
        # A status names its author and not the App's number, so another App's required check has to be a check run.
        if required.get(context) is None or is_promoters(contents, item):
            newest.setdefault(context, item)
    return {context for context, item in newest.items() if item.get("state") == "success"}


def is_promoters(contents: Contents, status: Document) -> bool:
    """Whether the promoter has set a commit status. Everybody who may push can set one of the same name."""
    creator = fields.optional_document(status, "creator") or {}
    return bool(contents.promoter) and str(creator.get("login")).lower() == contents.promoter.lower()


def _checks(contents: Contents, commit: str, required: Mapping[str, int | None]) -> set[str]:
    path = f"/repos/{contents.repository}/commits/{commit}/check-runs"
    newest: dict[str, Document] = {}
    try:
        for item in itertools.islice(contents.checks.pages(path, {"filter": "latest"}, key="check_runs"), MOST):
            name = fields.text(item, "name", path)
            app = required.get(name)
            told_by = (fields.optional_document(item, "app") or {}).get("id")
            if app is not None and told_by != app:
                continue
            # One that was asked for again is another run of the same name; what it says is what counts.
            if name not in newest or fields.number(item, "id", path) > fields.number(newest[name], "id", path):
                newest[name] = item
    except ApiError as error:
        if error.status not in {403, 404}:
            raise
        # A token that may not see checks; what it cannot see has not passed.
        return set()
    return {name for name, item in newest.items() if item.get("conclusion") in _PASSED}
