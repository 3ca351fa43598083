"""The service's side of a release, before anything is built: may this tag or branch be built at all."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from slipway_release import claims, history, tags, workflow
from slipway_release.context import Context
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Service
from slipway_release.registry import Image

_TAGS, _BRANCHES = "refs/tags/", "refs/heads/"


@dataclass(frozen=True)
class Source:
    """What is to be built."""

    service: Service
    version: str
    commit: str
    existing: Image | None
    """The image of this version, if an earlier run has built it."""


def check(context: Context) -> Source:
    """The source of this run of a service's workflow, or a refusal."""
    service = context.platform.service_of(workflow.variable("GITHUB_REPOSITORY"))
    reference, commit = workflow.variable("GITHUB_REF"), workflow.variable("GITHUB_SHA")
    if reference.startswith(_TAGS):
        version = _of_tag(context, service, reference.removeprefix(_TAGS), commit)
    elif reference.startswith(_BRANCHES):
        version = _of_branch(context, service, reference.removeprefix(_BRANCHES), commit)
    else:
        raise RefusedError(f"{reference!r}: only tags and branches are released")
    return with_image(context, Source(service, version, commit, None))


def with_image(context: Context, source: Source) -> Source:
    """The source with the image that is there already; refused if that was built from something else."""
    image = context.registry.image(source.service.image, source.version, hidden_is_absent=True)
    if image is not None:
        claims.check_provenance(context, source.service, image)
    if image is not None and image.revision != source.commit:
        raise RefusedError(
            f"image {source.service.image}:{source.version}: exists already, built from "
            f"{image.revision or 'an unnamed commit'} and not from {source.commit}; make a new version"
        )
    return dataclasses.replace(source, existing=image)


def _of_tag(context: Context, service: Service, name: str, commit: str) -> str:
    tag = claims.parse_tag(name)
    claims.named_environments(tag, context.platform.environments_of(service))
    claims.check_tag(context.own, service, tag, commit)
    return str(tag.version)


def _of_branch(context: Context, service: Service, name: str, commit: str) -> str:
    tracked = {environment.tracked_branch for environment in context.platform.environments_of(service)}
    if name not in tracked:
        raise RefusedError(f"branch {name!r}: no environment of {service.name} follows it")
    if not history.is_on_branch(context.own, service.repository, commit, name):
        raise RefusedError(f"branch {name!r}: commit {commit[:12]} is no longer on it")
    return tags.branch_version(name, commit)
