"""What the cluster itself lets into the namespaces of services: images of known places, and nothing of other services.

Pull requests are checked for the same; this holds for what reaches the cluster by any other way too.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from manifests.application import infrastructure_name
from manifests.argocd.labels import ENVIRONMENT_LABEL, MANAGED_BY, SERVICE_LABEL
from manifests.model import Admission, Environment, Service, Settings, placement_name
from slipway_release.validation import images
from slipway_release.validation.tenancy import SYSTEM_PRIORITY, TRACKING

_GROUP = "admissionregistration.k8s.io"
KINDS = ((_GROUP, "ValidatingAdmissionPolicy"), (_GROUP, "ValidatingAdmissionPolicyBinding"))
"""API group and kind."""
_ACTIONS = {Admission.ENFORCE: ["Deny"], Admission.WARN: ["Warn", "Audit"]}
_WORKLOADS = (
    ("", "v1", ["pods", "pods/ephemeralcontainers", "replicationcontrollers"]),
    ("apps", "v1", ["daemonsets", "deployments", "replicasets", "statefulsets"]),
    ("batch", "v1", ["cronjobs", "jobs"]),
)


def admission(settings: Settings, environment: Environment) -> list[dict[str, Any]]:
    """The policies, each with its binding to the namespaces of an environment; none where they are off.

    Pull requests that run like the environment have a namespace for each service, and policies of their own.
    """
    if environment.admission is Admission.OFF:
        return []
    places = sources(settings, environment)
    policies = {
        "images": _images_policy(images.permitted(places), images.beyond(places)),
        "traffic": _traffic_policy(),
        "places": _places_policy(environment),
    }
    objects = list(_bound(settings, environment, environment.name, {ENVIRONMENT_LABEL: environment.name}, policies))
    for service, place in settings.pull_request_places(environment):
        labels = {ENVIRONMENT_LABEL: place.name, SERVICE_LABEL: service.name}
        tried = {"images": _pull_requests_policy(settings, service, places), "traffic": _traffic_policy()}
        objects += _bound(settings, environment, placement_name(service, place), labels, tried)
    return objects


def _bound(
    settings: Settings,
    environment: Environment,
    where: str,
    labels: dict[str, str],
    policies: dict[str, dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    for what, spec in policies.items():
        name = f"{settings.name_prefix}-{where}-{what}"
        binding = {
            "policyName": name,
            "validationActions": _ACTIONS[environment.admission],
            "matchResources": {"namespaceSelector": {"matchLabels": {MANAGED_BY: settings.mark, **labels}}},
        }
        yield _object("ValidatingAdmissionPolicy", name, labels, spec)
        yield _object("ValidatingAdmissionPolicyBinding", name, labels, binding)


def sources(settings: Settings, environment: Environment) -> tuple[str, ...]:
    """Where images may come from: hosts, each with the path that their names begin with."""
    namespace = settings.registry.namespace or settings.github.owner.lower()
    return f"{settings.registry.host}/{namespace}", *environment.image_sources


def _pull_requests_policy(settings: Settings, service: Service, places: tuple[str, ...]) -> dict[str, Any]:
    """Images of the service's pull requests, which are named by a tag; others as in the environment."""
    image = settings.image(service)
    pattern = f"{images.permitted(places)}|^{re.escape(image)}:pr-[0-9]+-[0-9a-f]{{40}}$"
    return _images_policy(pattern, f": not {image}:pr-<number>-<commit>, and{images.beyond(places)[1:]}")


def _images_policy(pattern: str, beyond: str) -> dict[str, Any]:
    """Only images of a pattern; `beyond` is said of others."""
    return {
        **_decides(_WORKLOADS),
        "variables": [
            {"name": "pod", "expression": _pod("object")},
            {"name": "images", "expression": _images("variables.pod")},
            {"name": "wrong", "expression": f"variables.images.filter(image, !image.matches({json.dumps(pattern)}))"},
            {"name": "priority", "expression": _priority("variables.pod")},
            # What was there before the policy can still be scaled, labelled and deleted.
            {"name": "before", "expression": _pod("(oldObject == null ? object : oldObject)")},
            {
                "name": "unchanged",
                "expression": f"oldObject != null && {_images('variables.before')} == variables.images",
            },
        ],
        "validations": [
            {
                "expression": "variables.wrong.size() == 0 || variables.unchanged",
                "messageExpression": f"'image ' + variables.wrong[0] + {json.dumps(beyond)}",
            },
            {
                "expression": f"!variables.priority.startsWith('{SYSTEM_PRIORITY}') || oldObject != null"
                f" && variables.priority == {_priority('variables.before')}",
                "message": f"priorityClassName {SYSTEM_PRIORITY}… makes Kubernetes end pods of others for this one; "
                "take it out",
            },
        ],
    }


def _traffic_policy() -> dict[str, Any]:
    """Services take no traffic of others, and lead into no other namespace, whose network policy may let theirs in."""
    addresses, name = "object.spec.externalIPs", "object.spec.externalName"
    own = f"{name}.matches('[.]' + object.metadata.namespace + '[.]svc([.]|$)')"
    return {
        **_decides((("", "v1", ["services"]),)),
        "validations": [
            {
                "expression": f"!has({addresses}) || {addresses}.size() == 0",
                "message": "externalIPs takes traffic of other addresses from the whole cluster; use an Ingress",
            },
            {
                "expression": f"!has({name}) || !{name}.matches('[.]svc([.]|$)') || {own}",
                "message": "externalName leads into another namespace; let the pods name it",
            },
        ],
    }


def _places_policy(environment: Environment) -> dict[str, Any]:
    """An Application writes into the namespace of its own name alone.

    An AppProject has the namespaces of all services, and what a chart renders for a check and for Argo CD may differ:
    by the time, by chance, or by what the cluster has. Argo CD writes on each object of whose Application it is.
    """
    of = f"(has({{0}}.metadata.annotations) ? {{0}}.metadata.annotations[?'{TRACKING}'].orValue('') : '')"
    owners = ("object.metadata.namespace", f"'{infrastructure_name(environment)}'")
    permitted = " || ".join(f"variables.owner.startsWith({owner} + ':')" for owner in owners)
    return {
        **_decides((("*", "*", ["*"]),)),
        "variables": [
            {"name": "owner", "expression": of.format("object")},
            # What was there before the policy, or under another name, is still brought up to date by controllers.
            {
                "name": "unchanged",
                "expression": f"oldObject != null && {of.format('oldObject')} == variables.owner",
            },
        ],
        "validations": [
            {
                "expression": f"variables.owner == '' || variables.unchanged || {permitted}",
                "messageExpression": "'it is of the Application ' + variables.owner.split(':')[0] + "
                "', which writes into the namespace of its own name alone; take its namespace out of the chart'",
            }
        ],
    }


def _decides(rules: Iterable[tuple[str, str, list[str]]]) -> dict[str, Any]:
    """What a policy decides on. What it cannot decide on is not let in."""
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": [version],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": kinds,
                    "scope": "Namespaced",
                }
                for group, version, kinds in rules
            ]
        },
    }


def _pod(of: str) -> str:
    """The specification of the pods of a workload."""
    cron_job = f"{of}.spec.jobTemplate.spec.template.spec"
    return f"object.kind == 'Pod' ? {of}.spec : object.kind == 'CronJob' ? {cron_job} : {of}.spec.template.spec"


def _priority(pod: str) -> str:
    return f"(has({pod}.priorityClassName) ? {pod}.priorityClassName : '')"


def _images(pod: str) -> str:
    """All images that a pod pulls, of volumes too."""

    def optional(key: str) -> str:
        return f"(has({pod}.{key}) ? {pod}.{key} : [])"

    containers = f"({optional('containers')} + {optional('initContainers')} + {optional('ephemeralContainers')})"
    volumes = f"{optional('volumes')}.filter(volume, has(volume.image)).map(volume, volume.image.reference)"
    return f"{containers}.map(container, has(container.image) ? container.image : '') + {volumes}"


def _object(kind: str, name: str, labels: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": spec}
