"""Whether a quota has room for a release: one pod more than run, since old ones stay until the new one is ready."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

import yaml

from manifests.argocd.values import merged
from manifests.model import Environment, Service
from stacks.problems import Problem
from stacks.reading import Found
from templates.service_template import ServiceTemplate

_UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000**power) for power, unit in enumerate("kMGT", start=1)},
    **{f"{unit}i": Decimal(1024**power) for power, unit in enumerate("KMGT", start=1)},
}


def check_quota(environment: Found[Environment], service: Service, template: ServiceTemplate) -> Iterator[Problem]:
    """What a service starts with must fit, and so must the pod that a release starts beside it."""
    quota = environment.value.quota
    if quota is None or "quota" in environment.broken:
        return
    values = _values(service, environment.value, template)
    resources = _mapping(values.get("resources"))
    requests, limits = _mapping(resources.get("requests")), _mapping(resources.get("limits"))
    pods = _pods(values)
    if pods is None:
        return
    if quota.pods < pods:
        text = f"{quota.pods} has no room for a release of {service.name}; use at least {pods}"
        yield Problem(environment.at("quota", "pods"), f"{text}, its replicas and one while they are replaced")
    for key, allowed, each in (
        ("cpu", quota.cpu, requests.get("cpu")),
        ("memory", quota.memory, limits.get("memory") or requests.get("memory")),
    ):
        size = amount(each)
        if size is not None and (amount(allowed) or 0) < pods * size:
            text = f"{allowed} has no room for a release of {service.name}; it needs {pods} times {each}"
            yield Problem(
                environment.at("quota", key), f"{text}, for its replicas and one more while they are replaced"
            )


def amount(quantity: object) -> Decimal | None:
    """A quantity of Kubernetes as a number; None for what is none."""
    text = str(quantity)
    number = text.rstrip("".join(_UNITS))
    try:
        return Decimal(number) * _UNITS[text.removeprefix(number)]
    except (ArithmeticError, KeyError):
        return None


def _pods(values: Mapping[str, Any]) -> int | None:
    if values.get("schedule"):
        return 1  # a job runs once at a time, and a release starts none
    scaling = _mapping(values.get("autoscaling"))
    replicas = scaling.get("minReplicas") if scaling.get("enabled") is True else values.get("replicas")
    return replicas + 1 if isinstance(replicas, int) and not isinstance(replicas, bool) else None


def _values(service: Service, environment: Environment, template: ServiceTemplate) -> Mapping[str, Any]:
    file = template.chart / "values.yaml"
    chart = file.read_text(encoding="utf-8") if file.is_file() else ""
    return merged(merged(yaml.safe_load(chart) or {}, template.values), service.overrides.get(environment.name, {}))


def _mapping(value: object) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], value) if isinstance(value, Mapping) else {}
