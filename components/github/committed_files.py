"""All files of a repository in one commit, where one `RepositoryFile` a file would be forty.

Owned paths are kept as declared, their drift is shown and mended. Seeded paths are written once, if they are absent,
and belong to the team from then on. Deleting the resource leaves the files where they are.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
from pulumi.dynamic import Resource

from components.github.files_provider import FilesProvider
from manifests.model import OwnedFiles


class CommittedFilesArgs(TypedDict):
    """What is written where."""

    repository: pulumi.Input[str]
    """The repository's name; its owner is the stack's."""
    owned: Mapping[str, str]
    """Text by path; kept as declared."""
    seeded: Mapping[str, str]
    """Text by path; written once where absent."""
    whole: NotRequired[Sequence[str]]
    """Folders (`helm-charts/orders/`; empty for the repository) whose seeds are one start: what a later version of a
    template adds to them is not written into what a team has changed since. Unset: each seed for itself."""
    executable: Sequence[str]
    """Those paths that are programs."""
    message: str
    """The subject of the first commit."""
    trailer: str
    """The last line of a direct commit's message; workflows can tell it from a person's work."""
    changes: OwnedFiles
    """How changes reach the branch once its rules refuse a direct commit."""


class CommittedFiles(Resource, module="slipway", name="CommittedFiles"):
    """The files of a repository, as one resource and one commit."""

    commit: pulumi.Output[str]
    """The commit in which the files were last found or written."""
    pull_request: pulumi.Output[str]
    """The URL of the pull request that waits to be merged; empty if none does."""

    def __init__(self, name: str, args: CommittedFilesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        properties = {
            "repository": args["repository"],
            "owned": dict(args["owned"]),
            "seeded": dict(args["seeded"]),
            "whole": sorted(args.get("whole", ())),
            "executable": sorted(args["executable"]),
            "message": args["message"],
            "trailer": args["trailer"],
            "changes": args["changes"].value,
            "commit": None,
            "pull_request": None,
        }
        super().__init__(FilesProvider(), name, properties, opts)
