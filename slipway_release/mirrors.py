"""Which repositories of services the promoter's App still reaches: one that is gone must not keep the others untold."""

from __future__ import annotations

from slipway_release import fields, workflow
from slipway_release.github import GitHub
from slipway_release.platform_types import Platform


def reachable(platform: Platform, github: GitHub) -> list[str]:
    """The names of those that are reached, without the owner; a warning names each that is not.

    Args:
        platform: the platform.
        github: a client with a token for all that the App is installed on.
    """
    path = "/installation/repositories"
    seen = {fields.text(item, "full_name", path).lower() for item in github.pages(path, key="repositories")}
    for service in platform.services:
        if service.repository.lower() not in seen:
            workflow.warning(
                f"{service.repository}: the promoter App does not reach it, so that the deployments of {service.name} "
                "are not shown there. Install the App there, or put the repository's new name into the settings"
            )
    known = (service.repository for service in platform.services if service.repository.lower() in seen)
    return [repository.rpartition("/")[2] for repository in known]
