"""The claims of a promotion request, each checked with GitHub and the registry.

A promotion request is three texts from a client: a service, a run and a digest. All else comes from the API:
the run belongs to that service's own repository and is of its release workflow, its tag still
points at the commit that was built, that commit is on main, and the image of that digest says it
was built from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slipway_release import attestation, fields, history, maintenance, release_file, tags
from slipway_release.context import Context
from slipway_release.errors import ApiError, RefusedError
from slipway_release.fields import Document
from slipway_release.github import GitHub
from slipway_release.people import Person
from slipway_release.platform_types import MAIN, RELEASE_WORKFLOW, Environment, Platform, Service
from slipway_release.registry import Image
from slipway_release.release_file import Release
from slipway_release.tags import Tag, TagError

TEST_JOB = "Test"
"""The name of the job of `release.yml` that tests; a run shows it as `<job of the caller> / Test`."""
_RUN = re.compile(r"[1-9][0-9]{0,18}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_-][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class PromotionRequest:
    """A checked promotion request: this release of this service, and when its commit was made."""

    service: Service
    release: Release
    tag: Tag | None
    branch: str | None
    committed_at: str | None
    asked_by: tuple[Person, ...] = ()
    """Who pushed the tag, and who ran its workflow again."""

    def environments(self, platform: Platform) -> list[Environment]:
        """The environments it is for, in promotion order."""
        placed = platform.environments_of(self.service)
        if self.tag is None:
            return [environment for environment in placed if environment.tracked_branch == self.branch]
        names = named_environments(self.tag, placed)
        return [environment for environment in placed if environment.name in names]


def named_environments(tag: Tag, environments: list[Environment]) -> list[str]:
    try:
        return tags.targets(tag, environments)
    except TagError as error:
        raise RefusedError(str(error)) from None


def parse_tag(name: str) -> Tag:
    try:
        return Tag.parse(name)
    except TagError as error:
        raise RefusedError(str(error)) from None


def check(context: Context, service: Service, run_id: str, digest: str) -> PromotionRequest:
    """The request, checked; a `RefusedError` says which claim is not true."""
    release_file.check_digest(digest, "digest")
    run = _run(context.service, service, run_id)
    source = _source(context.service, context.platform, service, run, run_id)
    commit = fields.text(run, "head_sha", f"run {run_id}")
    check_image(context, service, digest, commit)
    if context.platform.attestations:
        attestation.check(context, service, digest, commit)
    tag = source if isinstance(source, Tag) else None
    branch = source if isinstance(source, str) else None
    release = Release(
        version=str(tag.version) if tag else tags.branch_version(str(branch), commit),
        tag=str(tag) if tag else None,
        image=service.image,
        digest=digest,
        commit=commit,
        run=fields.text(run, "html_url", f"run {run_id}"),
    )
    committed = history.commit_date(context.service, service.repository, commit)
    return PromotionRequest(service, release, tag, branch, committed, _people(run))


def check_tag(github: GitHub, service: Service, tag: Tag, commit: str) -> None:
    """Refuse a tag that has moved, is gone, or whose commit is neither on main nor on its maintenance branch."""
    repository, name = service.repository, str(tag)
    found = history.tag_commit(github, repository, name)
    if found is None:
        raise RefusedError(f"tag {name!r}: no longer in {repository}; make a new version instead of reusing it")
    if found != commit:
        raise RefusedError(
            f"tag {name!r}: was moved from {commit[:12]} to {found[:12]} after it was built; make a new version"
        )
    branches = [history.default_branch(github, repository)]
    if service.maintenance_branch is not None:
        branches.append(maintenance.branch_of(service.maintenance_branch, tag.version))
    if not any(history.is_on_branch(github, repository, commit, branch) for branch in branches):
        raise RefusedError(
            f"tag {name!r}: its commit {commit[:12]} is not on {' or '.join(branches)}; merge it first, then make a "
            "new version"
        )


def check_image(context: Context, service: Service, digest: str, commit: str) -> None:
    """Refuse an image that does not exist or was built from something else."""
    image = context.registry.image(service.image, digest)
    if image is None:
        raise RefusedError(f"image {service.image}@{digest}: not in the registry; re-run the release to build it")
    check_provenance(context, service, image)
    if image.revision != commit:
        raise RefusedError(
            f"image {service.image}@{digest}: built from {image.revision or 'an unnamed commit'}, "
            f"not from {commit}; re-run the release"
        )


def check_provenance(context: Context, service: Service, image: Image) -> None:
    """Refuse an image that another repository built; where a registry has one password, each service can push any."""
    wanted = f"{context.platform.server_url}/{service.repository}"
    if image.source is None:
        return
    source = image.source.removesuffix(".git")
    if source.lower() != wanted.lower() and not _is_renamed(context, service, source):
        raise RefusedError(
            f"image {service.image}@{image.digest}: built from {image.source}, not from {wanted}; make a new version"
        )


def _is_renamed(context: Context, service: Service, source: str) -> bool:
    """Whether an address is that of the service's repository under a former name, as GitHub still knows it."""
    start = f"{context.platform.server_url}/".lower()
    name = source[len(start) :]
    if not source.lower().startswith(start) or _REPOSITORY.fullmatch(name) is None:
        return False
    try:
        found = context.service.find(f"/repos/{name}") or {}
    except ApiError:
        return False
    return str(found.get("full_name")).lower() == service.repository.lower()


def _run(github: GitHub, service: Service, run_id: str) -> Document:
    if _RUN.fullmatch(run_id) is None:
        raise RefusedError(f"run {run_id!r}: not the number of a run")
    run = github.find(f"/repos/{service.repository}/actions/runs/{run_id}")
    if run is None:
        raise RefusedError(f"run {run_id}: not a run of {service.repository}; a service asks only for itself")
    owner = fields.text(fields.child(run, "repository", f"run {run_id}"), "full_name", f"run {run_id}.repository")
    if owner.lower() != service.repository.lower():
        raise RefusedError(
            f"run {run_id}: a run of {owner}, not of {service.repository}; a service asks only for itself. If the "
            "repository was renamed, name it in the settings and run `pulumi up`"
        )
    event = fields.text(run, "event", f"run {run_id}")
    if event != "push":
        raise RefusedError(f"run {run_id}: started by {event!r}; only pushed tags and branches are released")
    conclusion = fields.optional_text(run, "conclusion")
    if conclusion not in {None, "success"}:
        raise RefusedError(f"run {run_id}: ended as {conclusion!r}; re-run it")
    if conclusion is None:
        _check_tests(github, service, run_id)
    return run


def _check_tests(github: GitHub, service: Service, run_id: str) -> None:
    """Refuse a run that is not over and has not passed its tests: its image is built beside them.

    The run's own request comes after them. This one may be of anybody who holds the requester's key.
    """
    path = f"/repos/{service.repository}/actions/runs/{run_id}/jobs"
    passed: dict[str, bool] = {}
    # Of all attempts: running a release again takes nothing back.
    for job in github.pages(path, {"filter": "all"}, "jobs"):
        name = fields.text(job, "name", f"run {run_id}.jobs")
        if name.endswith(f" / {TEST_JOB}"):
            passed[name] = passed.get(name, False) or job.get("conclusion") == "success"
    # Of several, each has to: a caller's own job may have that name too.
    if not passed or not all(passed.values()):
        raise RefusedError(
            f"run {run_id}: its job {TEST_JOB!r} has not passed; the run asks by itself once it has, after a failure "
            "when it is re-run"
        )


def _people(run: Document) -> tuple[Person, ...]:
    actors = (fields.optional_document(run, key) or {} for key in ("actor", "triggering_actor"))
    return tuple(dict.fromkeys(Person.of(actor) for actor in actors if actor.get("login")))


def _source(github: GitHub, platform: Platform, service: Service, run: Document, run_id: str) -> Tag | str:
    """The tag or branch that a run was started by, checked."""
    path = fields.text(run, "path", f"run {run_id}").partition("@")[0]
    name = fields.text(run, "head_branch", f"run {run_id}")
    commit = fields.text(run, "head_sha", f"run {run_id}")
    _check_reusable(platform, run, run_id)
    if path == service.release_workflow:
        tag = parse_tag(name)
        check_tag(github, service, tag, commit)
        return tag
    if path != service.main_workflow:
        raise RefusedError(f"run {run_id}: of {path!r}; only {service.release_workflow} releases {service.name}")
    tracked = {environment.tracked_branch for environment in platform.environments_of(service)} - {None}
    if name not in tracked:
        raise RefusedError(f"run {run_id}: of branch {name!r}, which no environment of {service.name} follows")
    if not history.is_on_branch(github, service.repository, commit, name):
        raise RefusedError(f"run {run_id}: its commit {commit[:12]} is no longer on branch {name!r}")
    return name


def _check_reusable(platform: Platform, run: Document, run_id: str) -> None:
    """The run must have called this platform's workflow: a caller is the team's file at its own commit."""
    # Servers that do not report which workflows a run called leave the field out.
    if "referenced_workflows" not in run:
        return
    # Only main is protected: a branch could hold a release workflow that tests nothing, one called `Main` too.
    called = fields.documents(run["referenced_workflows"], f"run {run_id}.referenced_workflows")
    if not any(_is_of_main(platform, workflow) for workflow in called):
        wanted = f"{platform.repository}/{RELEASE_WORKFLOW}@{MAIN}"
        raise RefusedError(f"run {run_id}: did not call {wanted}; restore the service's release workflow")


def _is_of_main(platform: Platform, called: Document) -> bool:
    """Whether a called workflow is main's. A tag of that name would be another one, and GitHub would prefer it."""
    names = (MAIN, f"refs/heads/{MAIN}")
    files = {attestation.comparable(f"{platform.repository}/{RELEASE_WORKFLOW}@{name}") for name in names}
    return attestation.comparable(str(called.get("path", ""))) in files and called.get("ref") in {None, *names}
