"""Asks the environment repository to promote an image: the last step of a release, and of a verification.

A service asks by a commit status on the environment repository's main, because `statuses: write` is the least that
GitHub gives with which an App can start a workflow there. The status starts `requested.yml` of main, and that calls
`promote.yml`, which the environment repository's own workflows start directly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from slipway_release import release_file, workflow
from slipway_release.errors import ApiError, RefusedError
from slipway_release.github import GitHub
from slipway_release.platform_types import MAIN, Platform, Service

CONTEXT = "slipway/request/"
"""What the contexts of promotion requests begin with; `requested.yml` looks at no other."""
_CONTEXT = re.compile(re.escape(CONTEXT) + r"(?P<service>[a-z0-9-]{1,63})/(?P<run>[1-9][0-9]{0,18})")


def request_promotion(platform: Platform, github: GitHub, service: Service, run: str, digest: str) -> None:
    """Ask for a promotion with the requester's token. Asking twice is harmless."""
    release_file.check_digest(digest, "digest")
    path = f"/repos/{platform.repository}"
    body = {
        "state": "success",
        "context": f"{CONTEXT}{service.name}/{run}",
        "description": digest,
        "target_url": f"{platform.server_url}/{service.repository}/actions/runs/{run}",
    }
    try:
        # Its own permission reads the head too; `contents: read` would show the whole repository.
        head = github.get(f"{path}/commits/{MAIN}/status")["sha"]
        github.post(f"{path}/statuses/{head}", body)
    except ApiError as error:
        if error.status in {403, 404}:
            raise RefusedError(
                f"{platform.repository}: a promotion may not be asked for (HTTP {error.status}); the requester App "
                "must be installed there with the permission statuses: write"
            ) from None
        raise
    _tell(platform, service, digest, "requested.yml")


def claimed(context: str) -> tuple[str, str]:
    """The service and the run that a commit status names. It is a claim: the promotion checks all of it."""
    found = _CONTEXT.fullmatch(context)
    if found is None:
        raise RefusedError(f"status {context!r}: not a request; expected {CONTEXT}<service>/<run>")
    return found["service"], found["run"]


def ask(
    platform: Platform,
    github: GitHub,
    service: Service,
    run: str,
    digest: str,
    environments: Sequence[str] = (),
    *,
    again: bool = False,
) -> None:
    """Start a promotion with the token of a workflow of the environment repository. Asking twice is harmless.

    Args:
        platform: the platform.
        github: a client that may start workflows of the environment repository.
        service: the service.
        run: the number of the run, in the service's repository, that has built the image.
        digest: the image.
        environments: the environments to promote to, by name; none are all that the release is for.
        again: whether a person wants it where a person did not want it before.
    """
    release_file.check_digest(digest, "digest")
    inputs = {"service": service.name, "run": run, "digest": digest}
    if environments:
        inputs["environments"] = " ".join(environments)
    if again:
        inputs["again"] = "true"
    github.start_workflow(platform.repository, "promote.yml", inputs)
    _tell(platform, service, digest, "promote.yml")


def _tell(platform: Platform, service: Service, digest: str, name: str) -> None:
    where = f"{platform.server_url}/{platform.repository}/actions/workflows/{name}"
    workflow.notice(f"asked {platform.repository} to promote {service.name} {digest}: {where}")
    workflow.summary(f"### Promotion\n\nAsked for in [{platform.repository}]({where}). {platform.story_of(service)}")
