"""CODEOWNERS: whose approval a change of some files needs."""

import re

from sandbox.github.core.git import GitRepository

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def owners(git: GitRepository, base: str, paths: list[str]) -> list[tuple[str, ...]]:
    """For each changed path that has owners: its owners, as `@user`, `@org/team` or e-mail address.

    The file is read from the base: a pull request cannot change who must approve it.
    """
    text = next((content for place in PLACES if (content := git.read(base, place)) is not None), None)
    if text is None:
        return []
    rules = [line.partition("#")[0].split() for line in text.decode(errors="replace").splitlines()]
    found: set[tuple[str, ...]] = set()
    for path in paths:
        # The last rule that fits decides, also when it names no owner.
        decisive = next((rule for rule in reversed(rules) if rule and _fits(rule[0], path)), None)
        if decisive is not None and len(decisive) > 1:
            found.add(tuple(decisive[1:]))
    return sorted(found)


def _fits(pattern: str, path: str) -> bool:
    """True if a path fits a pattern of gitignore's kind."""
    anchored = "/" in pattern.rstrip("/")
    body = pattern.strip("/")
    regex = "".join(
        {"**/": "(?:.*/)?", "/**": "(?:/.*)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
        for part in re.split(r"(\*\*/|/\*\*|\*\*|\*|\?)", body)
    )
    below = "/.+" if pattern.endswith("/") else "" if body.endswith("*") and "**" not in body else "(?:/.+)?"
    return re.fullmatch(("" if anchored else "(?:.*/)?") + regex + below, path) is not None
