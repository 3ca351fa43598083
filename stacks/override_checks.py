"""What a chart would make of the values that services start with: `pulumi up` writes them to main without a check."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from components.github.preflight import Advice
from manifests.argocd.values import merged
from manifests.model import Environment, Service, Settings
from manifests.platform_values import platform_values
from slipway_release.validation.pods import resource_problems
from stacks.quotas import start_values

RELEASE = "release"
_SCHEMA = "values.schema.json"


def override_findings(settings: Settings) -> Iterator[str]:
    """Overrides that the chart of their template or Kubernetes refuses, and what a quota has no room for."""
    for service in settings.services:
        for environment in settings.environments_of(service):
            own = service.overrides.get(environment.name)
            if own:
                where = f"services[{service.name}].overrides.{environment.name}"
                yield from _problems(settings, service, environment, own, where)


def _problems(
    settings: Settings, service: Service, environment: Environment, own: Mapping[str, Any], where: str
) -> Iterator[str]:
    template = settings.template(service)
    values = start_values(service, environment, template)
    if RELEASE in own:
        yield f"{where}.{RELEASE}: it is what the automation writes into release.yaml; remove it"
    wrong = list(_refused(template.chart / _SCHEMA, merged(values, platform_values(settings, service, environment))))
    yield from (f"{where}{place}: {text}; correct it" for place, text in wrong)
    if wrong:
        return
    resources, scaling = values.get("resources"), values.get("autoscaling")
    for text in resource_problems(cast(Mapping[str, Any], resources)) if isinstance(resources, Mapping) else ():
        yield f"{where}.{text}; correct it"
    if isinstance(scaling, Mapping):
        yield from _scaling_problems(service, environment, cast(Mapping[str, Any], scaling), where)


def _scaling_problems(
    service: Service, environment: Environment, scaling: Mapping[str, Any], where: str
) -> Iterator[str]:
    least, most = scaling.get("minReplicas", 1), scaling.get("maxReplicas")
    if scaling.get("enabled") is not True or not isinstance(least, int) or not isinstance(most, int):
        return
    if least > most:
        yield f"{where}.autoscaling: minReplicas {least} is above maxReplicas {most}; correct it"
    elif environment.quota is not None and environment.quota.pods <= most:
        yield Advice(
            f"environments[{environment.name}].quota.pods: {environment.quota.pods} has no room for a release of"
            f" {service.name} while it runs its {most} `maxReplicas`; let it have {most + 1}"
        )


def _refused(schema: Path, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Where and why a chart's schema does not take values, as Helm would say it."""
    if not schema.is_file():
        return
    # Few stacks have overrides, and it takes a while to load.
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415
    from referencing.exceptions import Unresolvable  # noqa: PLC0415

    try:
        content = json.loads(schema.read_text(encoding="utf-8"))
        # An empty registry: a schema that refers to another address is not fetched.
        found = list(validator_for(content)(content, registry=Registry()).iter_errors(_without_null(values)))
    except (ValueError, TypeError, AttributeError, re.error, Unresolvable):
        return  # whether a template's chart is one is for Helm to say, in the template's own tests
    for error in found:
        yield "".join(f".{part}" for part in error.path), error.message


def _without_null(value: Any) -> Any:
    """Helm takes null for what is not there."""
    if isinstance(value, Mapping):
        items = cast(Mapping[str, Any], value).items()
        return {key: _without_null(item) for key, item in items if item is not None}
    return value
