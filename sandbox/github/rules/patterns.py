"""Ref patterns of rulesets, branch protection and deployment policies: Ruby's `File.fnmatch` with FNM_PATHNAME."""

import functools
import re


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stop at slashes, `**/` spans folders, `[a-z]` and `[^a]` are classes, a backslash escapes."""
    result, position = "", 0
    while position < len(pattern):
        character = pattern[position]
        if pattern.startswith("**/", position) and (position == 0 or pattern[position - 1] == "/"):
            result, position = result + "(?:[^/]+/)*", position + 3
            continue
        if character == "*":
            while pattern.startswith("*", position + 1):
                position += 1
            result += "[^/]*"
        elif character == "?":
            result += "[^/]"
        elif character == "[" and (end := pattern.find("]", position + 2)) > 0:
            body = pattern[position + 1 : end]
            negated = body[0] in "!^"
            members = body[1:] if negated else body
            result += "[" + ("^/" if negated else "") + members.replace("\\", "\\\\").replace("[", "\\[") + "]"
            position = end
        elif character == "\\" and position + 1 < len(pattern):
            position += 1
            result += re.escape(pattern[position])
        else:
            result += re.escape(character)
        position += 1
    try:
        return re.compile(result, re.DOTALL)
    except re.error:
        # A class that no regular expression can hold matches nothing but itself.
        return re.compile(re.escape(pattern))


def matches(pattern: str, name: str) -> bool:
    """True if the whole name fits the pattern."""
    return compiled(pattern).fullmatch(name) is not None
