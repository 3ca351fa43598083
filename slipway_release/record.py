"""The record of verified releases: tags of the environment repository, `verified/<environment>/<service>/<version>`.

A tag stands on the newest commit of the followed branch at which Argo CD saw that version Synced, Healthy and
Succeeded, so it names the whole state that was good: image, values and chart. The promoter alone may write such tags
(a ruleset sees to that), they never expire, and one call lists those of a service in an environment. Its message
says in Git who reported what, and when.
"""

from __future__ import annotations

from slipway_release import fields, history, layout
from slipway_release.context import Context
from slipway_release.errors import ApiError
from slipway_release.github import quoted
from slipway_release.history import Relation
from slipway_release.platform_types import Environment, Service
from slipway_release.release_file import Release

PREFIX = "verified"


def tag_name(environment: Environment, service: Service, version: str) -> str:
    return f"{PREFIX}/{environment.name}/{service.name}/{version}"


def versions(context: Context, environment: Environment, service: Service) -> set[str]:
    """The versions that were ever verified in an environment."""
    start = tag_name(environment, service, "")
    return {name.removeprefix(start) for name in _tags(context, start)}


def own(context: Context) -> set[str]:
    """`<environment>/<service>/<version>` of everything that was ever verified, as this program records it."""
    return {name.removeprefix(f"{PREFIX}/") for name, is_own in _tags(context, f"{PREFIX}/").items() if is_own}


def commits(context: Context) -> dict[str, str]:
    """The commits on which records stand, by the tag's name; none where Git does not tell."""
    copy = context.writer.copy(context.platform.repository)
    known = copy.references(f"refs/tags/{PREFIX}/") if copy else None
    return {name.removeprefix("refs/tags/"): reference.commit for name, reference in (known or {}).items()}


def is_own(context: Context, environment: Environment, service: Service, version: str) -> bool:
    """Whether the record of a version stands where this program has put it."""
    name = tag_name(environment, service, version)
    return _tags(context, name).get(name, False)


def _tags(context: Context, start: str) -> dict[str, bool]:
    """The tags whose names begin so, and whether each is a record as this program writes it: an annotated tag."""
    copy = context.writer.copy(context.platform.repository)
    known = copy.references(f"refs/tags/{start}") if copy else None
    if known is not None:
        return {name.removeprefix("refs/tags/"): reference.is_annotated for name, reference in known.items()}
    path = f"/repos/{context.platform.repository}/git/matching-refs/tags/{quoted(start, slashes=True)}"
    found = fields.documents(context.writer.read(path), path)
    return {
        fields.text(item, "ref", path).removeprefix("refs/tags/"): fields.child(item, "object", path).get("type")
        == "tag"
        for item in found
    }


def commit_of(context: Context, environment: Environment, service: Service, version: str) -> str | None:
    """The newest commit at which a version was verified, or None."""
    name = tag_name(environment, service, version)
    return history.tag_commit(context.writer, context.platform.repository, name)


def is_verified(context: Context, environment: Environment, service: Service, release: Release) -> bool:
    """Whether exactly this image was verified in an environment, as its release file says at that commit."""
    commit = commit_of(context, environment, service, release.version)
    if commit is None:
        return False
    repository, branch = context.platform.repository, environment.target_branch
    found = context.contents.release(environment.name, service.name, commit).release
    return release.same_image(found) and history.is_on_branch(context.writer, repository, commit, branch)


def missing(context: Context, environment: Environment, service: Service, release: Release) -> tuple[str, ...]:
    """The environments in which a release must be verified before it comes to another one, and is not."""
    return tuple(
        name
        for name in required(environment, service)
        if not is_verified(context, context.platform.environment(name), service, release)
    )


def required(environment: Environment, service: Service) -> list[str]:
    """The environments of a service that an environment requires."""
    return [name for name in environment.requires if name in service.environments]


def write(
    context: Context, environment: Environment, service: Service, release: Release, commit: str, reported: str
) -> bool:
    """Write down that a release was verified at a commit. What is recorded already, or later, stays.

    Args:
        context: whose writer may make tags.
        environment: where it was verified.
        service: what was verified.
        release: the release, as it is in Git at the commit.
        commit: the commit of the followed branch that was synced.
        reported: who reported it and when, for people.

    Returns:
        Whether anything was written.
    """
    name = tag_name(environment, service, release.version)
    known = commit_of(context, environment, service, release.version)
    if (
        known is not None
        # What somebody has made by hand, or moved to where this image never was, or to no commit, records nothing.
        and is_own(context, environment, service, release.version)
        and is_verified(context, environment, service, release)
        and not _is_news(context, environment, service, known, commit)
    ):
        return False
    base = f"/repos/{context.platform.repository}/git"
    message = "\n".join(
        [
            f"{service.name} {release.version} is verified in {environment.name}",
            "",
            f"Image: {release.image}@{release.digest}",
            f"Source: {service.repository}@{release.commit}",
            f"Reported: {reported}",
            *_passed(context, environment, service, release),
            *([f"Recorded by: {context.run_url}"] if context.run_url else []),
        ]
    )
    body = {"tag": name, "message": message + "\n", "object": commit, "type": "commit"}
    tag = fields.text(context.writer.post(f"{base}/tags", body), "sha", "tag")
    if known is None:
        try:
            context.writer.post(f"{base}/refs", {"ref": f"refs/tags/{name}", "sha": tag})
        except ApiError as error:
            # Another run was quicker; what differs is mended by the next report or reconciliation.
            if error.status != 422 or commit_of(context, environment, service, release.version) is None:
                raise
    else:
        context.writer.patch(f"{base}/refs/tags/{quoted(name, slashes=True)}", {"sha": tag, "force": True})
    return True


def _passed(context: Context, environment: Environment, service: Service, release: Release) -> list[str]:
    """What an approval let a hotfix pass: nothing else comes past what an environment requires."""
    if not (release.is_for_one and environment.approval):
        return []
    names = missing(context, environment, service, release)
    return [f"Hotfix: not verified in {', '.join(names)}; an approval let it pass"] if names else []


def _is_news(context: Context, environment: Environment, service: Service, known: str, commit: str) -> bool:
    """Whether a commit is later than the recorded one, and the service's own files changed in between."""
    relation, paths = history.changes(context.writer, context.platform.repository, known, commit)
    return relation is Relation.DESCENDANT and (
        paths is None or any(layout.is_of(path, environment.name, service.name) for path in paths)
    )
