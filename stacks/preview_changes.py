"""What `pulumi preview --json` says, resource by resource; values are kept for the few rules that need them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

Json = Mapping[str, Any]

UNCHANGED = frozenset({"same", "read", "refresh"})
_FOR_PROVIDER = 'metadata.annotations["pulumi.com/'
"""Begins what tells the Kubernetes provider how to write an object, and does not belong to the platform."""
_ECHOES = frozenset({"Resource monitor has terminated, shutting down"})
"""Said after another error, of which they are the consequence."""
_REPLACING = frozenset({"replace", "create-replacement", "delete-replaced"})
_OWNERS = {
    "slipway:index:ServiceRepository": "service {}",
    "slipway:index:EnvironmentApplications": "environment {}",
    "slipway:index:TeamAccess": "team {}",
    "slipway:index:EnvironmentRepository": "environment repository",
    "slipway:index:ArgoCDInstallation": "Argo CD",
}


class PreviewError(ValueError):
    """The text is not what `pulumi preview --json` writes; says what to do."""


@dataclass(frozen=True)
class Change:
    """What would be done to one resource."""

    operation: str
    """`create`, `update`, `delete`, `replace`, or another word of the engine."""
    urn: str
    owner: str
    """What it belongs to in words: `service orders`, `environment dev`."""
    old: Json = field(default_factory=dict[str, Any])
    """The inputs before; secrets are `[secret]`."""
    new: Json = field(default_factory=dict[str, Any])
    differing: tuple[str, ...] = ()
    """The properties that differ."""
    reasons: tuple[str, ...] = ()
    """The properties that make it a replacement."""
    kept: bool = False
    """Whether what is deleted from the state stays where it is."""

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def full_type(self) -> str:
        """Such as `github:index/repository:Repository`."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def type(self) -> str:
        """Such as `Repository`."""
        return self.full_type.rpartition(":")[2]

    @property
    def is_component(self) -> bool:
        """Whether it only groups others."""
        return self.full_type.startswith(("slipway:", "pulumi:"))

    @property
    def is_for_provider(self) -> bool:
        """Whether it changes nothing but how a provider writes the object."""
        return bool(self.differing) and all(name.startswith(_FOR_PROVIDER) for name in self.differing)

    @property
    def removes(self) -> bool:
        """Whether what is there now goes."""
        return self.operation in {"delete", "replace", "discard"}


@dataclass(frozen=True)
class Preview:
    """All that would change."""

    changes: tuple[Change, ...]
    unchanged: int
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


def read_preview(text: str, said: str = "") -> Preview:
    """Reads the output of `pulumi preview --json`.

    Args:
        text: its standard output.
        said: its standard error, which alone has the reason where it ended before it had looked at anything.

    Raises:
        PreviewError: it is something else.
    """
    if not text.strip() and (reason := said.strip().removeprefix("error: ")):
        return Preview((), 0, errors=(reason,))
    try:
        given = cast(object, json.loads(text))
    except ValueError:
        raise PreviewError("it is not JSON; give what `pulumi preview --json` writes to its standard output") from None
    if not isinstance(given, dict) or (
        "changeSummary" not in given and "steps" not in given and "diagnostics" not in given
    ):
        raise PreviewError("it has neither steps nor diagnostics; give what `pulumi preview --json` writes")
    try:
        return _preview(cast(Json, given))
    except (KeyError, TypeError, AttributeError, ValueError):
        raise PreviewError("its steps have another form; give what `pulumi preview --json` writes") from None


def _preview(document: Json) -> Preview:
    steps = cast(list[Json], document.get("steps") or [])
    replaced = {step["urn"] for step in steps if step["op"] in _REPLACING}
    found: dict[str, Change] = {}
    for step in steps:
        if step["op"] in UNCHANGED:
            continue
        change = _change(step, replaced)
        earlier = found.get(change.urn)
        if earlier is None or step["op"] == "replace":
            found[change.urn] = change
    messages = cast(list[Json], document.get("diagnostics") or [])
    summary = cast(Mapping[str, int], document.get("changeSummary") or {})
    changes = [change for change in found.values() if not change.is_component]
    shown = tuple(change for change in changes if not change.is_for_provider)
    return Preview(
        shown,
        sum(count for operation, count in summary.items() if operation in UNCHANGED) + len(changes) - len(shown),
        _messages(messages, "warning"),
        _messages(messages, "error"),
    )


def between(before: Preview, after: Preview) -> Preview:
    """What differs between two plans, each of which has all that is declared as new.

    What a provider would replace is an update here, since only a provider knows.
    """
    old, new = ({change.urn: change for change in plan.changes} for plan in (before, after))
    changes: list[Change] = []
    for urn, change in new.items():
        if urn not in old:
            changes.append(change)
        elif old[urn].new != change.new:
            differing = tuple(_differing(old[urn].new, change.new))
            changes.append(replace(change, operation="update", old=old[urn].new, differing=differing))
    for urn, change in old.items():
        if urn not in new:
            changes.append(replace(change, operation="delete", old=change.new, new={}))
    changes.sort(key=lambda change: change.urn)
    same = len(new) - sum(change.operation != "delete" for change in changes)
    return Preview(tuple(changes), same, after.warnings, after.errors)


def _differing(old: Json, new: Json, at: str = "") -> Iterator[str]:
    """Where two mappings differ: `spec.source.path`."""
    for key in dict.fromkeys([*old, *new]):
        one, other = old.get(key), new.get(key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from _differing(cast(Json, one), cast(Json, other), f"{at}{key}.")
        elif one != other:
            yield f"{at}{key}"


def _change(step: Json, replaced: set[str]) -> Change:
    old, new = (cast(Json, step.get(key) or {}) for key in ("oldState", "newState"))
    state = new or old
    urn = str(step["urn"])
    parent = str(state.get("parent") or "").split("::")
    kind, name = (parent[2].rpartition("$")[2], parent[-1]) if len(parent) > 3 else ("", "")
    detailed = cast(Json, step.get("detailedDiff") or {})
    return Change(
        "replace" if urn in replaced else str(step["op"]),
        urn,
        # It is written among other words of the comment, and must not be markup there.
        _OWNERS.get(kind, "platform").format(re.sub(r"[^\w.-]", "", name)),
        cast(Json, old.get("inputs") or {}),
        cast(Json, new.get("inputs") or {}),
        tuple(detailed or cast(list[str], step.get("diffReasons") or [])),
        tuple(cast(list[str], step.get("replaceReasons") or [])),
        bool((old or new).get("retainOnDelete")),
    )


def _messages(said: list[Json], severity: str) -> tuple[str, ...]:
    texts = [str(one["message"]) for one in said if one.get("severity") == severity]
    cleaned = [
        text.strip().removeprefix(f"{severity}: ").removeprefix("an unhandled error occurred: ") for text in texts
    ]
    return tuple(dict.fromkeys(text for text in cleaned if text and text not in _ECHOES))
