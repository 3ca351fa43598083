"""Applies resources of the GitHub provider through GitHub's REST API, one table of kinds by area.

Each kind reads what is there, compares, and writes only what differs. Outputs have the provider's names and ids.
"""

from sandbox.engine.github import access, actions, environments, labels, repository, rules, teams, webhooks
from sandbox.engine.github.kind import Kind, LookUp

KINDS: dict[str, Kind] = {
    f"github:index/{name[0].lower()}{name[1:]}:{name}": kind
    for table in (
        repository.KINDS,
        rules.KINDS,
        environments.KINDS,
        teams.KINDS,
        access.KINDS,
        actions.KINDS,
        labels.KINDS,
        webhooks.KINDS,
    )
    for name, kind in table.items()
}
"""What applies a resource, by its type token."""

LOOK_UPS: dict[str, LookUp] = {
    "github:index/repository:Repository": repository.look_up,
    "github:index/team:Team": teams.look_up,
}
"""What finds an existing resource by its id, for a `get`."""

FUNCTIONS: dict[str, tuple[str, LookUp]] = {
    "github:index/getRepository:getRepository": ("name", repository.look_up),
    "github:index/getTeam:getTeam": ("slug", teams.look_up),
}
"""What answers a provider function: the argument that names the thing, and what finds it."""

__all__ = ["FUNCTIONS", "KINDS", "LOOK_UPS", "Kind", "LookUp"]
