"""What a ruleset of GitHub lets through that it did not, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from stacks.preview_words import at, code

Json = Mapping[str, Any]


def opened_rules(old: Json, new: Json) -> Iterator[str]:
    """How it is more open than before, one phrase each."""
    if old.get("enforcement") == "active" and new.get("enforcement") != "active":
        yield f"enforcement becomes {code(new.get('enforcement'))}"
    before, after = (cast(Json, part.get("rules") or {}) for part in (old, new))
    for path, value in _leaves(before):
        now = at(after, *path)
        lower = isinstance(value, int) and isinstance(now, int) and now < value
        if value and (now is None or lower):
            yield f"{code('.'.join(path))} goes from {_plainly(value)} to {_plainly(now)}"
    allowed, more = (cast(list[Any], part.get("bypassActors") or []) for part in (old, new))
    if [actor for actor in more if actor not in allowed]:
        others = [actor for actor in allowed if actor not in more]
        yield "others may bypass it than before" if others else "more may bypass it"
    before_in, after_in = (cast(list[str], at(p, "conditions", "refName", "includes") or []) for p in (old, new))
    if gone := [pattern for pattern in before_in if pattern not in after_in]:
        yield f"it no longer covers {', '.join(map(code, gone))}"


def _plainly(value: object) -> str:
    """A value as people write it."""
    if value is None:
        return "nothing"
    return code(str(value).lower() if isinstance(value, bool) else value)


def _leaves(node: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _leaves(cast(Json, value), (*path, key))
        else:
            yield (*path, key), value
