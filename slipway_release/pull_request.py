"""Pull requests of a service that run: the image of a commit, the comment that says where, and the end of old ones.

Argo CD finds the labelled pull requests itself; nothing of this decides what runs, and no release comes of it.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

from slipway_release import fields, history, image, source, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.fields import Document
from slipway_release.github import quoted
from slipway_release.platform_types import Platform, Service
from slipway_release.source import Source
from slipway_release.tool import Credential
from slipway_release.validation import comment

MARKER = "<!-- slipway-pull-request -->"


def image_tag(number: str, commit: str) -> str:
    """The tag of the image of one commit of a pull request."""
    if not re.fullmatch(r"[0-9]{1,9}", number) or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise RefusedError(f"pull request {number!r} at {commit!r}: expected a number and a commit")
    return f"pr-{number}-{commit}"


def build(context: Context, number: str, commit: str, folder: Path, credential: Credential) -> str:
    """Builds the image of a pull request's commit, unless it is there; returns its digest.

    Raises:
        RefusedError: the image of that name was built from something else.
    """
    service = _service(context)
    found = source.with_image(context, Source(service, image_tag(number, commit), commit, None))
    return image.build(context, found, folder, credential)


def tell(context: Context, number: str, commit: str, address: str) -> None:
    """Says in the pull request where it runs, in one comment that is kept up to date."""
    service = _service(context)
    text = where(context.platform, service, number, commit, address)
    comment.keep(context, number, text, repository=service.repository, marker=MARKER)


def where(platform: Platform, service: Service, number: str, commit: str, address: str) -> str:
    """The comment of a pull request that runs. What becomes of it Argo CD alone knows, which may write none."""
    name = f"{service.name}-pr-{number}"
    answers = f"answers at {address}" if address else "has no address outside of the cluster"
    lines = [f"This pull request runs at `{commit[:12]}` and {answers}, once Argo CD has synced `{name}`."]
    if platform.argocd_url:
        page = f"{platform.argocd_url.rstrip('/')}/applications?search={name}"
        lines.append(f"[Argo CD]({page}) shows whether it is healthy, and why it is not.")
    lines.append("It goes when the pull request is closed, or the label is taken off.")
    return "\n".join([MARKER, *lines])


def gone(context: Context, number: str) -> None:
    """Says in the comment of a pull request, if it has one, that it does not run any more."""
    text = f"{MARKER}\nThis pull request does not run any more."
    comment.keep(context, number, text, repository=_service(context).repository, marker=MARKER, new=False)


def expire(context: Context, label: str, days: int) -> None:
    """Takes the label off pull requests without a change for some days, and says so there."""
    service = _service(context)
    base, oldest = f"/repos/{service.repository}", workflow.days_ago(days)
    # Not the list of issues, which could be asked for the label: that takes a right of its own.
    for pull in context.own.pages(f"{base}/pulls", {"state": "open"}):
        names = {item.get("name") for item in fields.documents(pull.get("labels") or [], "pull request.labels")}
        number = fields.number(pull, "number", "pull request")
        if label not in names or _changed(context, base, pull) > oldest:
            continue
        text = f"{MARKER}\nNothing has changed here for {days} days, so `{label}` is taken off; set it again to go on."
        comment.keep(context, str(number), text, repository=service.repository, marker=MARKER)
        context.own.answer("DELETE", f"{base}/issues/{number}/labels/{quoted(label)}")
        workflow.say(f"#{number}: {label} taken off")


def _service(context: Context) -> Service:
    """Whose workflow this is."""
    return context.platform.service_of(workflow.variable("GITHUB_REPOSITORY"))


def _changed(context: Context, base: str, pull: Document) -> dt.datetime:
    """When a pull request was last told where it runs, which each new commit and the label are a reason for.

    A pull request of a fork is never told; its newest commit counts, which says itself when it was made.
    """
    number = str(fields.number(pull, "number", "pull request"))
    told = comment.find(context, number, repository=base.removeprefix("/repos/"), marker=MARKER)
    if told is not None:
        return workflow.moment(fields.text(told, "updated_at", "comment"))
    head = fields.child(pull, "head", "pull request")
    repository = base.removeprefix("/repos/")
    made = history.commit_date(context.own, repository, fields.text(head, "sha", "pull request.head"))
    # What GitHub does not know the age of is not old.
    return workflow.moment(made) if made else workflow.now()
