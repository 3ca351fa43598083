"""Maintenance branches: older versions of a service that are still released, beside main.

A pattern names the one branch that a version may come from, such as `release/{major}.{minor}`: `release/1.2` for
1.2.4. It says nothing about other branches, so a version never comes from one that is named by chance.
"""

from __future__ import annotations

import re

from slipway_release.tags import Version

_PATTERN = re.compile(r"(?=[A-Za-z])(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]*\{major\}(?:[._-]\{minor\})?[A-Za-z0-9_-]*")
_PLACEHOLDER = re.compile(r"\{(?:major|minor)\}")
MEANING = "the name of a branch with {major} and, if wanted, {minor} in it, such as release/{major}.{minor}"


def is_pattern(text: str) -> bool:
    """Whether a text may be the setting."""
    return _PATTERN.fullmatch(text) is not None and len(text) <= 100


def branch_of(pattern: str, version: Version) -> str:
    """The branch that a version may come from, beside main."""
    return pattern.replace("{major}", str(version.major)).replace("{minor}", str(version.minor))


def ruleset_pattern(pattern: str) -> str:
    """The pattern (fnmatch) of a ruleset that covers every such branch."""
    return f"refs/heads/{_PLACEHOLDER.sub('*', pattern)}"
