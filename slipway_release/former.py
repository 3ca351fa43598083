"""What ran in environments that the settings no longer have: their files stay in Git, and what came no further goes on.

A version that others required to be verified there may be in no other environment: without this, it would wait for an
environment that is gone.
"""

from __future__ import annotations

from collections.abc import Iterator

from slipway_release import layout
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.platform_types import MAIN
from slipway_release.release_file import Release


def releases(context: Context) -> dict[str, list[Release]]:
    """What those environments wanted last, by service; none where Git does not tell."""
    services = {service.name for service in context.platform.services}
    found: dict[str, list[Release]] = {}
    for environment, service, commit in _files(context):
        if service not in services:
            continue
        try:
            release = context.contents.release(environment, service, commit).release
        except ApiError:
            raise
        except RefusedError:
            # It was broken by hand when the environment went.
            continue
        if release is not None:
            found.setdefault(service, []).append(release)
    return found


def _files(context: Context) -> Iterator[tuple[str, str, str]]:
    """Environment, service and commit of their release files: on main, or on the branch of an environment."""
    copy = context.writer.copy(context.platform.repository)
    if copy is None:
        return
    known = {environment.name for environment in context.platform.environments}
    main, branches = f"refs/heads/{MAIN}", f"refs/heads/{layout.environment_branch('')}"
    for name, head in (copy.references(main, branches) or {}).items():
        own = name.removeprefix(branches) if name.startswith(branches) else None
        if own in known or (own is None and name != main):
            continue
        for path in copy.paths(head.commit, layout.environment_folder(own) if own else layout.ENVIRONMENTS):
            parts = path.split("/")
            if len(parts) == 4 and parts[1] not in known and path == layout.release_path(parts[1], parts[2]):
                yield parts[1], parts[2], head.commit
