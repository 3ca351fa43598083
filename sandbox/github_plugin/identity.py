"""Ids of more than one part, and times, in the form that the real plugin gives them."""

from datetime import datetime

from sandbox.github_plugin.client import PluginError

COLON = "??"
"""What stands for a colon within a part."""


def joined(*parts: str) -> str:
    """`repository:environment:name`; a colon within a later part is written `??`."""
    return ":".join((parts[0], *(part.replace(":", COLON) for part in parts[1:])))


def split(identity: str, *names: str) -> list[str]:
    """The parts of an id.

    Args:
        identity: the id.
        names: what its parts are, for the message where it has others.
    """
    parts = identity.split(":", len(names) - 1)
    if len(parts) != len(names) or not all(parts):
        raise PluginError(
            f"{identity!r} is not an id of this kind; write it as {':'.join(f'<{name}>' for name in names)}"
        )
    return [part.replace(COLON, ":") for part in parts]


def go_time(moment: str | None) -> str:
    """GitHub's `2026-11-26T07:00:00Z` as Go prints it: `2026-11-26 07:00:00 +0000 UTC`."""
    if not moment:
        return ""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
