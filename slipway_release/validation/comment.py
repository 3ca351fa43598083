"""The one comment of a pull request that is kept up to date. Releases read it too, so it needs no PyYAML."""

from __future__ import annotations

from collections.abc import Mapping

from slipway_release import fields, limits, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError

MARKER = "<!-- slipway: difference -->"


def keep(
    context: Context, number: str, text: str, *, repository: str = "", marker: str = MARKER, new: bool = True
) -> None:
    """Write the comment, or bring the one that is there up to date.

    Args:
        context: what it is written with.
        number: the pull request's.
        text: the comment, which begins with the marker.
        repository: whose pull request it is; unset: the environment repository's.
        marker: what tells the comment from others.
        new: whether it is written where there is none.
    """
    if not number.isascii() or not number.isdecimal():
        raise RefusedError(f"pull request {number!r}: not a number")
    if not text.startswith(marker):
        raise RefusedError("the comment is not one of this program")
    if len(text) > limits.COMMENT:
        raise RefusedError(f"the comment has {len(text)} characters, more than GitHub takes")
    base = f"/repos/{repository or context.platform.repository}/issues"
    found = find(context, number, repository=repository, marker=marker)
    if found is None:
        if new:
            context.own.post(f"{base}/{number}/comments", {"body": text})
            workflow.say("commented")
        return
    if found.get("body") != text:
        context.own.patch(f"{base}/comments/{fields.number(found, 'id', 'comment')}", {"body": text})
    workflow.say("the comment is up to date")


def find(context: Context, number: str, *, repository: str = "", marker: str = MARKER) -> Mapping[str, object] | None:
    """The comment as GitHub has it, or None; the arguments are those of `keep`."""
    base = f"/repos/{repository or context.platform.repository}/issues"
    for comment in context.own.pages(f"{base}/{number}/comments"):
        author = fields.optional_document(comment, "user") or {}
        if str(comment.get("body") or "").startswith(marker) and author.get("type") == "Bot":
            return comment
    return None
