"""Pull requests of a service that run: an ApplicationSet makes an Application of each that has the label.

All of a service's run in one namespace of their own, beside each other, so that the namespace, its quota, its network
policies and its pull secret are there before the first pod. Their AppProject knows no other namespace.
"""

from typing import Any

from manifests.app_project import project, service_kinds
from manifests.application import API_VERSION, FINALIZER, PART_OF, RETRY, destination
from manifests.argocd.labels import SERVICE_LABEL
from manifests.model import Environment, Service, Settings, placement_name
from manifests.platform_values import platform_values
from slipway_release import layout

REPOSITORY_SECRET = "environment-repository"
"""The Secret by which Argo CD's App reads GitHub."""
NUMBER = "{{.number}}"
TAG = f"pr-{NUMBER}-{{{{.head_sha}}}}"
"""The tag of the image of one commit of a pull request; the reusable workflow `pull-request.yml` pushes it."""


def pull_request_project(settings: Settings, service: Service, place: Environment) -> dict[str, Any]:
    """The AppProject of a service's pull requests: their own namespace, and what services may consist of.

    Args:
        settings: the stack's settings.
        service: whose pull requests they are.
        place: where they run, as `Settings.pull_request_place` has it.
    """
    name = placement_name(service, place)
    return project(
        settings,
        name,
        f"Pull requests of {service.name}",
        {**PART_OF, SERVICE_LABEL: service.name},
        [destination(place, name)],
        namespaced=service_kinds(settings, place),
    )


def application_set(settings: Settings, service: Service, base: Environment, place: Environment) -> dict[str, Any]:
    """What makes an Application of every open pull request with the label, and removes it with its workload.

    Nothing that a pull request's author chooses gets into the Application: a number and a commit do.

    Args:
        settings: the stack's settings.
        service: whose pull requests they are.
        base: the environment that they are run like.
        place: where they run.
    """
    given, github = service.pull_requests, settings.github
    assert given is not None  # noqa: S101  # the place is there because of it
    name = placement_name(service, place)
    found = {"owner": github.owner, "repo": service.repository_name, "appSecretName": REPOSITORY_SECRET}
    enterprise = {} if github.base_url == "https://github.com/" else {"api": github.api_url}
    generator = {
        "github": {**found, **enterprise, "labels": [given.label]},
        "filters": [{"targetBranchMatch": "^main$"}],
        "requeueAfterSeconds": given.poll_seconds,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ApplicationSet",
        "metadata": {
            "name": name,
            "namespace": settings.argocd.namespace,
            "labels": {**PART_OF, SERVICE_LABEL: service.name},
            # Its Applications go first, with what they run: without their AppProject Argo CD does not end them.
            "annotations": {"pulumi.com/deletionPropagationPolicy": "foreground"},
        },
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"pullRequest": generator}],
            "template": _template(settings, service, base, place),
        },
    }


def _template(settings: Settings, service: Service, base: Environment, place: Environment) -> dict[str, Any]:
    name = placement_name(service, place)
    values = [path for path in layout.value_files(base.name, service.name) if not path.endswith("/release.yaml")]
    return {
        "metadata": {
            "name": f"{service.name}-pr-{NUMBER}",
            # Without the label of an environment nothing is reported of it: it is not a release.
            "labels": {**PART_OF, SERVICE_LABEL: service.name},
            "finalizers": [FINALIZER],
        },
        "spec": {
            "project": name,
            "source": {
                "repoURL": settings.github.environment_repository_url,
                # The chart is that of main, which people have reviewed; a pull request brings an image alone.
                "path": layout.chart_folder(service.name),
                "targetRevision": "refs/heads/main",
                "helm": {
                    "releaseName": f"{service.name}-{NUMBER}",
                    "ignoreMissingValueFiles": True,
                    "valueFiles": [f"../../{path}" for path in values],
                    "valuesObject": _values(settings, service, place),
                },
            },
            "destination": destination(place, name),
            "revisionHistoryLimit": 1,
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True, "allowEmpty": True},
                "retry": RETRY,
                "syncOptions": ["CreateNamespace=false", "FailOnSharedResource=true", "ServerSideApply=true"],
            },
        },
    }


def _values(settings: Settings, service: Service, place: Environment) -> dict[str, Any]:
    given = platform_values(settings, service, place)
    entry = given.pop("global", {})
    host = _host(service)
    reached = {kind: {**options, "host": host} for kind, options in entry.items()} if host else {}
    release = {"image": settings.image(service), "tag": TAG, "version": f"0.0.0-pr.{NUMBER}"}
    return {**given, "global": {"instance": f"{service.name}-{NUMBER}", **reached}, "release": release}


def _host(service: Service) -> str:
    """The host of the address, for the way in; empty without one."""
    url = service.pull_requests.url if service.pull_requests else None
    return pull_request_url(url or "", service, NUMBER).partition("://")[2].partition("/")[0]


def pull_request_url(url: str, service: Service, number: str) -> str:
    """Where a pull request answers, from the settings' `url`.

    Args:
        url: the settings' own, with placeholders.
        service: whose pull request it is.
        number: its number, or what stands for that.
    """
    return url.replace("{service}", service.name).replace("{number}", number)
