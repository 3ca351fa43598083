"""Which files go into which repository: owned ones are kept as declared, seeded ones are the team's once written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manifests import code_owners, platform_file, release_program
from manifests.argocd.values import merged
from manifests.infrastructure import infrastructure_files
from manifests.model import Attestations, Delivery, Environment, Service, Settings
from manifests.pull_requests import pull_request_url
from manifests.yaml_text import document
from slipway_release import layout
from slipway_release.claims import TEST_JOB
from slipway_release.tags import actions_filters
from templates import executable_files, rendered_files
from templates.starting_files import StartingFiles, starting_chart, starting_files

_WORKFLOWS = ".github/workflows/"
_JOB_ON, _DEFAULT_RUNNER = "    runs-on: ", "ubuntu-latest"
_SEEDED_HEAD = "# {what}. This file is yours: Slipway wrote it once and does not change it again.\n"


OFFERED = (
    "service", "owner", "team", "image", "repository_url", "environment_repository", "environments", "template",
)  # fmt: skip
"""What service templates may use, documented in `templates/services/README.md`: more of it would tie them to us."""


@dataclass(frozen=True)
class RepositoryFiles:
    """The files of one repository, by path."""

    owned: dict[str, str]
    seeded: dict[str, str]
    executable: frozenset[str] = field(default_factory=frozenset[str])


def service_repository_files(settings: Settings, service: Service) -> RepositoryFiles:
    """What a service's repository starts with, and the workflows that are kept in it."""
    variables = service_variables(settings, service)
    owned = rendered_files("service-workflows", variables)
    start = starting_files(settings.template(service), service.answers, offered_variables(settings, service))
    seeded = {path: text for path, text in start.files.items() if path not in owned}
    return RepositoryFiles(owned, seeded, start.executable)


def environment_repository_files(settings: Settings) -> RepositoryFiles:
    """The release program, the workflows and the infrastructure (owned); charts and values (seeded)."""
    variables = _platform_variables(settings)
    owned = {
        **_on_runners(rendered_files("environment", variables), settings),
        **release_program.files(),
        platform_file.PATH: platform_file.platform_text(settings),
        code_owners.PATH: code_owners.code_owners(settings),
        **infrastructure_files(settings),
    }
    seeded = {path: owned.pop(path) for path in list(owned) if path == "README.md"}
    for environment in settings.environments:
        seeded[f"environments/{environment.name}/values.yaml"] = _environment_values(environment)
    executable = set(executable_files("environment"))
    for service in settings.services:
        chart = chart_files(settings, service)
        seeded |= chart.files
        executable |= chart.executable
    for service, environment in settings.placements():
        path = f"environments/{environment.name}/{service.name}/values.yaml"
        seeded[path] = _service_values(service, environment, settings.template(service).values)
    return RepositoryFiles(owned, seeded, frozenset(executable))


def chart_files(settings: Settings, service: Service) -> StartingFiles:
    """What a service's chart starts with, by path in the environment repository."""
    start = starting_chart(settings.template(service), service_variables(settings, service))
    folder = layout.chart_folder(service.name)
    files = {f"{folder}/{path}": text for path, text in start.files.items()}
    return StartingFiles(files, frozenset(f"{folder}/{path}" for path in start.executable))


def offered_variables(settings: Settings, service: Service) -> dict[str, Any]:
    """What the template of a service may use, beside its answers."""
    variables = service_variables(settings, service)
    return {name: variables[name] for name in OFFERED}


def service_variables(settings: Settings, service: Service) -> dict[str, Any]:
    """The names that charts and workflows of a service may use; templates may use those of `OFFERED`."""
    template = settings.template(service)
    return {
        **_platform_variables(settings),
        "service": service.name,
        "team": service.team,
        "image": settings.image(service),
        "repository_url": settings.repository_url(service),
        "environments": [environment.name for environment in settings.environments_of(service)],
        "tracked_branches": tracked_branches(settings, service),
        "tag_filters": actions_filters(settings.environments_of(service)),
        "pull_requests": _pull_requests(service),
        "template": {"name": template.name, "version": template.version},
    }


def _pull_requests(service: Service) -> dict[str, Any] | None:
    given = service.pull_requests
    if given is None:
        return None
    address = pull_request_url(given.url or "", service, "{number}")
    return {"label": given.label, "address": address, "days": given.days}


def tracked_branches(settings: Settings, service: Service) -> list[str]:
    """The branches whose every commit some environment takes."""
    branches = (environment.tracked_branch for environment in settings.environments_of(service))
    return list(dict.fromkeys(branch for branch in branches if branch is not None))


def _platform_variables(settings: Settings) -> dict[str, Any]:
    return {
        "owner": settings.github.owner,
        "environment_repository": settings.github.environment_repository,
        "pinned_actions": settings.github.pinned_actions,
        "requester_app_id": settings.github.requester.id,
        "server_url": settings.github.base_url.rstrip("/"),
        "api_url": settings.github.api_url,
        "takes_tokens": settings.registry.takes_workflow_tokens,
        "approves_requests": any(
            environment.approvers and environment.delivery is Delivery.PULL_REQUEST
            for environment in settings.environments
        ),
        "platforms": settings.registry.platforms,
        "build_runner": _runner(settings.github.runners.build),
        "attestations": settings.registry.attestations is Attestations.REQUIRED,
        "registry_account": settings.registry.username is not None,
        "platform_team": settings.github.platform_team,
        "secrets": settings.secrets.value,
        "stack": settings.stack,
        "test_job": TEST_JOB,
        "service_repositories": [service.repository_name for service in settings.services],
        "all_environments": [environment.name for environment in settings.environments],
        "delivery_branches": [
            environment.target_branch for environment in settings.environments if environment.target_branch != "main"
        ],
    }


def _runner(labels: Sequence[str]) -> str | list[str]:
    return labels[0] if len(labels) == 1 else list(labels)


def _on_runners(files: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The files with the jobs of workflows on the runners of the settings; the templates have GitHub's own."""
    runner = f"{_JOB_ON}{json.dumps(_runner(settings.github.runners.automation))}"
    return {
        path: text.replace(f"{_JOB_ON}{_DEFAULT_RUNNER}\n", f"{runner}\n") if path.startswith(_WORKFLOWS) else text
        for path, text in files.items()
    }


def _environment_values(environment: Environment) -> str:
    return _values(f"Values of every service in {environment.name}", {})


def _service_values(service: Service, environment: Environment, given: Mapping[str, Any]) -> str:
    what = f"Values of {service.name} in {environment.name}"
    return _values(what, merged(given, service.overrides.get(environment.name, {})))


def _values(what: str, values: Mapping[str, Any]) -> str:
    return document(dict(values), _SEEDED_HEAD.format(what=what))
