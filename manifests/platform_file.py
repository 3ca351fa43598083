"""`.slipway/platform.json` of the environment repository: what the release program must know of the settings."""

import json
from typing import Any

from manifests.model import Environment, Service, Settings

PATH = ".slipway/platform.json"


def platform_file(settings: Settings) -> str:
    """The file's text."""
    github = settings.github
    content: dict[str, Any] = {
        "owner": github.owner,
        "environmentRepository": github.environment_repository,
        "apiUrl": github.api_url,
        "serverUrl": github.base_url.rstrip("/"),
        "registry": {"host": settings.registry.host, "insecure": settings.registry.insecure},
        "environments": [_environment(environment) for environment in settings.environments],
        "services": [_service(settings, service) for service in settings.services],
    }
    return json.dumps(content, indent=2) + "\n"


def _environment(environment: Environment) -> dict[str, Any]:
    return {
        "name": environment.name,
        "sync": environment.sync,
        "images": environment.images,
        "branch": environment.tracked_branch,
        "delivery": environment.delivery,
        "targetBranch": environment.target_branch,
        "rollback": environment.rollback,
        "tagPrefix": environment.tag_prefix,
        "prereleases": environment.takes_prereleases,
        "requires": list(environment.requires),
        "verificationDeadlineSeconds": environment.verification_deadline_seconds,
        "url": environment.url,
        "approval": bool(environment.approvers),
    }


def _service(settings: Settings, service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "repository": service.repository_name,
        "team": service.team,
        "environments": [environment.name for environment in settings.environments_of(service)],
        "image": settings.image(service),
        "releaseWorkflow": ".github/workflows/release.yml",
    }
