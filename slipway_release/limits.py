"""How long the texts may be that GitHub and chats take; a longer one is cut, so that nothing fails for it."""

from __future__ import annotations

DESCRIPTION = 140
"""GitHub: of a commit status, and of the status of a deployment."""
COMMENT = 65_536
"""GitHub: a comment, and the text of a pull request."""
MESSAGE = 3_000
"""A chat: Slack advises at most 4,000 characters."""
_REASON = 1_000
"""Why a person does something: files, commits, requests and chats repeat it, some of them several beside each other."""


def shortened(text: str, longest: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def reason(words: str) -> str:
    """What a person gives as a reason, as one line; empty where there is nothing in it."""
    return shortened(" ".join(words.split()), _REASON)
