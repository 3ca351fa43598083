"""Delivery to an environment's own branch, which its Applications follow.

One commit puts the new release in and takes what is the service's own from main as it is now: its chart, its values,
and the values that all services of the environment share. Nothing of another service comes along, and nothing is ever
rewritten. Changes of values on main therefore reach the environment together with a release, and not before.
"""

from __future__ import annotations

from slipway_release import history, layout, trees
from slipway_release.contents import Contents
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.platform_types import MAIN, Environment
from slipway_release.release_file import ReleaseFile


def head(contents: Contents, branch: str) -> str:
    """The branch's head; a missing branch starts where main is."""
    found = history.branch_head(contents.github, contents.repository, branch)
    if found is not None:
        return found
    main = _main_head(contents)
    try:
        contents.github.post(f"/repos/{contents.repository}/git/refs", {"ref": f"refs/heads/{branch}", "sha": main})
    except ApiError as error:
        if error.status not in {409, 422}:
            raise
        # Another release has made it meanwhile.
        return history.branch_head(contents.github, contents.repository, branch) or main
    return main


def entries(
    contents: Contents, environment: Environment, service: str, wanted: ReleaseFile, onto: str
) -> list[Document]:
    """What a release changes on the branch, whose head is `onto`."""
    main = _main_head(contents)
    shared = layout.value_files(environment.name, service)[0]
    found = contents.read(shared, main)
    return [
        *([trees.text_entry(shared, found.content)] if found else []),
        *state_of(contents, environment, service, main, wanted, onto),
    ]


def state_of(
    contents: Contents, environment: Environment, service: str, commit: str, wanted: ReleaseFile, onto: str
) -> list[Document]:
    """What makes a service's own files those of a commit, but with another release file."""
    changed = differences(contents, environment, service, commit, onto)
    return [*changed, trees.text_entry(layout.release_path(environment.name, service), wanted.dump())]


def differences(contents: Contents, environment: Environment, service: str, commit: str, onto: str) -> list[Document]:
    """What makes a service's chart and values on a head those of a commit."""
    folders = layout.folders_of(environment.name, service)
    release = layout.release_path(environment.name, service)
    wanted, present = trees.files(contents, commit, folders), trees.files(contents, onto, folders)
    wanted.pop(release, None)
    present.pop(release, None)
    return trees.difference(wanted, present)


def _main_head(contents: Contents) -> str:
    found = history.branch_head(contents.github, contents.repository, MAIN)
    if found is None:
        raise RefusedError(f"{contents.repository}: has no branch {MAIN}; run the platform's `pulumi up`")
    return found
