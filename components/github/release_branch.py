"""The branch on which an environment's releases are, complete before its Applications follow it."""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi
from pulumi.dynamic import Resource

from components.github.release_branch_provider import ReleaseBranchProvider


class ReleaseBranchArgs(TypedDict):
    """Whose releases are where."""

    repository: pulumi.Input[str]
    """The environment repository's name."""
    environment: str
    """The environment's name."""
    branch: str
    """`main`, or the environment's own branch."""
    folders: Sequence[str]
    """What its Applications read; copied from main where the branch lacks it."""
    workflows: Mapping[str, str]
    """What main is to have of workflows, as digests by path; the branch gets them from there."""


class ReleaseBranch(Resource, module="slipway", name="ReleaseBranch"):
    """Another branch takes the releases along; deleting the resource leaves the branch, which is a history."""

    waiting: pulumi.Output[list[str]]
    """The folders that main lacks too, or has as they were, because a pull request with them waits."""

    def __init__(self, name: str, args: ReleaseBranchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        properties = {
            "repository": args["repository"],
            "environment": args["environment"],
            "branch": args["branch"],
            "folders": sorted(args["folders"]),
            "workflows": dict(args["workflows"]),
            "waiting": None,
        }
        super().__init__(ReleaseBranchProvider(), name, properties, opts)
