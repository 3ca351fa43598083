"""What a ruleset of GitHub lets through that it did not, in words."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from stacks.preview_words import at, code

Json = Mapping[str, Any]

_PERMITTED = {
    "creation": "everybody who may push may create what it covers",
    "update": "everybody who may push may change what it covers",
    "deletion": "everybody who may push may delete what it covers",
    "nonFastForward": "force pushes are permitted",
    "requiredLinearHistory": "merge commits are permitted",
    "pullRequest": "changes need no pull request",
    "requiredStatusChecks": "no check has to pass",
    "pullRequest.dismissStaleReviewsOnPush": "approvals outlast later pushes",
    "pullRequest.requireCodeOwnerReview": "code owners need not approve",
    "pullRequest.requireLastPushApproval": "the person who pushed last may approve",
}
"""What is permitted without a rule, or without a part of one, in the words of Pulumi's provider."""
_COUNTED = {"pullRequest.requiredApprovingReviewCount": "pull requests need {now} approvals instead of {was}"}
"""What fewer of something mean."""


def opened_rules(old: Json, new: Json) -> Iterator[str]:
    """How it is more open than before, one phrase each."""
    if old.get("enforcement") == "active" and new.get("enforcement") != "active":
        yield f"enforcement becomes {code(new.get('enforcement'))}"
    before, after = (cast(Json, part.get("rules") or {}) for part in (old, new))
    for name, rule in before.items():
        now = after.get(name)
        if isinstance(rule, Mapping) and isinstance(now, Mapping):
            yield from _weakened(cast(Json, rule), cast(Json, now), name)
        elif rule not in (None, False) and rule != now:
            yield _told(name, cast(object, rule), now)
    allowed, more = (cast(list[Any], part.get("bypassActors") or []) for part in (old, new))
    if [actor for actor in more if actor not in allowed]:
        others = [actor for actor in allowed if actor not in more]
        yield "others may bypass it than before" if others else "more may bypass it"
    before_in, after_in = (cast(list[str], at(p, "conditions", "refName", "includes") or []) for p in (old, new))
    if gone := [pattern for pattern in before_in if pattern not in after_in]:
        yield f"it no longer covers {', '.join(map(code, gone))}"
    except_in, but_in = (cast(list[str], at(p, "conditions", "refName", "excludes") or []) for p in (old, new))
    if excepted := [pattern for pattern in but_in if pattern not in except_in]:
        yield f"it no longer covers {', '.join(map(code, excepted))} (`excludes`)"


def _weakened(rule: Json, later: Json, name: str) -> Iterator[str]:
    """What a rule with parameters asks for no more."""
    for key, was in rule.items():
        now, path = later.get(key), f"{name}.{key}"
        if isinstance(was, list):
            kept = cast(list[object], now) if isinstance(now, list) else []
            for item in [item for item in cast(list[object], was) if item not in kept]:
                yield f"{_item(item)} is not required any more ({code(path)})"
        elif was and (now is None or (isinstance(was, int) and isinstance(now, int) and now < was)):
            yield _told(path, was, now)


def _item(item: object) -> str:
    """A check that has to pass, and the App that has to report it."""
    if not isinstance(item, Mapping):
        return code(item)
    check = cast(Json, item)
    app = check.get("integrationId")
    return f"the check {code(check.get('context'))}{f' of the App {code(app)}' if app else ''}"


def _told(path: str, was: object, now: object) -> str:
    """What is permitted now, with the provider's name of what permits it."""
    if path in _COUNTED:
        return f"{_COUNTED[path].format(was=_plainly(was), now=_plainly(now or 0))} ({code(path)})"
    if path in _PERMITTED:
        return f"{_PERMITTED[path]} ({code(path)})"
    return f"{code(path)} goes from {_plainly(was)} to {_plainly(now)}"


def _plainly(value: object) -> str:
    """A value as people write it."""
    if value is None:
        return "nothing"
    return code(str(value).lower() if isinstance(value, bool) else value)
