"""Asks the environment repository to promote an image: the last step of a release, and of a verification."""

from __future__ import annotations

from slipway_release import release_file, workflow
from slipway_release.errors import ApiError, RefusedError
from slipway_release.github import GitHub
from slipway_release.platform_file import Platform, Service


def ask(platform: Platform, github: GitHub, service: Service, run: str, digest: str) -> None:
    """Start the promotion. Asking twice is harmless: what is delivered already is left alone."""
    release_file.check_digest(digest, "digest")
    path = f"/repos/{platform.repository}/actions/workflows/promote.yml/dispatches"
    inputs = {"service": service.name, "run": run, "digest": digest}
    try:
        github.post(path, {"ref": "main", "inputs": inputs})
    except ApiError as error:
        if error.status in {403, 404}:
            raise RefusedError(
                f"{platform.repository}: promote.yml may not be started (HTTP {error.status}); "
                "the requester App must be installed there with permission actions: write"
            ) from None
        raise
    where = f"{platform.server_url}/{platform.repository}/actions/workflows/promote.yml"
    workflow.notice(f"asked {platform.repository} to promote {service.name} {digest}: {where}")
    workflow.summary(f"### Promotion\n\nAsked for in [{platform.repository}]({where}).")
