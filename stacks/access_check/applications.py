"""What Argo CD deploys: its AppProjects and Applications, compared with those that are declared."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, cast

import kubernetes.client

from manifests.app_project import app_project, infrastructure_project
from manifests.application import application, infrastructure_application
from manifests.model import Settings
from manifests.pull_requests import pull_request_project
from stacks.access_check.rulesets import MEND

_Object = dict[str, Any]
_LONGEST = 100
"""Characters of a value that is shown."""


def differences(settings: Settings, client: Any, kubectl: str) -> Iterator[str]:
    """What AppProjects and Applications are otherwise than declared.

    Args:
        settings: the stack's settings.
        client: of Argo CD's cluster.
        kubectl: the command for Argo CD's namespace.
    """
    api = cast(Any, kubernetes.client).CustomObjectsApi(client)

    def found(plural: str) -> dict[str, Any]:
        listed = api.list_namespaced_custom_object("argoproj.io", "v1alpha1", settings.argocd.namespace, plural)
        return {str(item["metadata"]["name"]): item["spec"] for item in listed["items"]}

    environments = settings.environments
    projects = [infrastructure_project(settings), *(app_project(settings, one) for one in environments)]
    of_pull_requests = [
        pull_request_project(settings, service, place)
        for environment in environments
        for service, place in settings.pull_request_places(environment)
    ]
    applications = [
        *(application(settings, *place) for place in settings.placements()),
        *(infrastructure_application(settings, environment) for environment in environments),
    ]
    yield from _compared("AppProject", [*projects, *of_pull_requests], found("appprojects"))
    running = found("applications")
    yield from _compared("Application", applications, running)
    declared, ours = {one["metadata"]["name"] for one in applications}, {one["metadata"]["name"] for one in projects}
    for name in sorted(running.keys() - declared):
        if (project := running[name].get("project")) in ours:
            command = f"{kubectl} delete application {shlex.quote(name)}"
            yield f"Argo CD: Application {name} is of the AppProject {project} and not declared; `{command}`"


def _compared(kind: str, declared: list[_Object], found: Mapping[str, _Object]) -> Iterator[str]:
    for wanted in declared:
        name = wanted["metadata"]["name"]
        where = f"Argo CD: {kind} {name}"
        if name not in found:
            yield f"{where}: it is not there; {MEND}"
            continue
        for what in differing(found[name], wanted["spec"]):
            yield f"{where}: {what}; {MEND}"


def differing(given: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """In words what one document has otherwise than another; nothing, and what is empty, are the same."""
    if isinstance(given, dict) and isinstance(wanted, dict):
        present, declared = cast("_Object", given), cast("_Object", wanted)
        for key in sorted(present.keys() | declared.keys()):
            yield from differing(present.get(key), declared.get(key), f"{path}.{key}" if path else key)
    elif isinstance(given, list) or isinstance(wanted, list):
        present, declared = _texts(cast("object", given)), _texts(cast("object", wanted))
        for text in sorted(present - declared):
            yield f"{path} has {text}, which is not declared"
        for text in sorted(declared - present):
            yield f"{path} lacks {text}"
    elif (given or None) != (wanted or None):
        yield f"{path} is {_shown(given)}, declared is {_shown(wanted)}"


def _texts(value: object) -> set[str]:
    entries = cast("list[Any]", value if isinstance(value, list) else [] if value is None else [value])
    return {entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True) for entry in entries}


def _shown(value: Any) -> str:
    text = "nothing" if value is None else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
