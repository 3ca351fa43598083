"""What the settings have no more: what of it goes, what stays, and why."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

from components.github.api import GitHubApi
from components.github.preflight.findings import Advice
from manifests.model import Removal, Settings
from slipway_release import fields, layout, platform_file, platform_types
from slipway_release.errors import RefusedError
from slipway_release.platform_types import Environment, Platform, Service, placement_name


def leaving_advice(settings: Settings, api: GitHubApi) -> Iterator[str]:
    """Compares the settings with what the environment repository was last told."""
    before = _before(settings, api)
    if before is None:
        return
    keeps = {environment.name: environment.removes is Removal.ORPHAN for environment in settings.environments}
    for environment in before.environments:
        if environment.name not in keeps:
            keeps[environment.name] = _namespaces_stay(settings, api, environment.name)
            yield _environment_leaves(before, environment, stays=keeps[environment.name])
    there = {environment.name for environment in settings.environments}
    placed = {(service.name, environment.name) for service, environment in settings.placements()}
    services = {service.name for service in settings.services}
    for service in before.services:
        # What leaves together with its environment is said of that.
        lost = [name for name in service.environments if name in there and (service.name, name) not in placed]
        if service.name not in services or lost:
            yield _service_leaves(service, lost, keeps, repository_stays=service.name not in services)


def leaving_namespaces(settings: Settings, api: GitHubApi) -> dict[str, list[str]]:
    """The namespaces that the environment repository still has and the settings do not, by environment.

    An environment that leaves as a whole is left out: its Applications go with it.
    """
    before = _before(settings, api)
    if before is None:
        return {}
    placed = {(service.name, environment.name) for service, environment in settings.placements()}
    left = {
        environment.name: [
            placement_name(service.name, environment.name)
            for service in before.services
            if environment.name in service.environments and (service.name, environment.name) not in placed
        ]
        for environment in settings.environments
    }
    return {environment: namespaces for environment, namespaces in left.items() if namespaces}


def _before(settings: Settings, api: GitHubApi) -> Platform | None:
    """What the environment repository was last told; None if nothing that can be read."""
    text = _read(settings, api, platform_file.PATH)
    try:
        return None if text is None else platform_file.parse(fields.document(json.loads(text), platform_file.PATH))
    except (RefusedError, ValueError):
        return None  # `pulumi up` writes it again.


def _environment_leaves(before: Platform, environment: Environment, *, stays: bool) -> Advice:
    services = [service.name for service in before.services if environment.name in service.environments]
    applications = _listed([placement_name(service, environment.name) for service in services])
    what = f"environment {environment.name} leaves: its Applications go"
    if services:
        fate = "stay, because its `removal` is orphan" if stays else "are deleted with all that is in them"
        what += f"; the namespaces {applications} {fate}"
    left = [layout.environment_folder(environment.name), f"infrastructure/{environment.name}"]
    if environment.target_branch != platform_types.MAIN:
        what += f"; the branch {environment.target_branch} stays, as the history of what ran"
    return Advice(f"{what}; {_folders(left)}")


def _service_leaves(service: Service, lost: list[str], keeps: dict[str, bool], *, repository_stays: bool) -> Advice:
    gone = [placement_name(service.name, name) for name in lost if not keeps[name]]
    kept = [placement_name(service.name, name) for name in lost if keeps[name]]
    what = f"service {service.name} leaves"
    what += ": its Applications go" if repository_stays else f" {_listed(lost)}: its Applications there go"
    if gone:
        what += f"; deleted with all that is in them: the namespaces {_listed(gone)}"
    if kept:
        what += f"; the namespaces {_listed(kept)} stay, because `removal` is orphan there"
    if repository_stays:
        what += f"; the repository {service.repository} stays, unmanaged"
    left = [layout.service_folder(name, service.name) for name in lost]
    charts = [layout.chart_folder(service.name)] if repository_stays else []
    return Advice(f"{what}; {_folders([*charts, *left])}")


def _folders(paths: list[str]) -> str:
    return f"the folders {_listed(paths)} stay until a pull request deletes them"


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _namespaces_stay(settings: Settings, api: GitHubApi, environment: str) -> bool:
    """Whether the namespaces of an environment that the settings have no more outlive it."""
    return "Delete=false" in (_read(settings, api, f"infrastructure/{environment}/namespaces.yaml") or "")


def _read(settings: Settings, api: GitHubApi, path: str) -> str | None:
    repository = f"/repos/{settings.github.owner}/{quote(settings.github.environment_repository, safe='')}"
    found = api.find(f"{repository}/contents/{quote(path)}?ref={platform_types.MAIN}")
    return None if found is None else base64.b64decode(found["content"]).decode()
