"""Where services run: each service in each of its environments, with what Git wants there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slipway_release import deployments, release_file
from slipway_release.context import Context
from slipway_release.errors import ReleaseError
from slipway_release.platform_types import MAIN, Environment, Service
from slipway_release.release_file import ReleaseFile


@dataclass(frozen=True)
class Place:
    """A service in an environment, with what Git wants there."""

    environment: Environment
    service: Service
    file: ReleaseFile

    def __str__(self) -> str:
        return deployments.name_of(self.environment.name, self.service.name)


def of_platform(context: Context, folder: Path | None, failed: list[str]) -> list[Place]:
    """All of them; what is wrong with a file is added to `failed`, and its place left out.

    Args:
        context: what is read with.
        folder: a work tree of main; without one, release files are asked for.
        failed: what could not be read, in words.
    """
    found: list[Place] = []
    for environment in context.platform.environments:
        for service in context.platform.services:
            if environment.name not in service.environments:
                continue
            try:
                found.append(Place(environment, service, _file(context, folder, environment, service)))
            except ReleaseError as error:
                failed.append(f"{environment.name}/{service.name}: {error}")
    return found


def _file(context: Context, folder: Path | None, environment: Environment, service: Service) -> ReleaseFile:
    if folder is None or environment.target_branch != MAIN:
        return context.contents.release(environment.name, service.name, environment.target_branch)
    path = release_file.path_of(environment.name, service.name)
    file = folder / path
    return release_file.parse(file.read_text(encoding="utf-8"), path) if file.is_file() else ReleaseFile()
