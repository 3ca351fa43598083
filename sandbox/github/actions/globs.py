"""Filter patterns of `on.<event>.branches`, `tags` and `paths`.

They look like globs and partly are regular expressions: `*` stops at a slash, `**` does not, `?` and `+` belong to the
character before them, `[]` is a set, a leading `!` takes back.
https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet
"""

import functools
import re
from collections.abc import Iterable, Sequence


@functools.lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression for the whole of a name.

    Raises:
        ValueError: it is not a pattern.
    """
    result: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        following = pattern[position + 1 : position + 2]
        if character == "\\" and following:
            result.append(re.escape(following))
            position += 2
        elif pattern.startswith("**/", position) and (position == 0 or pattern[position - 1] == "/"):
            # `**/x` is x in any folder, the top one included.
            result.append("(?:.*/)?")
            position += 3
        elif pattern.startswith("**", position):
            result.append(".*")
            position += 2
        elif character == "*":
            result.append("[^/]*")
            position += 1
        elif character in "?+":
            if not result:
                raise ValueError(f"{pattern}: {character!r} follows nothing")
            result.append(character)
            position += 1
        elif character == "[":
            end = pattern.find("]", position + 2)
            if end < 0:
                raise ValueError(f"{pattern}: '[' without ']'")
            result.append("[" + pattern[position + 1 : end].replace("\\", "\\\\").replace("[", "\\[") + "]")
            position = end + 1
        else:
            result.append(re.escape(character))
            position += 1
    try:
        return re.compile("".join(result), re.DOTALL)
    except re.error as error:
        raise ValueError(f"{pattern}: {error}") from error


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether the last pattern that speaks about a name takes it in."""
    included = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if compile_pattern(pattern[1:]).fullmatch(name):
                included = False
        elif compile_pattern(pattern).fullmatch(name):
            included = True
    return included


def any_matches(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Whether one of the names is taken in."""
    return any(matches(patterns, name) for name in names)


def any_not_matching(patterns: Sequence[str], names: Iterable[str]) -> bool:
    """Whether one of the names is not covered, for the `-ignore` filters."""
    return any(not matches(patterns, name) for name in names)
