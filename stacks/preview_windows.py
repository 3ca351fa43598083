"""What a change of an AppProject's sync windows means for people, as the preview tells it."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from manifests.model.sync_window import Identity, WindowKind, in_words

Windows = Mapping[Identity, bool]
"""Whether people may sync by hand while a window forbids a sync, by what Argo CD knows the window by."""


def windows_of(project: Mapping[str, Any]) -> Windows:
    """The windows of an AppProject's manifest."""
    spec = cast(Mapping[str, Any], project.get("spec") or {})
    listed = cast(list[Mapping[str, Any]], spec.get("syncWindows") or [])
    return {
        (str(one.get("kind")), str(one.get("schedule")), str(one.get("duration")), str(one.get("timeZone"))): bool(
            one.get("manualSync")
        )
        for one in listed
    }


def changed_windows(old: Windows, new: Windows) -> Iterator[str]:
    """How syncs are permitted afterwards that were not so before, and the other way round."""
    for identity, manual in old.items():
        if new.get(identity) is not manual:
            yield f"no longer {in_words(identity, manual_sync=manual)}"
    for identity, manual in new.items():
        if old.get(identity) is not manual:
            yield f"now {in_words(identity, manual_sync=manual)}"


def opened_windows(old: Windows, new: Windows) -> Iterator[str]:
    """What lets more syncs through than before."""
    allows, kept = ([one for one in windows if one[0] == WindowKind.ALLOW] for windows in (old, new))
    for identity, manual in old.items():
        if identity[0] == WindowKind.DENY and identity not in new:
            yield f"no longer {in_words(identity, manual_sync=manual)}"
        elif manual is False and new.get(identity) is True:
            yield f"now {in_words(identity, manual_sync=True)}"
    if allows and not kept:
        yield "allowed at any time that no window denies"
    elif allows:
        yield from (f"now {in_words(one, manual_sync=new[one])}" for one in kept if one not in old)
