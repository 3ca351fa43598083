"""Where things stand in the environment repository: each path and each name is made here."""

from __future__ import annotations

ENVIRONMENTS = "environments"
"""The folder of what belongs to environments."""


def environment_folder(environment: str) -> str:
    """What belongs to an environment."""
    return f"{ENVIRONMENTS}/{environment}"


def environment_branch(environment: str) -> str:
    """The branch that an environment follows where releases come to one of its own."""
    return f"environment/{environment}"


def shared_values(environment: str) -> str:
    """The values that all services of an environment share."""
    return f"{environment_folder(environment)}/values.yaml"


def release_path(environment: str, service: str) -> str:
    """The automation's file: which version runs."""
    return f"{service_folder(environment, service)}/release.yaml"


def freeze_path(environment: str) -> str:
    """The automation's file: that nothing is promoted to an environment, and why; absent where it is not frozen."""
    return f"{environment_folder(environment)}/freeze.json"


def service_folder(environment: str, service: str) -> str:
    """The folder of a service in an environment: the team's values beside the automation's release."""
    return f"{environment_folder(environment)}/{service}"


def chart_folder(service: str) -> str:
    """The chart of a service, the same in all environments."""
    return f"helm-charts/{service}"


def manifests_folder(service: str) -> str:
    """Plain manifests of a service beside its chart; most services have none."""
    return f"apps/{service}"


def folders_of(environment: str, service: str) -> tuple[str, str, str]:
    """The folders that decide what a service is in an environment, and nothing of another service."""
    return service_folder(environment, service), chart_folder(service), manifests_folder(service)


def value_files(environment: str, service: str) -> tuple[str, str, str]:
    """The files with values of a service in an environment; a later one wins."""
    folder = service_folder(environment, service)
    return shared_values(environment), f"{folder}/values.yaml", release_path(environment, service)


def watched(environment: str, service: str) -> tuple[str, ...]:
    """The folders and files that a service in an environment is rendered from."""
    return chart_folder(service), service_folder(environment, service), shared_values(environment)


def is_configuration_of(path: str, environment: str, service: str) -> bool:
    """Whether a file configures a service in an environment: its chart, its values, or those that all share."""
    if path == shared_values(environment):
        return True
    folders = tuple(f"{folder}/" for folder in folders_of(environment, service))
    return path.startswith(folders) and path != release_path(environment, service)


def is_of(path: str, environment: str, service: str) -> bool:
    """Whether a file decides what a service is in an environment: its release, its chart or its values."""
    return path == release_path(environment, service) or is_configuration_of(path, environment, service)
