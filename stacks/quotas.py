"""Whether a quota has room for a release: one pod more than run, since old ones stay until the new one is ready."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

import yaml

from manifests.argocd.values import merged
from manifests.infrastructure import DEFAULT_LIMITS, DEFAULT_REQUESTS
from manifests.model import Environment, Service
from slipway_release.validation.formats import amount
from stacks.problems import Problem
from stacks.reading import Found
from templates.service_template import ServiceTemplate


def check_quota(environment: Found[Environment], service: Service, template: ServiceTemplate) -> Iterator[Problem]:
    """What a service starts with must fit, and so must the pod that a release starts beside it."""
    quota = environment.value.quota
    if quota is None or "quota" in environment.broken:
        return
    values = start_values(service, environment.value, template)
    resources = _mapping(values.get("resources"))
    requests, limits = _mapping(resources.get("requests")), _mapping(resources.get("limits"))
    pods = _pods(values)
    if pods is None:
        return
    if quota.pods < pods:
        text = f"{quota.pods} has no room for a release of {service.name}; use at least {pods}"
        yield Problem(environment.at("quota", "pods"), f"{text}, its replicas and one while they are replaced")
    # Kubernetes takes a limit for the request where that is missing, and then the defaults of the namespace.
    memory = limits.get("memory") or DEFAULT_LIMITS["memory"]
    wanted = requests.get("memory")
    if (amount(wanted) or 0) > (amount(memory) or Decimal("Infinity")):
        text = f"{service.name} requests {wanted} of memory and may use {memory}, which Kubernetes refuses"
        yield Problem(environment.at("quota", "memory"), f"{text}; set `resources.limits.memory` in its `overrides`")
    for key, allowed, each in (
        ("cpu", quota.cpu, requests.get("cpu") or limits.get("cpu") or DEFAULT_REQUESTS["cpu"]),
        ("memory", quota.memory, memory),
    ):
        size = amount(each)
        if size is not None and (amount(allowed) or 0) < pods * size:
            text = f"{allowed} has no room for a release of {service.name}; it needs {pods} times {each}"
            yield Problem(
                environment.at("quota", key), f"{text}, for its replicas and one more while they are replaced"
            )


def check_quantities(found: Found[Service]) -> Iterator[Problem]:
    """What a service asks for in an environment, in words that Kubernetes takes."""
    for environment, values in found.value.overrides.items():
        for kind, given in _mapping(_mapping(values).get("resources")).items():
            for key, quantity in _mapping(given).items():
                size = amount(quantity)
                if quantity is not None and (size is None or size < 0):
                    text = (
                        f"{quantity!r} is not a quantity; use a number with a unit of Kubernetes, such as 500m or 4Gi"
                    )
                    yield Problem(found.at("overrides", environment, "resources", kind, key), text)


def _pods(values: Mapping[str, Any]) -> int | None:
    if values.get("schedule"):
        return 1  # a job runs once at a time, and a release starts none
    scaling = _mapping(values.get("autoscaling"))
    replicas = scaling.get("minReplicas") if scaling.get("enabled") is True else values.get("replicas")
    whole = isinstance(replicas, (int, float)) and not isinstance(replicas, bool) and replicas == int(replicas)
    return int(cast(float, replicas)) + 1 if whole else None


def start_values(service: Service, environment: Environment, template: ServiceTemplate) -> Mapping[str, Any]:
    """What a service's chart gets in an environment before its team changes anything, release aside."""
    file = template.chart / "values.yaml"
    chart = file.read_text(encoding="utf-8") if file.is_file() else ""
    return merged(merged(yaml.safe_load(chart) or {}, template.values), service.overrides.get(environment.name, {}))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
