"""What Pulumi's state of the selected stack knows, asked of the engine before the program declares anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi

PLATFORM = "slipway:index:Platform"
VERSION_OUTPUT = "slipwayVersion"
"""The output of the platform that says which Slipway made it."""
REPOSITORY_KIND = "github:index/repository:Repository"
COMMIT_OUTPUT = "commit"
"""The output of the platform that says which commit of the platform repository made it."""
_READ = "pulumi:pulumi:readStackResourceOutputs"


@dataclass(frozen=True)
class State:
    """The resources of the last `pulumi up`, finished or not."""

    resources: frozenset[tuple[str, str]]
    """The type and the logical name of each."""
    version: str = ""
    """The version of Slipway that last changed the platform; empty of one before 0.2.0."""

    commit: str = ""
    """The commit of the platform repository that was deployed last; empty where none was ever known."""

    repositories: Mapping[str, str] = field(default_factory=dict[str, str])
    """The repositories by their logical names, each as `owner/name`."""

    def has(self, kind: str, name: str) -> bool:
        """Whether a resource is in it."""
        return (kind, name) in self.resources


def read_state() -> State | None:
    """The state; None where the engine does not tell, as for a plan without one."""
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        answer = cast(Any, pulumi.runtime.invoke(_READ, {"stackName": stack}))
        found = cast(dict[str, dict[str, Any]], (answer.value or {})["outputs"])
    except Exception:  # noqa: BLE001 - each engine has words of its own for what it does not have
        return None
    # Outputs of the stack itself are gone by now: each run begins with the stack again.
    outputs = [cast(dict[str, Any], one["outputs"]) for urn, one in found.items() if _named(urn)[0] == PLATFORM]
    version, commit = (
        next((str(one[name]) for one in outputs if one.get(name)), "") for name in (VERSION_OUTPUT, COMMIT_OUTPUT)
    )
    repositories = {
        _named(urn)[1]: str(one["outputs"]["fullName"])
        for urn, one in found.items()
        if _named(urn)[0] == REPOSITORY_KIND and one["outputs"].get("fullName")
    }
    return State(frozenset(map(_named, found)), version, commit, repositories)


def _named(urn: str) -> tuple[str, str]:
    """`urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>`."""
    _, _, kinds, name = urn.split("::", 3)
    return kinds.rsplit("$", 1)[-1], name
