"""Every kind of resource that the components use or that those of 0.1.0 used, by its type token."""

from sandbox.github_plugin.kinds import (
    actions,
    branches,
    environments,
    labels,
    permissions,
    repositories,
    rulesets,
    teams,
    webhooks,
)
from sandbox.github_plugin.schema import Kind

KINDS: dict[str, Kind] = {
    f"github:index/{name[0].lower()}{name[1:]}:{name}": kind
    for table in (
        actions.KINDS,
        branches.KINDS,
        environments.KINDS,
        labels.KINDS,
        permissions.KINDS,
        repositories.KINDS,
        rulesets.KINDS,
        teams.KINDS,
        webhooks.KINDS,
    )
    for name, kind in table.items()
}
